// Replies: what is received, and whether it is right.
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "harness/load/worker.h"

namespace bench {
namespace {

constexpr std::int64_t pause_after_idle_close_ns = 10'000'000;

}  // namespace

void Worker::receive(std::uint32_t index) {
  const Connection& connection = connections_[index];
  const std::uint32_t generation = connection.generation;
  while (receive_some(index) && connection.generation == generation && connection.tls &&
         connection.tls->holds_received()) {
  }
}

// One recv: what it leaves, epoll reports again, but for what TLS has taken in. False when nothing came.
bool Worker::receive_some(std::uint32_t index) {
  Connection& connection = connections_[index];
  std::size_t kept = 0;
  if (connection.tail) {
    kept = connection.tail->size();
    std::memcpy(scratch_.data(), connection.tail->data(), kept);
  }
  const std::span room(scratch_.data() + kept, receive_bytes);
  const ssize_t size = connection.tls           ? connection.tls->receive(room)
                       : !transfers_            ? recv(connection.fd.get(), room.data(), room.size(), 0)
                       : connection.has_partner ? receive_next(connection, room)
                                                : receive_first(connection, room);
  const int error = errno;
  read_clock();
  if (size < 0) {
    if (error != EAGAIN && error != EINTR) fail_with(index, error);
    return false;
  }
  if (size == 0 && tcp_) {
    end_of_stream(index);
    return false;
  }
  total_.received_bytes += static_cast<std::uint64_t>(size);
  const std::span bytes(scratch_.data(), kept + static_cast<std::size_t>(size));
  const bool goes_on = tcp_         ? take_replies(index, bytes)
                       : transfers_ ? take_packet(index, bytes)
                                    : take_datagram(index, bytes);
  if (goes_on) use_connection(index);
  return true;
}

// Checks replies and keeps what is left over; false when the connection is over.
bool Worker::take_replies(std::uint32_t index, std::span<const std::byte> bytes) {
  Connection& connection = connections_[index];
  connection.reply_begun = false;
  make_exchange(connection);  // one that has asked for nothing yet has none
  while (!bytes.empty()) {
    if (connection.in_flight == 0 && !connection.exchange->may_speak_unasked()) {
      fail(index, LoadError::wrong_reply, "bytes that no request asked for");
      return false;
    }
    const Reply reply = connection.exchange->reply(bytes);
    bytes = bytes.subspan(reply.consumed);
    if (reply.verdict == Verdict::more) {
      connection.reply_begun = true;
      break;
    }
    if (reply.verdict == Verdict::pushed) {
      ++window_.messages_pushed;
      if (reply.stamp != 0) count_delivery(reply);
      continue;
    }
    if (reply.verdict == Verdict::farewell) {
      close_idle(index);
      return false;
    }
    if (reply.verdict != Verdict::complete || connection.in_flight == 0) {
      fail(index, LoadError::wrong_reply, reply.verdict == Verdict::complete ? "one reply too many" : reply.why);
      return false;
    }
    complete_request(index);
    if (reply.peer_closes) {
      end_as_announced(index, bytes);
      return false;
    }
  }
  if (bytes.size() > max_tail_bytes) {
    fail(index, LoadError::wrong_reply, "a reply whose beginning has no end");
    return false;
  }
  if (bytes.empty()) {
    connection.tail.reset();
  } else if (connection.tail) {
    connection.tail->assign(bytes.begin(), bytes.end());
  } else {
    connection.tail = std::make_unique<std::vector<std::byte>>(bytes.begin(), bytes.end());
  }
  return true;
}

// A message that another connection's request has led to, in this worker or in another one: all have one clock. What
// comes in the pause after a phase is still of that phase.
void Worker::count_delivery(const Reply& message) {
  last_delivery_ns_ = now_ns_;
  if (!split_classes_) return;
  auto& [counts, latency] = link_.report.classes[message.kind];
  latency.record(now_ns_ - message.stamp);
  ++(now_ns_ < end_ns_ ? counts.completed : counts.drained);
}

// False when there is nothing to go on with.
bool Worker::take_datagram(std::uint32_t index, std::span<const std::byte> bytes) {
  const Connection& connection = connections_[index];
  if (connection.in_flight == 0) return false;  // late: its request was given up
  const Reply reply = connection.exchange->reply(bytes);
  if (reply.verdict == Verdict::stale) return false;
  if (reply.verdict == Verdict::complete) {
    complete_request(index, reply.place);
    return true;
  }
  fail(index, LoadError::wrong_reply, reply.verdict == Verdict::more ? "an incomplete datagram" : reply.why);
  return false;
}

void Worker::give_up_datagrams(std::uint32_t index) {
  const Connection& connection = connections_[index];
  while (connection.in_flight != 0 && is_overdue(index)) {
    connection.exchange->give_up();
    count_error(LoadError::lost);
    abandon_oldest_request(index, LoadError::lost);
  }
  use_connection(index);
}

// Whether the oldest request of a connection has taken longer than any may. That is asked after all that has come is
// received: a reply that came in time is none the less for a generator that was kept from its CPU.
bool Worker::is_overdue(std::uint32_t index) {
  const std::chrono::nanoseconds longest = tcp_ ? plan_.request_timeout : plan_.datagram_timeout;
  return now_ns_ - request_at(index, 0).sent_ns >= longest.count();
}

// The peer has closed its direction, announced or not.
void Worker::end_of_stream(std::uint32_t index) {
  const Connection& connection = connections_[index];
  if (connection.in_flight != 0) {
    const Reply last = connection.exchange->end();
    if (last.verdict == Verdict::wrong) return fail(index, LoadError::wrong_reply, last.why);
    if (last.verdict == Verdict::complete) {
      complete_request(index);  // a reply that lasted until the end
      if (connection.in_flight == 0) return replace_connection(index);
    }
  }
  if (connection.in_flight != 0) {
    return fail(index, connection.reply_begun ? LoadError::short_reply : LoadError::closed);
  }
  close_idle(index);
}

// The peer has had enough of a connection that asked for nothing.
void Worker::close_idle(std::uint32_t index) {
  Connection& connection = connections_[index];
  ++window_.idle_closes;
  const bool was_used = connection.sent != 0;
  if (was_used) return replace_connection(index);
  // A server that closes whatever it accepts is not to be overrun.
  close_connection(index);
  connect_later(index, pause_after_idle_close_ns);
}

}  // namespace bench
