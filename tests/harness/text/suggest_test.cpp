// Why: a suggestion that is far off is worse than none, so both sides of the limit are tested.
#include "harness/text/suggest.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string_view>

namespace bench {
namespace {

constexpr std::array<std::string_view, 7> models = {"serial", "threads",    "thread-pool", "processes",
                                                    "epoll",  "coroutines", "io-uring"};

TEST(Closest, FindsEachKindOfTypingError) {
  EXPECT_EQ(closest("epol", models), "epoll");    // a letter left out
  EXPECT_EQ(closest("epolll", models), "epoll");  // one too many
  EXPECT_EQ(closest("epo1l", models), "epoll");   // a wrong one
  EXPECT_EQ(closest("eploll", models), "epoll");  // two edits of six
  EXPECT_EQ(closest("io_uring", models), "io-uring");
}

TEST(Closest, CountsASwapAsOneEdit) {
  constexpr std::array<std::string_view, 1> lock = {"lock"};
  EXPECT_EQ(closest("lcok", lock), "lock");  // one swap, or two replacements: beyond the limit
  EXPECT_EQ(closest("lkoc", lock), std::nullopt);
}

TEST(Closest, LimitIsAThirdOfTheWord) {
  constexpr std::array<std::string_view, 1> words = {"abcdef"};
  EXPECT_EQ(closest("abcdxy", words), "abcdef");      // 2 of 6
  EXPECT_EQ(closest("abcxyz", words), std::nullopt);  // 3 of 6
  EXPECT_EQ(closest("abcdx", words), std::nullopt);   // 2 of 5
}

TEST(Closest, CompletesAPrefixOfTwoLetters) {
  EXPECT_EQ(closest("co", models), "coroutines");
  EXPECT_EQ(closest("c", models), std::nullopt);
  EXPECT_EQ(closest("outines", models), std::nullopt);
}

TEST(Closest, PrefersTheNearestAndThenTheFirst) {
  EXPECT_EQ(closest("thread", models), "threads");
  EXPECT_EQ(closest("thread-poll", models), "thread-pool");
  constexpr std::array<std::string_view, 3> words = {"cat", "bat", "hat"};
  EXPECT_EQ(closest("rat", words), "cat");
  EXPECT_EQ(closest("hat", words), "hat");
}

TEST(Closest, IgnoresCase) {
  EXPECT_EQ(closest("EPOLL", models), "epoll");
  EXPECT_EQ(closest("CORO", models), "coroutines");
  constexpr std::array<std::string_view, 1> upper = {"FIFO"};
  EXPECT_EQ(closest("fifo", upper), "FIFO");
}

TEST(Closest, HasNothingToSayAboutStrangers) {
  EXPECT_EQ(closest("banana", models), std::nullopt);
  EXPECT_EQ(closest("", models), std::nullopt);
  EXPECT_EQ(closest("epoll", {}), std::nullopt);
}

}  // namespace
}  // namespace bench
