// Transfers over UDP: each has a socket of its own, for its port is what the server knows it by. It is connected to the
// port that the first reply comes from. What is lost is said again after a silence.
#include <sys/socket.h>

#include <cerrno>

#include "harness/load/client_socket.h"
#include "harness/load/worker.h"

namespace bench {

// As recv(2) on a socket whose partner is not known yet; partner_ is who has sent it.
ssize_t Worker::receive_first(const Connection& connection, std::span<std::byte> room) {
  partner_size_ = sizeof partner_;
  return recvfrom(connection.fd.get(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&partner_),
                  &partner_size_);
}

// As recv(2). That nobody is there any more may be said of what went out once more, while the last reply, behind which
// the server is gone, was on its way already.
ssize_t Worker::receive_next(const Connection& connection, std::span<std::byte> room) {
  const auto once = [&] { return recv(connection.fd.get(), room.data(), room.size(), 0); };
  const ssize_t size = once();
  if (size >= 0 || errno != ECONNREFUSED) return size;
  const ssize_t behind = once();
  if (behind < 0) errno = ECONNREFUSED;
  return behind;
}

// False when there is nothing to go on with but the transfer itself.
bool Worker::take_packet(std::uint32_t index, std::span<const std::byte> bytes) {
  Connection& connection = connections_[index];
  if (connection.in_flight == 0) return false;
  const Reply reply = connection.exchange->reply(bytes);
  if (reply.verdict == Verdict::stale) return false;
  if (reply.verdict != Verdict::more && reply.verdict != Verdict::complete) {
    // A port is used again. Once transfers were left unfinished, what a server still says to one of them may come here.
    if (!connection.has_partner && may_be_strays_) return false;
    may_be_strays_ |= connection.has_partner;  // what is refused by its first reply is over
    fail(index, LoadError::wrong_reply, reply.why);
    return false;
  }
  if (!connection.has_partner) {
    if (connect(connection.fd.get(), reinterpret_cast<const sockaddr*>(&partner_), partner_size_) != 0) {
      fail_with(index, errno);
      return false;
    }
    connection.has_partner = true;
  }
  connection.heard_ns = now_ns_;
  connection.silences = 0;
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

// Nothing may have come for some time. Each silence is taken for twice as long as the one before, lest a server that is
// slow be asked ever more often (RFC 1123, 4.2.3.2).
void Worker::go_on_with_transfer(std::uint32_t index) {
  Connection& connection = connections_[index];
  const bool is_over = now_ns_ - request_at(index, 0).sent_ns >= plan_.request_timeout.count();
  const bool is_silent = now_ns_ - connection.heard_ns >= plan_.resend_after.count() << connection.silences;
  if (!is_over && !is_silent) return;
  // Something may have come, while this thread waited for its CPU: that is no silence.
  const std::uint32_t generation = connection.generation;
  const std::int64_t heard_ns = connection.heard_ns;
  receive(index);
  if (connection.generation != generation || connection.heard_ns != heard_ns) return;
  may_be_strays_ = true;
  if (is_over) return fail(index, LoadError::timeout);
  constexpr std::uint8_t most_doubled = 20;
  if (connection.silences < most_doubled) ++connection.silences;
  connection.heard_ns = now_ns_;
  connection.exchange->say_again(out_);
  flush(index);
}

}  // namespace bench
