// Every model that serves, with what HTTP's pages ask of it beside plain replies: waits between the pieces of a body,
// output that is pending while it waits, a body that goes back while it comes, a date.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/faulty_tables.h"
#include "tests/support/http_answers.h"
#include "tests/support/test_runs.h"
#include "tests/support/test_server.h"
#include "workloads/http_body.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

void send_text(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0) << std::strerror(errno);
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// All that comes until the connection ends.
std::string receive_all(int socket) {
  std::string all;
  std::string room(65536, '\0');
  while (true) {
    const ssize_t size = recv(socket, room.data(), room.size(), 0);
    if (size < 0 && errno == EINTR) continue;  // a call with a time limit is not begun again by the kernel
    EXPECT_GE(size, 0) << std::strerror(errno);
    if (size <= 0) return all;
    all.append(room, 0, static_cast<std::size_t>(size));
  }
}

// The bodies of replies that all say how long they are.
std::vector<std::string> bodies_of(std::string_view replies) {
  constexpr std::string_view length = "Content-Length: ";
  std::vector<std::string> bodies;
  while (!replies.empty()) {
    const std::size_t header = replies.find("\r\n\r\n") + 4;
    const std::size_t size = std::stoul(std::string(replies.substr(replies.find(length) + length.size(), 20)));
    bodies.emplace_back(replies.substr(header, size));
    replies.remove_prefix(std::min(replies.size(), header + size));
  }
  return bodies;
}

class ServesPages : public testing::TestWithParam<const Model*> {
 protected:
  TestServer server{*GetParam(), http_service(), {}};
};

INSTANTIATE_TEST_SUITE_P(Models, ServesPages, testing::ValuesIn(serving_models()),
                         [](const auto& instance) { return test_name(instance.param->name); });

TEST_P(ServesPages, OneAfterAnother) {
  const std::string body = text_of(http_body(60'000));
  const UniqueFd socket = server.connect();
  send_text(socket.get(),
            "GET /wait?ms=2 HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /64k?pace=4000000 HTTP/1.1\r\nHost: x\r\nRange: bytes=500-40499\r\n\r\n" +
                fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body) +
                "GET /300?pace=30000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string replies = receive_all(socket.get());
  EXPECT_THAT(replies, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(replies, HasSubstr("\r\nContent-Range: bytes 500-40499/65536\r\n"));
  const std::vector<std::string> bodies = bodies_of(replies);
  const std::string part = text_of(http_body(65'536).subspan(500, 40'000));
  EXPECT_TRUE(bodies == (std::vector{std::string("waited 2 ms\n"), part, body, text_of(http_body(300))}));
  server.process().stop();
}

TEST_P(ServesPages, UntilAClientLeavesInTheMidstOfOne) {
  UniqueFd leaving = server.connect();
  send_text(leaving.get(), "GET /1024k?pace=100000 HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string some(4000, '\0');
  ASSERT_EQ(recv(leaving.get(), some.data(), some.size(), MSG_WAITALL), 4000);
  reset(leaving);
  const UniqueFd next = server.connect();
  send_text(next.get(), "GET /5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(bodies_of(receive_all(next.get())), ElementsAre(text_of(http_body(5))));
  while (server.counters().open.load() != 0) usleep(1000);
  server.process().stop();
}

}  // namespace
}  // namespace bench
