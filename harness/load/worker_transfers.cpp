// Transfers over UDP: each has a socket of its own, for its port is what the server knows it by. It is connected to the
// port that the first reply comes from. What is lost is said again after a silence.
#include <sys/socket.h>

#include <cerrno>

#include "harness/load/client_socket.h"
#include "harness/load/worker.h"

namespace bench {

// As recv(2); who has sent it is the partner from now on.
ssize_t Worker::receive_first(Connection& connection, std::span<std::byte> room) {
  sockaddr_storage partner{};
  socklen_t size = sizeof partner;
  auto* const address = reinterpret_cast<sockaddr*>(&partner);
  const ssize_t received = recvfrom(connection.fd.get(), room.data(), room.size(), 0, address, &size);
  if (received < 0) return received;
  if (connect(connection.fd.get(), address, size) != 0) return -1;
  connection.has_partner = true;
  return received;
}

// False when there is nothing to go on with but the transfer itself.
bool Worker::take_packet(std::uint32_t index, std::span<const std::byte> bytes) {
  Connection& connection = connections_[index];
  if (connection.in_flight == 0) return false;
  const Reply reply = connection.exchange->reply(bytes);
  if (reply.verdict == Verdict::stale) return false;
  if (reply.verdict != Verdict::more && reply.verdict != Verdict::complete) {
    fail(index, LoadError::wrong_reply, reply.why);
    return false;
  }
  connection.heard_ns = now_ns_;
  const bool is_complete = reply.verdict == Verdict::complete;
  if (is_complete) complete_request(index);
  connection.exchange->answer(out_);
  return flush(index) && is_complete && renew_socket(index);
}

// The next transfer has another port: what is still on its way to this one's finds nobody.
bool Worker::renew_socket(std::uint32_t index) {
  Connection& connection = connections_[index];
  ClientSocket made = bench::begin_connection(plan_.target, plan_.sources, connection.number, share_.first_source);
  if (made.error != 0) {
    fail_with(index, made.error);
    return false;
  }
  connection.fd = std::move(made.fd);
  connection.has_partner = false;
  ++connection.generation;
  watch(index, EPOLL_CTL_ADD, EPOLLIN);
  return true;
}

// Nothing may have come for some time.
void Worker::go_on_with_transfer(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (now_ns_ - request_at(index, 0).sent_ns >= plan_.request_timeout.count()) {
    return fail(index, LoadError::timeout);
  }
  if (now_ns_ - connection.heard_ns < plan_.resend_after.count()) return;
  connection.heard_ns = now_ns_;
  connection.exchange->say_again(out_);
  flush(index);
}

}  // namespace bench
