#include "tests/support/udp_transfer_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <tuple>
#include <vector>

namespace bench {

using namespace std::chrono_literals;

UdpTransferClient::UdpTransferClient(const TestServer& server, Exchange& exchange,
                                     std::chrono::milliseconds longest_wait)
    : exchange_(exchange), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  const UniqueFd connected = server.connect();
  socklen_t size = sizeof server_;
  EXPECT_EQ(getpeername(connected.get(), reinterpret_cast<sockaddr*>(&server_), &size), 0);
  const timeval bound{.tv_sec = longest_wait / 1s, .tv_usec = longest_wait % 1s / 1us};
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
}

void UdpTransferClient::ask() {
  Output out;
  exchange_.request(out);
  send(out);
}

void UdpTransferClient::say_again() {
  Output out;
  exchange_.say_again(out);
  send(out);
}

UdpTransferClient::Came UdpTransferClient::take(bool answers) {
  std::vector<std::byte> room(65536);
  sockaddr_in from{};
  socklen_t size = sizeof from;
  const ssize_t got = recvfrom(socket_.get(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
  if (got < 0) {
    why_ = std::strerror(errno);
    return errno == EAGAIN ? Came::nothing : Came::wrong;
  }
  EXPECT_NE(from.sin_port, server_.sin_port) << "a transfer has a port of its own";
  if (!connected_) std::ignore = connect(socket_.get(), reinterpret_cast<const sockaddr*>(&from), size);
  connected_ = true;
  const Reply reply = exchange_.reply(std::span(room).first(static_cast<std::size_t>(got)));
  why_ = reply.why;
  if (reply.verdict == Verdict::wrong) return Came::wrong;
  if (reply.verdict == Verdict::stale) return Came::stale;
  Output out;
  exchange_.answer(out);
  if (answers) send(out);
  return reply.verdict == Verdict::complete ? Came::complete : Came::more;
}

std::string UdpTransferClient::run() {
  ask();
  while (true) {
    switch (take()) {
      case Came::more:
      case Came::stale: break;
      case Came::complete: return "";
      case Came::nothing:
      case Came::wrong: return why_;
    }
  }
}

void UdpTransferClient::send(Output& out) const {
  if (out.empty()) return;
  std::array<iovec, 1> vectors{};
  const iovec& all = out.gather(vectors)[0];
  ASSERT_EQ(all.iov_len, out.pending());
  const auto* const to = connected_ ? nullptr : reinterpret_cast<const sockaddr*>(&server_);
  sendto(socket_.get(), all.iov_base, all.iov_len, MSG_NOSIGNAL, to, connected_ ? 0 : sizeof server_);
}

}  // namespace bench
