// Why: the service is reachable for everybody, and whatever somebody sends, it answers, refuses or closes within
// bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "tests/support/http_answers.h"
#include "workloads/http_body.h"

namespace bench {
namespace {

constexpr std::array<std::string_view, 8> good_requests{
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /300?heavy HTTP/1.1\r\nHost: x\r\nX-Request: 1-2\r\n\r\n",
    "GET /9000 HTTP/1.1\r\nHost: [::1]:80\r\nRange: bytes=500-999\r\n\r\n",
    "GET /4000?pace=9999999&whole HTTP/1.1\r\nHost: x\r\nRange: bytes=-5\r\nIf-Range: \"y\"\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nhello, world",
    "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "POST /wait?ms=5 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab",
    "HEAD /5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
};

class Abuse {
 public:
  explicit Abuse(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

  std::string input() {
    if (below(10) == 0) return garbage(1 + below(40'000));
    std::string text;
    for (std::size_t requests = 1 + below(3); requests != 0; --requests)
      text += good_requests[below(good_requests.size())];
    for (std::size_t damage = below(5); damage != 0; --damage) spoil(text);
    if (below(3) == 0) text.resize(below(text.size() + 1));
    return text;
  }

 private:
  std::string garbage(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(below(256));
    return bytes;
  }

  void spoil(std::string& text) {
    const std::size_t place = below(text.size() + 1);
    const std::size_t size = std::min(below(20), text.size() - place);
    switch (below(6)) {
      case 0: text.insert(place, garbage(1 + below(5))); break;
      case 1: text.erase(place, size); break;
      case 2: text.insert(place, text.substr(place, size)); break;
      case 3: text.insert(place, std::string(below(20'000), static_cast<char>(below(256)))); break;
      case 4: text.insert(place, std::to_string(random_())); break;
      default:
        if (place < text.size()) text[place] = static_cast<char>(below(256));
    }
  }

  std::mt19937 random_;
};

// What the last reply says where the server closes of its own accord.
bool says_that_it_closes(const std::string& replies) {
  const std::size_t last = replies.rfind("HTTP/1.1 ");
  return last != std::string::npos && replies.find("\r\nConnection: close\r\n", last) != std::string::npos;
}

TEST(HttpAbuse, IsAnsweredRefusedOrClosedWithinBounds) {
  constexpr int rounds = 20'000;
  Abuse abuse(1);
  int closed = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string input = abuse.input();
    ServedConnection server = serve_http();
    const std::size_t piece = abuse.below(4) == 0 ? 1 + abuse.below(30) : 1 + abuse.below(20'000);
    server.receive_in_pieces(input, piece);  // asserts max_unconsumed
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
    const std::string replies = server.take_sent();
    if (!replies.empty()) {
      ASSERT_THAT(replies, testing::StartsWith("HTTP/1.1 ")) << "round " << round;
    }
    ASSERT_LE(server.most_pending(), high_water_bytes + max_http_body_bytes + 1024) << "round " << round;
    if (server.is_closed()) {
      ++closed;
      ASSERT_TRUE(says_that_it_closes(replies)) << "round " << round << ": " << replies;
      continue;
    }
    abuse.below(2) == 0 ? server.end() : server.time_out();
    ASSERT_TRUE(server.is_closed()) << "round " << round;
    const std::string last_word = server.take_sent();
    if (!last_word.empty()) {
      ASSERT_THAT(last_word, testing::StartsWith("HTTP/1.1 408 ")) << "round " << round;
    }
  }
  EXPECT_GT(closed, rounds / 10);
  EXPECT_LT(closed, rounds * 9 / 10);
}

}  // namespace
}  // namespace bench
