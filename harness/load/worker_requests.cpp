// Requests: when they begin, how they are sent, and what of them is counted.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "harness/load/worker.h"
#include "measure/clock.h"

namespace bench {

// What of `out` goes out in one call; as send(2).
ssize_t Worker::send_some(const Connection& connection, const Output& out) {
  std::array<iovec, 8> room;
  const auto vectors = out.gather(room);
  const std::span first(static_cast<const std::byte*>(vectors[0].iov_base), vectors[0].iov_len);
  if (connection.tls) return connection.tls->send(first);
  const bool is_named = transfers_ && !connection.has_partner;
  if (vectors.size() == 1 && !is_named) return send(connection.fd.get(), first.data(), first.size(), MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = room.data();
  message.msg_iovlen = vectors.size();
  if (is_named) {
    message.msg_name = const_cast<sockaddr_storage*>(&plan_.target.address);
    message.msg_namelen = plan_.target.address_size;
  }
  return sendmsg(connection.fd.get(), &message, MSG_NOSIGNAL);
}

std::int64_t Worker::read_clock() {
  const std::int64_t last_ns = now_ns_;
  now_ns_ = now_ns();
  note_absence(now_ns_ - last_ns);
  meter_.step(now_ns_);
  return now_ns_;
}

bool Worker::can_take_request(const Connection& connection) const {
  return connection.state == State::open && connection.in_flight < plan_.pipeline &&
         (plan_.requests_per_connection == 0 || connection.sent < plan_.requests_per_connection);
}

// Number `place` of those under way, the oldest being 0.
Worker::Request& Worker::request_at(std::uint32_t index, std::uint32_t place) {
  const std::uint32_t from_first = connections_[index].first + place;
  const std::uint32_t at = from_first < plan_.pipeline ? from_first : from_first - plan_.pipeline;
  return requests_[std::size_t{index} * plan_.pipeline + at];
}

void Worker::forget_oldest_request(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (++connection.first == plan_.pipeline) connection.first = 0;
  if (connection.in_flight-- == plan_.pipeline) connection.free_since_ns = woken_ns_;
  meter_.remove();
}

// One that was given up for the time it took has a latency of at least that.
void Worker::abandon_oldest_request(std::uint32_t index, LoadError why) {
  if (mode_ != Mode::paused) {
    const Request& request = request_at(index, 0);
    const std::int64_t age_ns = now_ns_ - request.due_ns;
    const bool timed_out = why == LoadError::timeout || why == LoadError::lost;
    ++window_.requests_failed;
    if (timed_out) {
      ++window_.requests_timed_out;
      record_latency(age_ns);
    } else {
      window_.failed_in_flight_ns += static_cast<std::uint64_t>(age_ns);
    }
    if (split_classes_) {
      ++class_window(request).counts.failed;
      if (timed_out) class_window(request).latency.record(age_ns);
    }
  }
  forget_oldest_request(index);
}

void Worker::complete_request(std::uint32_t index, std::size_t place) {
  Connection& connection = connections_[index];
  const Request request = request_at(index, static_cast<std::uint32_t>(place));
  for (auto at = static_cast<std::uint32_t>(place); at != 0; --at) request_at(index, at) = request_at(index, at - 1);
  if (mode_ != Mode::paused) {
    const bool in_time = now_ns_ < end_ns_;
    record_latency(now_ns_ - request.due_ns);
    ++(in_time ? window_.requests_completed : window_.requests_drained);
    if (in_time) count_in_slice();
    if (split_classes_) {
      auto& [counts, latency] = class_window(request);
      latency.record(now_ns_ - request.due_ns);
      ++(in_time ? counts.completed : counts.drained);
    }
    ++connection.window_replies;
  }
  last_reply_ns_ = now_ns_;
  if (!connection.answered) {
    connection.answered = true;
    ++answered_;
  }
  forget_oldest_request(index);
}

void Worker::count_in_slice() {
  for (; now_ns_ >= slice_end_ns_; slice_end_ns_ += slice_ns_) ++slice_;
  ++window_.replies_by_slice[std::min(slice_, window_slices - 1)];
}

// After replies, on a new connection, and when requests begin: what the connection can do next.
void Worker::use_connection(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (!connection.active || connection.state != State::open) return;
  if (connection.in_flight == 0 && plan_.requests_per_connection != 0 &&
      connection.sent == plan_.requests_per_connection) {
    return replace_connection(index);
  }
  if (open_loop()) {
    list_if_free(index);
    in_turn() ? send_owed_by(index) : send_owed();
  } else if (mode_ == Mode::running && now_ns_ < end_ns_) {
    send_next(index);
  }
}

void Worker::list_if_free(std::uint32_t index) {
  if (can_take_request(connections_[index]))
    free_.place(index, connections_[index].in_flight);
  else
    free_.remove(index);
}

// Closed loop: fills the pipeline again.
void Worker::send_next(std::uint32_t index) {
  const Connection& connection = connections_[index];
  if (!can_take_request(connection)) return;
  link_.report.send_lag.record(now_ns_ - woken_ns_);
  while (can_take_request(connection)) {
    meter_.add();
    begin_request(index, now_ns_);
    if (!tcp_) flush(index);  // each request is a datagram of its own
  }
  if (tcp_) flush(index);
}

// Dispatch::any: sends what is due while a connection is free.
void Worker::send_owed() {
  while (due_.owes(any_user)) {
    const std::uint32_t index = free_.front();
    if (index == FreeLists::none) return;
    send_due(index, due_.take(any_user));
  }
}

// Dispatch::each: sends what is due to the connection while it can take it.
void Worker::send_owed_by(std::uint32_t index) {
  while (due_.owes(index) && can_take_request(connections_[index])) send_due(index, due_.take(index));
}

void Worker::send_due(std::uint32_t index, std::int64_t due_ns) {
  link_.report.send_lag.record(now_ns_ - std::max(due_ns, connections_[index].free_since_ns));
  begin_request(index, due_ns);
  list_if_free(index);
  flush(index);
  read_clock();  // the next one is sent later by what this one took
}

// An idle connection does without.
void Worker::make_exchange(Connection& connection) {
  if (!connection.exchange) connection.exchange = plan_.make_exchange(connection.number, connection.heavy);
}

// Puts a request into the connection's output.
void Worker::begin_request(std::uint32_t index, std::int64_t due_ns) {
  Connection& connection = connections_[index];
  make_exchange(connection);
  connection.exchange->stamp(due_ns);
  const ClassIndex kind = connection.exchange->request(connection.unsent ? *connection.unsent : out_);
  ++connection.sent;
  connection.heard_ns = now_ns_;
  connection.silences = 0;
  request_at(index, connection.in_flight++) = {due_ns, now_ns_, kind};
}

// Sends the connection's output, or as much as there is room for; false when the connection has failed.
bool Worker::flush(std::uint32_t index) {
  Connection& connection = connections_[index];
  Output& out = connection.unsent ? *connection.unsent : out_;
  while (!out.empty()) {
    const ssize_t size = send_some(connection, out);
    if (size >= 0) {
      total_.sent_bytes += static_cast<std::uint64_t>(size);
      out.consume(static_cast<std::size_t>(size));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      const int error = errno;
      out.clear();
      fail_with(index, error);
      return false;
    }
    if (!tcp_) {  // no room for a datagram is a lost datagram
      out.clear();
      return true;
    }
    if (!connection.unsent) {
      connection.unsent = std::make_unique<Output>(std::move(out_));
      out_ = Output();
    }
    if (!connection.watching_output) watch(index, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    connection.watching_output = true;
    return true;
  }
  connection.unsent.reset();
  if (connection.watching_output) watch(index, EPOLL_CTL_MOD, EPOLLIN);
  connection.watching_output = false;
  return true;
}

}  // namespace bench
