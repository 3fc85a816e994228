// Why: a client of another make computes the same checksums with any XXH64 there is.
#include "workloads/digest.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/conversation.h"

namespace bench {
namespace {

std::uint64_t digest_of(std::string_view text) {
  Digest digest;
  digest.add(bytes_of(text));
  return digest.value();
}

std::string letters(std::size_t count) {
  std::string text(count, ' ');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

// As libxxhash 0.8.1 has them, for every way through the code: blocks, words, halves and bytes.
TEST(Digest, IsXxh64) {
  EXPECT_EQ(digest_of(""), 0xEF46DB3751D8E999U);
  EXPECT_EQ(digest_of("a"), 0xD24EC4F1A98C6E5BU);
  EXPECT_EQ(digest_of("abc"), 0x44BC2CF5AD770999U);
  EXPECT_EQ(digest_of("hello"), 0x26C7827D889F6DA3U);
  EXPECT_EQ(digest_of(letters(4)), 0xDE0327B0D25D92CCU);
  EXPECT_EQ(digest_of(letters(7)), 0x1860940E2902822DU);
  EXPECT_EQ(digest_of(letters(8)), 0x3AD351775B4634B7U);
  EXPECT_EQ(digest_of(letters(15)), 0x2E1218A2B1375068U);
  EXPECT_EQ(digest_of(letters(31)), 0xF7D421C242541AC9U);
  EXPECT_EQ(digest_of(letters(32)), 0x4DA6CBE536CF55C7U);
  EXPECT_EQ(digest_of(letters(33)), 0x9AC581034B031F72U);
  EXPECT_EQ(digest_of(letters(64)), 0x14696B774542D718U);
  EXPECT_EQ(digest_of(letters(127)), 0x7FF39F60E90698EFU);
  EXPECT_EQ(digest_of(letters(1000)), 0x94B86DB9A16D86A9U);
}

TEST(Digest, IsTheSameHoweverTheBytesAreCut) {
  const std::string text = letters(301);
  for (std::size_t piece = 1; piece < 100; ++piece) {
    Digest digest;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      digest.value();  // a look in between changes nothing
      digest.add(bytes_of(std::string_view(text).substr(at, piece)));
    }
    EXPECT_EQ(digest.value(), digest_of(text)) << piece;
  }
}

TEST(Digest, BeginsAnew) {
  Digest digest;
  digest.add(bytes_of(letters(70)));
  digest.reset();
  digest.add(bytes_of("abc"));
  EXPECT_EQ(digest.value(), digest_of("abc"));
}

}  // namespace
}  // namespace bench
