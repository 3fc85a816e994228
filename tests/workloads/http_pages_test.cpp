// Why: what a page does beside sending bytes is asked of the model, in an order that a client may rely on: a wait
// before its answer, a body at a pace, the body of a request while it still comes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/http_answers.h"
#include "workloads/http_body.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n{}", target, fields, body.size(),
                     body);
}

const std::string next_request = "GET /5 HTTP/1.1\r\nHost: x\r\n\r\n";

// ---- /echo ----

TEST(HttpEcho, SendsEveryBodyBackHoweverItIsCut) {
  for (const std::size_t size : {0U, 1U, 300U, 5000U, 65'536U}) {
    const std::string body = text_of(http_body(size));
    for (const std::size_t piece : {1U, 7U, 1000U, 1'000'000U}) {
      if (piece < 1000 && size > 5000) continue;
      const HttpAnswer both = http_answer(post("/echo", body) + next_request, piece);
      EXPECT_THAT(both.text, StartsWith("HTTP/1.1 200 OK\r\n"));
      const std::string rest = http_body_of(both.text);
      EXPECT_EQ(rest.substr(0, size), body) << size << " bytes in pieces of " << piece;
      EXPECT_THAT(rest.substr(size), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith(text_of(http_body(5)))));
      EXPECT_FALSE(both.closes);
    }
  }
}

TEST(HttpEcho, AnswersWhileTheBodyComesAndHoldsNoneOfIt) {
  ServedConnection server = serve_http();
  const std::string request = post("/echo", "abcdef");
  server.receive(request.substr(0, request.size() - 6));
  EXPECT_EQ(server.take_sent(), "");  // there may never be a body
  server.receive("abc");
  EXPECT_THAT(server.take_sent(), EndsWith("\r\n\r\nabc"));
  EXPECT_EQ(server.unconsumed(), 0U);
  server.receive("def" + next_request);
  EXPECT_THAT(server.take_sent(), StartsWith("defHTTP/1.1 200 OK\r\n"));
}

