// Why: any client may be pointed at `bench serve --workload=http`, and the load generator at any HTTP server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/conversation.h"
#include "tests/support/http_answers.h"
#include "workloads/http_body.h"
#include "workloads/http_client.h"
#include "workloads/service.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Case {
  std::string request;
  int status;
  bool closes;
};

std::vector<Case> cases() {
  const std::string end = " HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto with = [](std::string_view fields) {
    return "GET /5 HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n";
  };
  return {
      // The tree.
      {"GET /" + end, 200, false},
      {"GET /0" + end, 200, false},
      {"GET /5" + end, 200, false},
      {"GET /1k" + end, 200, false},
      {"GET /1024k" + end, 200, false},
      {"GET /1048576" + end, 200, false},
      {"GET /1048577" + end, 404, false},
      {"GET /1025k" + end, 404, false},
      {"GET /99999999999999999999" + end, 404, false},
      {"GET /-1" + end, 404, false},
      {"GET /5m" + end, 404, false},
      {"GET /5kk" + end, 404, false},
      {"GET //5" + end, 404, false},
      {"GET /favicon.ico" + end, 204, false},
      {"GET /nothing" + end, 404, false},
      {"GET /../etc/passwd" + end, 404, false},
      {"GET /5?" + end, 200, false},
      {"GET /5?a=b&c" + end, 200, false},
      {"GET /5?heavy" + end, 200, false},
      {"GET http://x/5" + end, 200, false},
      {"GET HTTP://x:80/5?a" + end, 200, false},
      {"GET http://x" + end, 200, false},
      {"GET http://x?a" + end, 200, false},
      {"HEAD /5" + end, 200, false},
      {"GET /5?heavy&whole&pace=5" + end, 200, false},
      {"GET /5?pace=" + end, 400, false},
      {"GET /5?pace=0" + end, 400, false},
      {"GET /5?pace=-1" + end, 400, false},
      {"GET /5?pace=5k" + end, 400, false},
      {"GET /5?pace=1073741824" + end, 200, false},
      {"GET /5?pace=1073741825" + end, 400, false},
      {"GET /5?pace=99999999999999999999" + end, 400, false},
      {"GET /wait?ms=0" + end, 200, false},
      {"GET /wait?ms=10000" + end, 200, false},
      {"GET /wait?heavy&ms=5" + end, 200, false},
      {"POST /wait?ms=5" + end, 200, false},
      {"GET /wait?ms=10001" + end, 400, false},
      {"GET /wait?ms=-1" + end, 400, false},
      {"GET /wait?ms=5s" + end, 400, false},
      {"GET /wait?ms=" + end, 400, false},
      {"GET /wait" + end, 400, false},
      {"GET /waiting?ms=5" + end, 404, false},
      {"\r\n\r\nGET /5" + end, 200, false},
      // Methods.
      {"POST /5" + end, 405, false},
      {"OPTIONS *" + end, 405, false},
      {"DELETE /nothing" + end, 405, false},
      {"POST /echo" + end, 200, false},
      {"GET /echo" + end, 405, false},
      {"HEAD /echo" + end, 405, false},
      {"PUT /wait?ms=5" + end, 405, false},
      {"BREW /5" + end, 501, true},
      {"get /5" + end, 501, true},
      // Persistence.
      {"GET /5 HTTP/1.0\r\n\r\n", 200, true},
      {"GET /5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false},
      {with("Connection: close\r\n"), 200, true},
      {with("connection: foo, CLOSE\r\n"), 200, true},
      {with("Connection: keep-alive\r\n"), 200, false},
      // Bodies.
      {"POST /5 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 405, false},
      {with("Content-Length: 5\r\n") + "hello", 200, false},
      {with("Content-Length: 65536\r\n"), 200, false},
      {with("Content-Length: 65537\r\n"), 413, true},
      {with("Content-Length: 5\r\nExpect: 100-continue\r\n"), 200, true},
      {with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400, true},
      {with("Content-Length: -5\r\n"), 400, true},
      {with("Content-Length: 99999999999999999999\r\n"), 400, true},
      {with("Content-Length: 5x\r\n"), 400, true},
      {with("Transfer-Encoding: chunked\r\n"), 411, true},
      {with("Transfer-Encoding: gzip\r\n"), 501, true},
      {with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400, true},
      {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400, true},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, false},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 200, true},
      {"POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello", 200, true},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413, true},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 411, true},
      // Ranges.
      {with("Range: bytes=0-1\r\n"), 206, false},
      {with("Range: bytes=5-\r\n"), 416, false},
      {with("Range: bytes=0-1\r\nIf-Range: \"x\"\r\n"), 200, false},
      // Syntax.
      {"GET /5 HTTP/1.1\r\n\r\n", 400, true},
      {with("Host: y\r\n"), 400, true},
      {"GET /5 HTTP/1.1\r\nHost: example.org:80\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.1\r\nHost: [v7.a:b]\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.1\r\nHost: [zz]\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: %zz\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: a%2\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: a%20b\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.1\r\nHost:\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.1\r\nHost: a b\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: a:http\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, true},
      {"GET 5" + end, 400, true},
      {"GET *" + end, 400, true},
      {"GET" + end, 400, true},
      {"GET  /5" + end, 400, true},
      {"GET /5\r\nHost: x\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.1x\r\nHost: x\r\n\r\n", 400, true},
      {"GET /5 HTTQ/1.1\r\nHost: x\r\n\r\n", 400, true},
      {"GET /5 HTTP/1.2\r\nHost: x\r\n\r\n", 200, false},
      {"GET /5 HTTP/1.9\r\nHost: x\r\nConnection: close\r\n\r\n", 200, true},
      {"GET /5 HTTP/2.0\r\nHost: x\r\n\r\n", 505, true},
      {"GET /5 HTTP/0.9\r\nHost: x\r\n\r\n", 505, true},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
      {"G@T /5" + end, 400, true},
      {"\x16\x03\x01\x02\x01\r\n\r\n", 400, true},
      {with("Space : before the colon\r\n"), 400, true},
      {with("no colon\r\n"), 400, true},
      {with(": no name\r\n"), 400, true},
      {with("Control: \x01\r\n"), 400, true},
      {std::string("GET /5\0 HTTP/1.1\r\nHost: x\r\n\r\n", 29), 400, true},
      // Limits.
      {"GET /" + std::string(8 * 1024, '5') + end, 414, true},
      {"GET /5?" + std::string(8 * 1024 - 20, 'x') + end, 200, false},
      {with("Long: " + std::string(15 * 1024, 'x') + "\r\n"), 200, false},
      {with("Long: " + std::string(16 * 1024, 'x') + "\r\n"), 431, true},
  };
}

