// Why: what one member of a chat types is shown on the terminals of all others.
#include "workloads/lines.h"

#include <gtest/gtest.h>

#include <string_view>

#include "tests/support/conversation.h"

namespace bench {
namespace {

using namespace std::string_view_literals;

TEST(Lines, EndWithANewline) {
  EXPECT_EQ(first_line(bytes_of("")), std::nullopt);
  EXPECT_EQ(first_line(bytes_of("abc")), std::nullopt);
  EXPECT_EQ(first_line(bytes_of("\nabc")), "");
  EXPECT_EQ(first_line(bytes_of("abc\ndef\n")), "abc");
}

TEST(Lines, BeginWithAWord) {
  const auto expect = [](std::string_view line, std::string_view first, std::string_view rest) {
    const Words words = split_word(line);
    EXPECT_EQ(words.first, first) << line;
    EXPECT_EQ(words.rest, rest) << line;
  };
  expect("", "", "");
  expect("SAY", "SAY", "");
  expect("SAY ", "SAY", "");
  expect("SAY a b", "SAY", "a b");
  expect("SAY  a", "SAY", " a");
  expect(" SAY", "", "SAY");
}

TEST(PlainText, IsUtf8) {
  for (const auto text :
       {""sv, "abc ~"sv, "\u00a0\u00e4\u07ff"sv, "\u0800\ud7ff\ue000\uffff"sv, "\U00010000\U0010ffff"sv}) {
    EXPECT_TRUE(is_plain_text(text)) << text;
  }
  // Continued by nothing, begun by nothing, cut short, too long for what they mean, surrogates, beyond Unicode.
  for (const auto text :
       {"\xc3"sv, "\xa4"sv, "a\xe2\x82"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xf0\x80\x80\xaf"sv, "\xed\xa0\x80"sv,
        "\xed\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf8\x88\x80\x80\x80"sv, "\xff"sv, "\xc3\xc3"sv, "\xe2\x28\xa1"sv}) {
    EXPECT_FALSE(is_plain_text(text)) << testing::PrintToString(text);
  }
}

TEST(PlainText, HasNoControlCharacters) {
  for (const auto text : {"\0"sv, "a\tb"sv, "\x1b[2J"sv, "\r"sv, "\x7f"sv, "\u0080"sv, "\u009b2J"sv}) {
    EXPECT_FALSE(is_plain_text(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace bench