TEST(HttpEcho, TellsAClientThatAsksToGoOn) {
  const std::string request = post("/echo", "abc", "Expect: 100-continue\r\n");
  ServedConnection server = serve_http();
  server.receive(request.substr(0, request.size() - 3));
  EXPECT_EQ(server.take_sent(), "HTTP/1.1 100 Continue\r\n\r\n");
  server.receive("abc" + next_request);
  EXPECT_THAT(server.take_sent(),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\nabcHTTP/1.1 200 OK\r\n")));
  EXPECT_FALSE(server.is_closed());

  EXPECT_THAT(http_answer(request).text, StartsWith("HTTP/1.1 200 OK\r\n"));  // it is there already
}

TEST(HttpEcho, EndsWithABodyThatIsCutShort) {
  const std::string request = post("/echo", "abcdef");
  for (const std::size_t cut : {6U, 1U}) {
    ServedConnection ended = serve_http();
    ended.receive(request.substr(0, request.size() - cut));
    ended.end();
    EXPECT_TRUE(ended.is_closed());

    ServedConnection silent = serve_http();
    silent.receive(request.substr(0, request.size() - cut));
    const std::string before = silent.take_sent();
    silent.time_out();
    EXPECT_TRUE(silent.is_closed());
    EXPECT_EQ(silent.take_sent().starts_with("HTTP/1.1 408 "), before.empty()) << "the answer has begun: " << before;
  }
}

TEST(HttpEcho, ClosesAfterTheBodyWhereTheClientWantsThat) {
  const HttpAnswer last = http_answer(post("/echo", "abc", "Connection: close\r\n") + next_request, 1);
  EXPECT_THAT(last.text, EndsWith("\r\n\r\nabc"));
  EXPECT_TRUE(last.closes);
}

// ---- /wait ----

TEST(HttpWait, AsksItsModelToWaitBeforeItAnswers) {
  for (const std::string& request :
       {"GET /wait?ms=25 HTTP/1.1\r\nHost: x\r\n\r\n" + next_request, post("/wait?ms=25", "body") + next_request}) {
    ServedConnection server = serve_http();
    server.receive(request);
    EXPECT_THAT(server.asked(), ElementsAre("wait 25000000"));
    EXPECT_THAT(server.take_sent(), AllOf(HasSubstr("\r\n\r\nwaited 25 ms\n"), EndsWith(text_of(http_body(5)))));
  }
  Output out;
  const auto session = http_service().open({.parameters = {}, .model = "epoll"});
  EXPECT_EQ(session->advance(Why::data, bytes_of("GET /wait?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n"), out).next, Next::wait);
  EXPECT_TRUE(out.empty());
}

TEST(HttpWait, ComesAfterTheExtrasOfAHeavyRequestAndForEachRequestAnew) {
  const ServiceContext context{.parameters = {.compute_steps = 7, .wait = std::chrono::nanoseconds(9)}, .model = ""};
  ServedConnection server = serve_http(context);
  for (int request = 0; request < 2; ++request) server.receive("GET /wait?heavy&ms=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(server.asked(),
              ElementsAre("compute 7", "wait 9", "wait 1000000", "compute 7", "wait 9", "wait 1000000"));
}

TEST(HttpWait, AsksForNothingWhereTheQueryIsWrongOrZero) {
  for (const std::string_view query : {"", "?ms=", "?ms=x", "?ms=10001", "?ms=0"}) {
    ServedConnection server = serve_http();
    server.receive(fmt::format("GET /wait{} HTTP/1.1\r\nHost: x\r\n\r\n", query));
    EXPECT_THAT(server.asked(), IsEmpty()) << query;
  }
}

// ---- A pace ----

std::uint64_t sum_of_waits(const ServedConnection& server) {
  std::uint64_t sum = 0;
  for (const std::string& asked : server.asked()) sum += std::stoull(asked.substr(asked.find(' ')));
  return sum;
}

TEST(HttpPace, SendsAFiftiethOfASecondsBytesAtATime) {
  ServedConnection server = serve_http();
  server.receive("GET /1000?pace=5000 HTTP/1.1\r\nHost: x\r\n\r\n" + next_request);
  EXPECT_THAT(server.asked(), AllOf(SizeIs(10), Each("wait 20000000")));
  const std::string sent = server.take_sent();
  EXPECT_EQ(http_body_of(sent).substr(0, 1000), text_of(http_body(1000)));
  EXPECT_THAT(sent, EndsWith(text_of(http_body(5))));
}

// The first piece waits too, so that the last byte never comes sooner than at its pace.
TEST(HttpPace, TakesAsLongAsTheBytesDoAtThatPace) {
  for (const std::uint64_t pace : {1U, 3U, 49U, 1000U, 999'999U, 1'073'741'824U}) {
    for (const std::uint64_t size : {1U, 17U, 20'000U, 1'048'576U}) {
      if (size / pace > 10'000) continue;
      ServedConnection server = serve_http();
      server.receive(fmt::format("GET /{}?pace={} HTTP/1.1\r\nHost: x\r\n\r\n", size, pace));
      const std::uint64_t least = size * 1'000'000'000 / pace;
      EXPECT_GE(sum_of_waits(server), least) << size << " bytes at " << pace;
      EXPECT_LE(sum_of_waits(server), least + server.asked().size() + 1);  // rounded up, each
      EXPECT_EQ(http_body_of(server.take_sent()), text_of(http_body(size)));
      EXPECT_LE(server.most_pending(), 16U * 1024 + 500);
    }
  }
}

TEST(HttpPace, HoldsForARangeAndNotForAHeader) {
  ServedConnection server = serve_http();
  server.receive("GET /1000?pace=5000 HTTP/1.1\r\nHost: x\r\nRange: bytes=100-299\r\n\r\n");
  EXPECT_THAT(server.asked(), AllOf(SizeIs(2), Each("wait 20000000")));
  EXPECT_EQ(http_body_of(server.take_sent()), text_of(http_body(1000).subspan(100, 200)));

  ServedConnection head = serve_http();
  head.receive("HEAD /1000?pace=5000 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(head.asked(), IsEmpty());
}

TEST(HttpPace, ClosesAfterTheLastPiece) {
  ServedConnection server = serve_http();
  server.receive("GET /100?pace=1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(server.is_closed());
  EXPECT_EQ(http_body_of(server.take_sent()), text_of(http_body(100)));

  ServedConnection ended = serve_http();
  ended.receive("GET /100?pace=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
  ended.end();
  EXPECT_TRUE(ended.is_closed());
  EXPECT_EQ(http_body_of(ended.take_sent()), text_of(http_body(100)));
}

TEST(HttpPace, WaitsForAPeerThatIsSlowerStill) {
  const auto session = http_service().open({.parameters = {}, .model = "epoll"});
  const std::string request = "GET /1024k?pace=1073741824 HTTP/1.1\r\nHost: x\r\n\r\n";
  Output out;  // from which nothing is sent
  std::size_t consumed = 0;
  Step step{.consumed = 0, .next = Next::read, .amount = 0};
  Why why = Why::data;
  do {
    step = session->advance(why, bytes_of(request).subspan(consumed), out);
    consumed += step.consumed;
    why = Why::resumed;
  } while (step.next == Next::wait);
  EXPECT_EQ(step.next, Next::drain);
  EXPECT_LE(out.pending(), high_water_bytes + 16 * 1024 + 500);
  take(out);
  EXPECT_EQ(session->advance(Why::drained, {}, out).next, Next::wait);
  EXPECT_TRUE(out.empty());
}

// ---- Date ----

std::string_view a_date() noexcept { return "Sun, 06 Nov 1994 08:49:37 GMT"; }

TEST(HttpDate, IsInEveryReplyOfAServerWithAClock) {
  const ServiceContext context{.parameters = {}, .model = "epoll", .date = a_date};
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /5 HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD /5 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /5 HTTP/1.1\r\nHost: x\r\nRange: bytes=5-\r\n\r\n",
        "GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n", "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /wait?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n", "garbage\r\n\r\n"}) {
    ServedConnection server = serve_http(context);
    server.receive(request);
    EXPECT_THAT(server.take_sent(), HasSubstr("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")) << request;
  }
  EXPECT_THAT(http_get("/5"), Not(HasSubstr("Date:")));
}

}  // namespace
}  // namespace bench
