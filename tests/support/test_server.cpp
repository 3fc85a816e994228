#include "tests/support/test_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "harness/text/parameters.h"
#include "models/hybrid.h"
#include "tests/support/test_runs.h"

namespace bench {

TestServer::TestServer(const Model& model, const Service& service, ServiceParameters parameters,
                       std::chrono::nanoseconds idle_timeout, std::uint32_t workers)
    : service_(service),
      parameters_(std::move(parameters)),
      listeners_(listen_on_all("127.0.0.1", 0, service.transport, idle_timeout, server_copies(model, workers))) {
  if (parameters_.message_bytes == 0) {
    parameters_.message_bytes =
        std::get<std::uint64_t>(standard_value(*find_parameter(service.parameters, "message-size")));
  }
  if (service.fill_store) folder_.emplace();
  setup_ = {
      .service = &service,
      .context = {.parameters = parameters_, .model = model.name, .store = folder_ ? folder_->scratch() : Scratch{}},
      .workers = workers,
      .sockets = listeners_.descriptors(),
      .idle_timeout = idle_timeout};
  process_.emplace(model, setup_, *report_.data(), std::span<const int>());
}

UniqueFd TestServer::connect() const {
  const int type = service_.transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (type == SOCK_STREAM) setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listeners_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
      << std::strerror(errno);
  // Not before: with a deadline, a connect that a ring of this process interrupts would not be taken up again.
  const timeval bound{.tv_sec = generous.count(), .tv_usec = 0};  // a test that hangs is to fail
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  return socket;
}

void TestServer::set_receive_buffer(int bytes) const { set_option(SO_RCVBUF, bytes); }

void TestServer::set_send_buffer(int bytes) const { set_option(SO_SNDBUF, bytes); }

// Connections have the options of the socket that they are accepted from.
void TestServer::set_option(int option, int value) const {
  for (const UniqueFd& socket : listeners_.sockets) {
    setsockopt(socket.get(), SOL_SOCKET, option, &value, sizeof value);
  }
}

void send_all(int socket, Output& out) {
  while (!out.empty()) {
    std::array<iovec, 16> vectors{};
    const auto filled = out.gather(vectors);
    const ssize_t sent = ::send(socket, filled[0].iov_base, filled[0].iov_len, MSG_NOSIGNAL);
    ASSERT_GT(sent, 0) << std::strerror(errno);
    out.consume(static_cast<std::size_t>(sent));
  }
}

namespace {

// `tail`: what has come and was not looked at yet, before and after.
std::string receive_replies(int socket, Exchange& exchange, int replies, std::size_t at_most,
                            std::vector<std::byte>& tail) {
  std::vector<std::byte> room(at_most);
  while (true) {
    std::size_t used = 0;
    while (replies > 0 && used < tail.size()) {
      const Reply reply = exchange.reply(std::span(tail).subspan(used));
      used += reply.consumed;
      if (reply.verdict == Verdict::more) break;
      if (reply.verdict == Verdict::pushed) continue;
      if (reply.verdict != Verdict::complete) return std::string(reply.why);
      --replies;
    }
    tail.erase(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(used));
    if (replies == 0) return {};
    const ssize_t size = recv(socket, room.data(), room.size(), 0);
    if (size < 0 && errno == EINTR) continue;  // a call with a time limit is not begun again by the kernel
    if (size <= 0) return size == 0 ? "the server closed the connection" : std::strerror(errno);
    tail.insert(tail.end(), room.begin(), room.begin() + size);
  }
}

}  // namespace

std::string receive_replies(int socket, Exchange& exchange, int replies, std::size_t at_most) {
  std::vector<std::byte> tail;
  return receive_replies(socket, exchange, replies, at_most, tail);
}

std::string converse(int socket, Exchange& exchange, int requests) {
  std::vector<std::byte> tail;  // what others have said comes with a reply
  for (int i = 0; i < requests; ++i) {
    Output out;
    exchange.request(out);
    send_all(socket, out);
    if (std::string wrong = receive_replies(socket, exchange, 1, 65536, tail); !wrong.empty()) return wrong;
  }
  return {};
}

std::string converse_in_time(const TestServer& server) {
  std::string wrong;
  for (int i = 0; i < 2000; ++i) {
    wrong = converse(server.connect().get(), *server.exchange(2), 1);
    if (wrong.empty()) break;
    usleep(1'000);
  }
  return wrong;
}

void reset(UniqueFd& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket.reset();
}

bool closed_by_server(int socket) {
  char byte = 0;
  ssize_t size = 0;
  do {
    size = recv(socket, &byte, 1, 0);
  } while (size > 0);
  return size == 0 || errno == ECONNRESET;
}

const Service& service_named(std::string_view name) { return *std::ranges::find(all_services(), name, &Service::name); }

}  // namespace bench
