// Why: a client puts a file together from ranges, and a range that is off by one leaves a file that looks right.
#include "workloads/http_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/http_answers.h"
#include "workloads/http_body.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t page_bytes = 10'000;  // as in the examples of RFC 9110, 14.1.2

std::optional<ByteRange> asked_of(std::string_view value, std::uint64_t size = page_bytes) {
  const auto asked = parse_range(value);
  return asked ? part_of(*asked, size) : std::nullopt;
}

TEST(ParseRange, TakesTheExamplesOfTheRfc) {
  EXPECT_EQ(asked_of("bytes=0-499"), (ByteRange{0, 499}));
  EXPECT_EQ(asked_of("bytes=500-999"), (ByteRange{500, 999}));
  EXPECT_EQ(asked_of("bytes=-500"), (ByteRange{9500, 9999}));
  EXPECT_EQ(asked_of("bytes=9500-"), (ByteRange{9500, 9999}));
  EXPECT_EQ(asked_of("bytes=0-0"), (ByteRange{0, 0}));
  EXPECT_EQ(asked_of("bytes=-1"), (ByteRange{9999, 9999}));
  EXPECT_EQ(asked_of("BYTES=0-0"), (ByteRange{0, 0}));
}

TEST(ParseRange, EndsAtThePagesEnd) {
  EXPECT_EQ(asked_of("bytes=9999-9999"), (ByteRange{9999, 9999}));
  EXPECT_EQ(asked_of("bytes=9999-10000"), (ByteRange{9999, 9999}));
  EXPECT_EQ(asked_of("bytes=5-99999999999999999999999"), (ByteRange{5, 9999}));
  EXPECT_EQ(asked_of("bytes=-10001"), (ByteRange{0, 9999}));
  EXPECT_EQ(asked_of("bytes=-99999999999999999999999"), (ByteRange{0, 9999}));
}

TEST(ParseRange, TellsWhatNoPageHasFromWhatIsNoRange) {
  for (const std::string_view beyond : {"bytes=10000-", "bytes=10000-10000", "bytes=99999999999999999999999-"}) {
    EXPECT_TRUE(parse_range(beyond)) << beyond;
    EXPECT_FALSE(asked_of(beyond)) << beyond;
  }
  EXPECT_FALSE(parse_range("bytes=-0")->is_any());
  EXPECT_FALSE(asked_of("bytes=-0"));
  EXPECT_FALSE(asked_of("bytes=0-", 0));
  for (const std::string_view wrong : {"",           "bytes",        "bytes=",
                                       "bytes=-",    "bytes=5",      "bytes=5-4",
                                       "bytes=a-b",  "bytes=0-1x",   "bytes=--5",
                                       "bytes=+1-2", "bytes =0-1",   "bytes= 0-1",
                                       "bytes:0-1",  "bytes=0-0,-1", "bytes=500-600,601-999",
                                       "bytes=0-1,", "lines=0-1",    "byte=0-1",
                                       "bytesx=0-1", "bytes=0 - 1",  "bytes=0-1-2",
                                       "bytes=-1-2"}) {
    EXPECT_FALSE(parse_range(wrong)) << wrong;
  }
}

TEST(ParseContentRange, TakesWhatAPartSays) {
  EXPECT_EQ(parse_content_range("bytes 42-1233/1234"), (ContentRange{{42, 1233}, 1234}));
  EXPECT_EQ(parse_content_range("bytes 0-0/1"), (ContentRange{{0, 0}, 1}));
  for (const std::string_view wrong : {"", "bytes", "bytes 42-1233/*", "bytes */1234", "bytes 5-4/10", "bytes 5-10/10",
                                       "bytes=0-1/2", "bytes 0-1/2 ", "bytes 0-1", "lines 0-1/2"}) {
    EXPECT_FALSE(parse_content_range(wrong)) << wrong;
  }
}

// ---- The service ----

std::string range_of(std::string_view target, std::string_view value, std::string_view other = "") {
  return http_get(target, "Range: " + std::string(value) + "\r\n" + std::string(other));
}

