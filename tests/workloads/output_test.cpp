// Why: every byte that a server or a client sends goes through an Output, in whatever pieces the kernel takes them.
#include "workloads/output.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "tests/support/conversation.h"

namespace bench {
namespace {

std::string pending_text(const Output& out, std::size_t vectors_at_most = 4096) {
  std::string text;
  std::vector<iovec> vectors(vectors_at_most);
  for (const iovec& vector : out.gather(vectors)) {
    EXPECT_NE(vector.iov_len, 0U);
    text.append(static_cast<const char*>(vector.iov_base), vector.iov_len);
  }
  return text;
}

TEST(Output, BehavesAsAStringUnderRandomOperations) {
  const std::string borrowed = "the quick brown fox jumps over the lazy dog";
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t bound) {
      return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
    };
    Output out;
    std::string expected;
    for (int operation = 0; operation < 3000; ++operation) {
      const std::string piece(below(60), static_cast<char>('A' + below(26)));
      switch (below(5)) {
        case 0:
          out.append(piece);
          expected += piece;
          break;
        case 1: {
          const std::size_t size = below(borrowed.size() + 1);
          out.borrow(bytes_of(borrowed).first(size));
          expected += borrowed.substr(0, size);
          break;
        }
        case 2: {
          const auto room = out.extend(piece.size());
          ASSERT_EQ(room.size(), piece.size());
          std::ranges::copy(bytes_of(piece), room.begin());
          expected += piece;
          break;
        }
        default: {
          // Small bites, so that it seldom runs empty.
          const std::size_t size = std::min(expected.size(), below(45));
          out.consume(size);
          expected.erase(0, size);
        }
      }
      ASSERT_EQ(out.pending(), expected.size());
      ASSERT_EQ(out.empty(), expected.empty());
      if (operation % 50 == 0) {
        ASSERT_EQ(pending_text(out), expected);
        ASSERT_TRUE(expected.starts_with(pending_text(out, 2)));
      }
    }
    EXPECT_EQ(take(out), expected);
  }
}

TEST(Output, SendsBorrowedBytesFromWhereTheyLie) {
  const std::string text = "borrowed";
  Output out;
  out.append("copied");
  out.borrow(bytes_of(text));
  std::array<iovec, 4> vectors;
  const auto pieces = out.gather(vectors);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[1].iov_base, text.data());
}

// A peer that never takes everything: what lies at the front of the buffer must not move further and further away.
TEST(Output, StaysBoundedWhenItNeverRunsEmpty) {
  const std::string piece(1000, 'x');
  const std::string borrowed = "b";
  Output out;
  out.append(piece);
  std::array<iovec, 1> first;
  std::uintptr_t lowest = UINTPTR_MAX;
  std::uintptr_t highest = 0;
  for (int round = 0; round < 100'000; ++round) {
    out.append(piece);
    if (round % 3 == 0) out.borrow(bytes_of(borrowed));
    out.consume(1000 + (round % 3 == 0 ? 1 : 0));
    if (round < 1000) continue;  // has found its size
    const void* const data = out.gather(first)[0].iov_base;
    if (data == borrowed.data()) continue;
    lowest = std::min(lowest, reinterpret_cast<std::uintptr_t>(data));
    highest = std::max(highest, reinterpret_cast<std::uintptr_t>(data));
  }
  EXPECT_LT(highest - lowest, 200'000U);
}

}  // namespace
}  // namespace bench