TEST(HttpSession, AnswersWithTheRightStatusInPiecesOfAnySize) {
  for (const Case& test : cases()) {
    const HttpAnswer whole = http_answer(test.request);
    SCOPED_TRACE(test.request.substr(0, 100));
    EXPECT_THAT(whole.text, StartsWith("HTTP/1.1 " + std::to_string(test.status) + " "));
    EXPECT_EQ(whole.closes, test.closes);
    EXPECT_EQ(whole.text.find("\r\nConnection: close\r\n") != std::string::npos, test.closes);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
      const HttpAnswer in_pieces = http_answer(test.request, piece);
      EXPECT_EQ(in_pieces.text.substr(0, in_pieces.text.find("\r\n\r\n")),
                whole.text.substr(0, whole.text.find("\r\n\r\n")))
          << "in pieces of " << piece;
      EXPECT_EQ(in_pieces.closes, test.closes) << "in pieces of " << piece;
    }
  }
}

// Every reply but 204 says how long it is, and is as long as it says.
TEST(HttpSession, GivesTheLengthOfEveryBody) {
  for (const Case& test : cases()) {
    const std::string text = http_answer(test.request).text;
    const std::string body = http_body_of(text);
    if (test.status == 204) {
      EXPECT_THAT(text, Not(HasSubstr("Content-Length")));
      EXPECT_EQ(body, "");
    } else if (!test.request.starts_with("HEAD")) {
      EXPECT_THAT(text, HasSubstr("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
      EXPECT_THAT(text, ContainsRegex("\r\nContent-Type: (text|application)/"));
    }
  }
}

TEST(HttpSession, ServesBytesThatDependOnTheirPlace) {
  EXPECT_EQ(http_body_of(http_get("/1000")), text_of(http_body(1000)));
  EXPECT_EQ(http_body_of(http_get("/1k")), text_of(http_body(1024)));
  EXPECT_EQ(http_body_of(http_get("/1024k")), text_of(http_body(max_http_body_bytes)));
  // No block of 64 bytes, aligned or not, comes twice in the first KiBs.
  const std::string text = text_of(http_body(8192));
  for (std::size_t at = 0; at + 64 <= text.size(); at += 61) {
    EXPECT_EQ(text.find(text.substr(at, 64), at + 1), std::string::npos);
  }
}

TEST(HttpSession, ServesAPageThatNamesTheModel) {
  EXPECT_THAT(http_get("/"), AllOf(HasSubstr("text/html"), HasSubstr("<b>epoll</b>"), HasSubstr("href=\"/64k\"")));
}

TEST(HttpSession, AnswersHeadAsGetWithoutTheBody) {
  for (const std::string target : {"/", "/5", "/64k", "/nothing"}) {
    const std::string with_body = http_get(target);
    const std::string without = http_answer("HEAD " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").text;
    EXPECT_EQ(without, with_body.substr(0, with_body.find("\r\n\r\n") + 4));
  }
}

TEST(HttpSession, NamesTheMethodsOfEachPage) {
  const auto put = [](const std::string& target) {
    return http_answer("PUT " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").text;
  };
  EXPECT_THAT(put("/5"), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_THAT(put("/echo"), HasSubstr("\r\nAllow: POST\r\n"));
  EXPECT_THAT(put("/wait?ms=5"), HasSubstr("\r\nAllow: GET, HEAD, POST\r\n"));
}

TEST(HttpSession, SendsXRequestBack) {
  EXPECT_THAT(http_answer("GET /5 HTTP/1.1\r\nHost: x\r\nx-request:  7-3 \r\n\r\n").text,
              HasSubstr("\r\nX-Request: 7-3\r\n"));
  EXPECT_THAT(http_get("/5"), Not(HasSubstr("X-Request")));
  const std::string too_long(49, '7');
  EXPECT_THAT(http_answer("GET /5 HTTP/1.1\r\nHost: x\r\nX-Request: " + too_long + "\r\n\r\n").text,
              Not(HasSubstr("X-Request")));
  // Not the one of the request before.
  const std::string two =
      http_answer("GET /5 HTTP/1.1\r\nHost: x\r\nX-Request: 1-1\r\n\r\nGET /5 HTTP/1.1\r\nHost: x\r\n\r\n").text;
  EXPECT_EQ(two.find("X-Request"), two.rfind("X-Request"));
}

TEST(HttpSession, TellsAnOldClientThatTheConnectionStays) {
  EXPECT_THAT(http_answer("GET /5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").text,
              HasSubstr("\r\nConnection: keep-alive\r\n"));
}

TEST(HttpSession, FindsTheNextRequestBehindABodyOfAnySize) {
  for (const std::size_t size : {0U, 1U, 5U, 5000U, 65'536U}) {
    const std::string requests = "POST /5 HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                                 std::string(size, 'G') + "GET /5 HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const std::size_t piece : {1U, 1000U, 1'000'000U}) {
      const HttpAnswer both = http_answer(requests, piece);
      EXPECT_THAT(both.text,
                  AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("HTTP/1.1 200 OK"), EndsWith(text_of(http_body(5)))));
      EXPECT_FALSE(both.closes);
    }
  }
}

TEST(HttpSession, DrainsBetweenLargeReplies) {
  std::string requests;
  for (int request = 0; request < 10; ++request) requests += "GET /1024k HTTP/1.1\r\nHost: x\r\n\r\n";
  ServedConnection server = serve_http();
  server.receive(requests);
  EXPECT_EQ(server.drains(), 10U);
  EXPECT_GT(server.take_sent().size(), 10U * 1024 * 1024);
}

TEST(HttpSession, SaysThatATimeIsUpWhenARequestHasBegun) {
  for (const std::string_view part : {"G", "GET /5 HTTP/1.1\r\n", "GET /5 HTTP/1.1\r\nHost: x\r\n", "\r"}) {
    ServedConnection server = serve_http();
    server.receive(part);
    EXPECT_EQ(server.take_sent(), "");
    server.time_out();
    EXPECT_THAT(server.take_sent(), StartsWith("HTTP/1.1 408 ")) << part;
    EXPECT_TRUE(server.is_closed());
  }
  for (const std::string_view part : {"\r\n", "GET /0 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"}) {
    ServedConnection server = serve_http();
    server.receive(part);
    server.take_sent();
    server.time_out();
    EXPECT_EQ(server.take_sent(), "") << part;  // the request has been answered
    EXPECT_TRUE(server.is_closed());
  }
}

TEST(HttpSession, StopsHeadersThatNeverEnd) {
  constexpr std::size_t enough = 100'000'000;
  const std::string line = "X: y\r\n";
  for (const std::string_view filler : {"x", "X: y\r\n", "\n", " "}) {
    for (const std::string_view start : {"", "GET /", "GET /5 HTTP/1.1\r\nHost: x\r\n", "GET /5 HTTP/1.1\r\nX: "}) {
      for (const std::size_t piece : {1U, 100U, 100'000U}) {
        std::string block;
        while (block.size() < piece) block += filler;
        ServedConnection server = serve_http();
        if (!start.empty()) server.receive(start);
        std::size_t received = 0;
        while (!server.is_closed() && received < enough) {
          server.receive(block);  // asserts max_unconsumed
          received += block.size();
        }
        ASSERT_TRUE(server.is_closed()) << start << "…" << filler;
        EXPECT_LE(received, max_unconsumed + block.size());
        EXPECT_THAT(server.take_sent(), testing::AnyOf(StartsWith("HTTP/1.1 400"), StartsWith("HTTP/1.1 414"),
                                                       StartsWith("HTTP/1.1 431"), StartsWith("HTTP/1.1 501")));
      }
    }
  }
}

TEST(HttpSession, AnswersGoodRequestsBeforeABadOne) {
  const HttpAnswer both =
      http_answer("GET /5 HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\nGET /5 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(both.text, AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("HTTP/1.1 400"), EndsWith("400 Bad Request")));
  EXPECT_TRUE(both.closes);
}

// Requests with bytes changed, dropped and doubled at random: whatever becomes of them, it does not depend on the cuts.
TEST(HttpSession, AnswersDamagedRequestsTheSameHoweverTheyAreCut) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  const std::string good =
      "GET /5?heavy HTTP/1.1\r\nHost: x\r\nX-Request: 1-2\r\n\r\n"
      "POST /64k HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 6\r\n\r\nabcdef"
      "POST /echo?heavy HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef"
      "GET /99?pace=999 HTTP/1.1\r\nHost: x\r\nRange: bytes=5-25\r\n\r\n"
      "HEAD / HTTP/1.1\r\nHost: y\r\nFolded: a\r\n b\r\n\r\n";
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (std::size_t damage = below(4); damage != 0; --damage) {
      const std::size_t place = below(text.size());
      switch (below(3)) {
        case 0: text[place] = static_cast<char>(below(256)); break;
        case 1: text.erase(place, 1); break;
        default: text.insert(place, 1, text[place]);
      }
    }
    text += "\r\n\r\n";  // a syntax error may show only where a header ends
    const HttpAnswer whole = http_answer(text);
    const HttpAnswer in_pieces = http_answer(text, 1 + below(20));
    ASSERT_EQ(in_pieces.text, whole.text) << text;
    ASSERT_EQ(in_pieces.closes, whole.closes) << text;
  }
}

std::unique_ptr<Exchange> foreign_client(const MakeForeignExchange& make) {
  auto client = make();
  for (int requests = 0; requests < 4; ++requests) request_of(*client);
  return client;
}

// The first of its server, so that no reply before its own says what is right.
std::unique_ptr<Exchange> foreign_client(const ForeignRequest& asked = {.host = "example"}) {
  return foreign_client(http_exchanges(asked));
}

TEST(HttpClient, AsksForItsPathAndHost) {
  const auto client = http_exchanges({.host = "example:81", .path = "/a?b"})();
  EXPECT_EQ(request_of(*client), "GET /a?b HTTP/1.1\r\nHost: example:81\r\n\r\n");
}

TEST(HttpClient, SendsWhatItIsTold) {
  const auto post =
      http_exchanges({.host = "a", .method = "POST", .headers = {"Accept: x,y", "host: b"}, .body = "1=2"})();
  EXPECT_EQ(request_of(*post), "POST / HTTP/1.1\r\nAccept: x,y\r\nhost: b\r\nContent-Length: 3\r\n\r\n1=2");
}

// A reply to HEAD has the headers of one to GET.
TEST(HttpClient, ExpectsNoBodyInReplyToHead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  EXPECT_THAT(replies(*foreign_client(ForeignRequest{.host = "example", .method = "HEAD"}), head + head),
              ElementsAre("complete", "complete"));
}

TEST(HttpClient, TakesRepliesOfEveryFramingInPiecesOfAnySize) {
  const std::string length = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";
  const std::string chunks =
      "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\nTrailer: "
      "z\r\n\r\n";
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + length;
  const auto target = http_exchanges({.host = "example"});  // one reference for all: the framing is no part of a body
  for (const std::string& reply : {length, chunks, interim}) {
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 1000U}) {
      EXPECT_THAT(replies_in_pieces(*foreign_client(target), reply + reply, piece), ElementsAre("complete", "complete"))
          << reply << " in pieces of " << piece;
    }
  }
}

TEST(HttpClient, TakesABodyUntilTheEndOfTheConnection) {
  const auto target = http_exchanges({.host = "example"});
  const std::string reply = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
  for (const std::size_t piece : {1U, 7U, 1000U}) {
    const auto client = foreign_client(target);
    EXPECT_THAT(replies_in_pieces(*client, reply, piece), ElementsAre("more"));
    const Reply end = client->end();
    EXPECT_EQ(end.verdict, Verdict::complete);
    EXPECT_TRUE(end.peer_closes);
    EXPECT_EQ(client->end().verdict, Verdict::more);
  }
  const auto client = foreign_client(target);
  EXPECT_THAT(replies(*client, reply.substr(0, reply.size() - 1)), ElementsAre("more"));
  EXPECT_EQ(client->end().verdict, Verdict::wrong);
}

TEST(HttpClient, NoticesAReplyCutShort) {
  for (const std::string_view reply : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    const auto client = foreign_client();
    replies(*client, reply);
    EXPECT_EQ(client->end().verdict, Verdict::more) << reply;
  }
}

TEST(HttpClient, SaysWhenTheServerCloses) {
  const auto reply = [](std::string_view start) { return std::string(start) + "Content-Length: 0\r\n\r\n"; };
  EXPECT_THAT(replies(*foreign_client(), reply("HTTP/1.1 200 OK\r\nConnection: close\r\n")),
              ElementsAre("complete, closes"));
  EXPECT_THAT(replies(*foreign_client(), reply("HTTP/1.0 200 OK\r\n")), ElementsAre("complete, closes"));
  EXPECT_THAT(replies(*foreign_client(), reply("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n")),
              ElementsAre("complete"));
}

TEST(HttpClient, HoldsEveryReplyAgainstTheFirst) {
  const auto reply = [](const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 1000U}) {
    const std::string body = text_of(http_body(size));
    const auto target = http_exchanges({.host = "example"});
    EXPECT_THAT(replies_in_pieces(*foreign_client(target), reply(body), 7), ElementsAre("complete"));
    EXPECT_THAT(replies(*foreign_client(target), reply(body)), ElementsAre("complete"));
    EXPECT_THAT(replies(*foreign_client(target), reply(body + "x")),
                ElementsAre(fmt::format("wrong: a body of {} bytes where the first reply had {}", size + 1, size)));
    for (std::size_t place = 0; place < size; ++place) {
      std::string other = body;
      other[place] ^= 0x20;
      EXPECT_THAT(replies(*foreign_client(target), reply(other)),
                  ElementsAre(fmt::format(
                      "wrong: a body of other bytes than the first reply's, of the same length ({})", size)));
    }
    if (size > 64) {
      std::string swapped = body;
      std::ranges::swap_ranges(std::span(swapped).first(32), std::span(swapped).subspan(32, 32));
      EXPECT_THAT(replies(*foreign_client(target), reply(swapped)), ElementsAre(StartsWith("wrong: ")));
    }
  }
}

TEST(HttpClient, ChecksAsMuchAsItIsAsked) {
  const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
  const std::string two = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";
  const std::string four = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour";
  const auto all = [&](ReplyCheck check) {
    const auto target = http_exchanges({.host = "example", .check = check});
    std::string said;
    for (const std::string& reply : {one, two, four}) said += replies(*foreign_client(target), reply)[0][0];
    return said;
  };
  EXPECT_EQ(all(ReplyCheck::status), "ccc");
  EXPECT_EQ(all(ReplyCheck::length), "ccw");
  EXPECT_EQ(all(ReplyCheck::body), "cww");
}

TEST(HttpClient, ExpectsOneStatus) {
  const std::string not_found = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  EXPECT_THAT(replies(*foreign_client(), not_found), ElementsAre("wrong: status 404 where 200 was due"));
  EXPECT_THAT(replies(*foreign_client(ForeignRequest{.host = "example", .expected_status = 404}), not_found),
              ElementsAre("complete"));
  EXPECT_THAT(replies(*foreign_client(ForeignRequest{.host = "example", .expected_status = 304}),
                      "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
              ElementsAre("complete"));
}

TEST(HttpClient, NoticesWhatIsNotHttp) {
  const auto said_of = [](std::string_view reply) { return replies(*foreign_client(), reply); };
  EXPECT_THAT(said_of("SSH-2.0-OpenSSH\r\n"), ElementsAre("wrong: not a reply of HTTP/1.0 or 1.1"));
  EXPECT_THAT(said_of("HTTP/1.1 xyz\r\n\r\n"), ElementsAre("wrong: malformed reply: invalid HTTP status code"));
  EXPECT_THAT(said_of("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
              ElementsAre("wrong: malformed reply: invalid character in content-length header"));
  EXPECT_THAT(said_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
              ElementsAre("wrong: malformed reply: invalid character in chunk size header"));
  EXPECT_THAT(said_of("HTTP/1.1 200 OK\r\nX: " + std::string(60'000, 'x') + "\r\nContent-Length: 0\r\n\r\n"),
              ElementsAre("complete"));
  EXPECT_THAT(said_of("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x')),
              ElementsAre("wrong: malformed reply: too many header bytes seen; overflow detected"));
}

// What curl and wrk take, however odd, comes from servers that people run.
TEST(HttpClient, TakesWhatOtherClientsTake) {
  const std::string length = "Content-Length: 5\r\n\r\nhello";
  for (const std::string& reply : std::vector<std::string>{
           "HTTP/1.1 200\r\n" + length, "HTTP/1.1 200 \r\n" + length, "HTTP/1.1 200 Tr\u00e8s bien\r\n" + length,
           "HTTP/1.1 200 Tr\xe8s bien\r\n" + length, std::string("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
           "\r\nHTTP/1.1 200 OK\r\n" + length, "HTTP/1.1 200 OK\r\ncontent-length:\t 5 \t\r\n\r\nhel\to",
           "HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\n\tc\r\n" + length, "HTTP/1.2 200 OK\r\n" + length,
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0005;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n"),
           std::string(
               "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")}) {
    for (const std::size_t piece : {1U, 3U, 1000U}) {
      EXPECT_THAT(replies_in_pieces(*foreign_client(), reply + reply, piece), ElementsAre("complete", "complete"))
          << reply << " in pieces of " << piece;
    }
  }
}

// A reply that cannot have a body has none, whatever its header says (RFC 9112, 6.3).
TEST(HttpClient, ExpectsNoBodyWhereThereIsNone) {
  for (const int status : {204, 304}) {
    for (const std::string_view header : {"", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
      const std::string reply = fmt::format("HTTP/1.1 {} X\r\n{}\r\n", status, header);
      EXPECT_THAT(replies(*foreign_client(ForeignRequest{.host = "example", .expected_status = status}), reply + reply),
                  ElementsAre("complete", "complete"))
          << reply;
    }
  }
}

TEST(HttpClient, DoesNotFollowASwitchOfProtocols) {
  EXPECT_THAT(
      replies(*foreign_client(), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
      ElementsAre("wrong: status 101 where 200 was due"));
}

// A server may say 408 when it closes a connection that has asked for nothing. To a request it is a reply like others.
TEST(HttpClient, KnowsAFarewell) {
  const std::string farewell = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
  const auto make = http_exchanges({.host = "example"});
  for (const std::size_t piece : {1U, 1000U}) {
    EXPECT_THAT(replies_in_pieces(*make(), farewell, piece), ElementsAre("farewell")) << piece;
  }
  EXPECT_THAT(replies(*foreign_client(), farewell), ElementsAre("wrong: status 408 where 200 was due"));
  EXPECT_THAT(replies(*make(), "HTTP/1.1 200 OK\r\n\r\n"), ElementsAre("wrong: bytes that no request asked for"));
  EXPECT_THAT(replies(*make(), "x"), ElementsAre("wrong: bytes that no request asked for"));
}

TEST(HttpClient, SharesTheFirstReplyOverThreads) {
  const auto target = http_exchanges({.host = "example"});
  std::vector<std::string> said(8);
  std::vector<std::thread> threads;
  for (std::size_t index = 0; index < said.size(); ++index) {
    threads.emplace_back([&, index] {
      // Every other one has another body of the same length: either all of the one kind are right or all of the other.
      const std::string reply =
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n") + (index % 2 == 0 ? "a" : "b");
      for (int round = 0; round < 100; ++round) said[index] += replies(*foreign_client(target), reply)[0][0];
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t index = 0; index < said.size(); ++index) {
    EXPECT_EQ(said[index], std::string(100, said[index % 2][0])) << index;
  }
  EXPECT_NE(said[0], said[1]);
}

}  // namespace
}  // namespace bench