TEST(HttpRanges, AnswerWithThePartAndItsPlace) {
  const std::string all = text_of(http_body(page_bytes));
  const auto expect = [&](std::string_view value, std::size_t first, std::size_t last) {
    const std::string reply = range_of("/10000", value);
    EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 206 Partial Content\r\n"), HasSubstr("\r\nAccept-Ranges: bytes\r\n"),
                             HasSubstr("\r\nContent-Length: " + std::to_string(last - first + 1) + "\r\n"),
                             HasSubstr("\r\nContent-Range: bytes " + std::to_string(first) + "-" +
                                       std::to_string(last) + "/10000\r\n")));
    EXPECT_EQ(http_body_of(reply), all.substr(first, last - first + 1)) << value;
  };
  expect("bytes=0-499", 0, 499);
  expect("bytes=500-999", 500, 999);
  expect("bytes=-500", 9500, 9999);
  expect("bytes=9500-", 9500, 9999);
  expect("bytes=0-0", 0, 0);
  expect("bytes=9000-20000", 9000, 9999);
  expect("bytes=0-", 0, 9999);
}

TEST(HttpRanges, AreRefusedWhereThePageHasNoneOfThem) {
  for (const std::string_view value : {"bytes=10000-", "bytes=10000-20000", "bytes=-0"}) {
    EXPECT_THAT(range_of("/10000", value),
                AllOf(StartsWith("HTTP/1.1 416 Range Not Satisfiable\r\n"),
                      HasSubstr("\r\nContent-Range: bytes */10000\r\n"), Not(HasSubstr("Connection: close"))))
        << value;
  }
  EXPECT_THAT(range_of("/0", "bytes=0-"), HasSubstr("\r\nContent-Range: bytes */0\r\n"));
}

TEST(HttpRanges, AreIgnoredWhereTheyMayBe) {
  const std::string whole = http_get("/10000");
  ASSERT_THAT(whole, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nAccept-Ranges: bytes\r\n")));
  EXPECT_EQ(range_of("/10000", "bytes=0-0,-1"), whole);
  EXPECT_EQ(range_of("/10000", "bytes=500-600,601-999"), whole);
  EXPECT_EQ(range_of("/10000", "lines=0-1"), whole);
  EXPECT_EQ(range_of("/10000", "bytes=5-4"), whole);
  EXPECT_EQ(range_of("/10000", "bytes=0-1", "Range: bytes=2-3\r\n"), whole);
  EXPECT_EQ(range_of("/10000", "bytes=0-1", "If-Range: \"tag\"\r\n"), whole);
  EXPECT_EQ(range_of("/10000", "bytes=0-1", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), whole);
  EXPECT_EQ(range_of("/0", "bytes=-5"), http_get("/0"));
  EXPECT_EQ(range_of("/", "bytes=0-1"), http_get("/"));
  EXPECT_EQ(range_of("/nothing", "bytes=0-1"), http_get("/nothing"));
  const auto head = [](std::string_view fields) {
    return http_answer("HEAD /10000 HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n").text;
  };
  EXPECT_EQ(head("Range: bytes=0-1\r\n"), head(""));  // RFC 9110, 14.2: of GET alone
}

TEST(HttpRanges, AreNotThereOfAWholePage) {
  const std::string whole = http_get("/10000?whole");
  EXPECT_THAT(whole, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nAccept-Ranges: none\r\n")));
  EXPECT_EQ(range_of("/10000?whole", "bytes=0-1"), whole);
  EXPECT_EQ(range_of("/10000?whole", "bytes=10000-"), whole);
}

TEST(HttpRanges, GoWithTheNextRequest) {
  const std::string two = http_answer(
                              "GET /9 HTTP/1.1\r\nHost: x\r\nRange: bytes=3-4\r\n\r\n"
                              "GET /9 HTTP/1.1\r\nHost: x\r\n\r\n")
                              .text;
  EXPECT_THAT(two, AllOf(StartsWith("HTTP/1.1 206 "), HasSubstr("HTTP/1.1 200 OK\r\n")));
  EXPECT_EQ(two.find("Content-Range"), two.rfind("Content-Range"));
}

}  // namespace
}  // namespace bench
