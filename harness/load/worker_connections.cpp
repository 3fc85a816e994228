// How a worker's connections come and go.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/load/client_socket.h"
#include "harness/load/worker.h"

namespace bench {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;
constexpr std::int64_t shortest_pause_ns = 10 * millisecond_ns;
constexpr std::int64_t longest_pause_ns = 100 * millisecond_ns;

// More at once would overflow a server's backlog, and each SYN that is dropped is repeated only after a second.
constexpr std::uint32_t connecting_at_once = 256;

LoadError kind_of(int error, LoadError timeout) {
  switch (error) {
    case ECONNREFUSED: return LoadError::refused;
    case ECONNRESET:
    case EPIPE: return LoadError::reset;
    case ETIMEDOUT: return timeout;
    case EMFILE:
    case ENFILE: return LoadError::no_descriptor;
    case EPROTO: return LoadError::tls;
    default: return LoadError::other;
  }
}

}  // namespace

// After the stop only what is due still needs connections, and between the phases nothing does.
bool Worker::may_connect() const {
  return mode_ == Mode::connecting || mode_ == Mode::running || (mode_ == Mode::draining && due_.owed() != 0);
}

void Worker::begin_connections() {
  for (; !pausing_.empty() && pausing_.top().first <= now_ns_; pausing_.pop()) {
    queued_.push_back(pausing_.top().second);
  }
  while (!queued_.empty() && connecting_ < connecting_at_once) {
    const std::uint32_t index = queued_.front();
    queued_.pop_front();
    if (connections_[index].state != State::abandoned) begin_connection(index);
  }
}

void Worker::begin_connection(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.since_ns = read_clock();
  ++link_.report.connections_begun;
  connection.place = static_cast<std::uint8_t>(connection.place % targets_.size());
  ClientSocket made =
      bench::begin_connection(targets_[connection.place], plan_.sources, connection.number, share_.first_source);
  connection.turned_away = made.error == EAGAIN;  // a Unix socket's backlog is full
  if (connection.turned_away) return connect_later(index, shortest_pause_ns);
  if (made.error != 0 && made.error != EINPROGRESS) return connection_failed(index, made.error);
  connection.fd = std::move(made.fd);
  connection.state = State::connecting;
  ++connecting_;
  watch(index, EPOLL_CTL_ADD, made.error == 0 ? EPOLLIN : EPOLLOUT);
  if (made.error == 0) connected(index);
}

void Worker::finish_connection(std::uint32_t index, std::uint32_t events) {
  int error = 0;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    socklen_t size = sizeof error;
    getsockopt(connections_[index].fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) return connection_failed(index, error);
  watch(index, EPOLL_CTL_MOD, EPOLLIN);
  connected(index);
}

// The socket is; over TLS the connection takes a handshake more.
void Worker::connected(std::uint32_t index) {
  if (!plan_.target.tls) return established(index);
  Connection& connection = connections_[index];
  connection.tls = std::make_unique<TlsStream>(*plan_.target.tls, connection.fd.get());
  go_on_securing(index);
}

void Worker::go_on_securing(std::uint32_t index) {
  Connection& connection = connections_[index];
  switch (connection.tls->handshake()) {
    case TlsStream::Progress::wants_read: return watch(index, EPOLL_CTL_MOD, EPOLLIN);
    case TlsStream::Progress::wants_write: return watch(index, EPOLL_CTL_MOD, EPOLLOUT);
    case TlsStream::Progress::failed: return securing_failed(index);
    case TlsStream::Progress::done: break;
  }
  watch(index, EPOLL_CTL_MOD, EPOLLIN);
  established(index);
}

// A server that is not who it has to be is not asked again.
void Worker::securing_failed(std::uint32_t index) {
  const Connection& connection = connections_[index];
  const bool for_good = connection.tls->is_refused();
  count_error(LoadError::tls, connection.tls->error());
  retry_connection(index);
  if (!for_good) return;
  connections_[index].state = State::abandoned;
  ++abandoned_;
}

void Worker::established(std::uint32_t index) {
  Connection& connection = connections_[index];
  --connecting_;
  connection.state = State::open;
  connection.failures = 0;
  if (targets_.size() > 1) settle_on(connection.place);
  if (tcp_) link_.report.connect_time.record(read_clock() - connection.since_ns);
  if (connection.established_once)
    ++window_.reconnects;
  else
    ++link_.report.connections_established;
  connection.established_once = true;
  connection.free_since_ns = woken_ns_;
  use_connection(index);
}

// Whoever tries another address meanwhile goes on with that; then all are tried here.
void Worker::settle_on(std::size_t place) {
  targets_ = {targets_[place]};
  reset_at_close_ = may_run_out_of_ports(targets_.front(), plan_.sources);
}

void Worker::connection_failed(std::uint32_t index, int error) {
  ++connections_[index].place;
  const LoadError kind = kind_of(error, LoadError::connect_timeout);
  count_error(kind, kind == LoadError::other ? std::strerror(error) : "");
  retry_connection(index);
}

void Worker::retry_connection(std::uint32_t index) {
  Connection& connection = connections_[index];
  close_connection(index);
  const std::int64_t pause_ns = std::min(shortest_pause_ns << connection.failures, longest_pause_ns);
  if (pause_ns < longest_pause_ns) ++connection.failures;
  connect_later(index, pause_ns);
}

void Worker::connect_later(std::uint32_t index, std::int64_t pause_ns) {
  connections_[index].state = State::pausing;
  pausing_.emplace(now_ns_ + pause_ns, index);
}

// Ends the connection, and with it what is under way on it; the place is left without a state that suits.
void Worker::close_connection(std::uint32_t index, LoadError why) {
  Connection& connection = connections_[index];
  if (connection.state == State::connecting) --connecting_;
  while (connection.in_flight != 0) abandon_oldest_request(index, why);
  free_.remove(index);
  connection.tls.reset();
  connection.fd.reset();
  connection.exchange.reset();
  connection.unsent.reset();
  connection.tail.reset();
  connection.reply_begun = false;
  connection.watching_output = false;
  connection.has_partner = false;
  connection.sent = 0;
  connection.number = next_number_;
  next_number_ += share_.workers;
  ++connection.generation;
}

// Churn: the connection has done its part.
void Worker::replace_connection(std::uint32_t index) {
  // Who closes first keeps the port in TIME_WAIT for a minute. On loopback that does no harm: source addresses change
  // every 10,000 connections, or the kernel reuses such a port after a second (tcp_tw_reuse). From another address the
  // 28,000 ports would be gone within seconds, so there the connection is reset. No reply is lost by that, for all
  // have come; but the server sees ECONNRESET where it would see an end of file.
  if (reset_at_close_ && connections_[index].state == State::open) {
    constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(connections_[index].fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close_connection(index);
  connections_[index].state = State::queued;
  queued_.push_back(index);
}

// The peer has announced that it closes, and `rest` has come after its last reply. RFC 9112, 9.6: then the client
// closes, too, and does not wait for the peer, which may never do it.
void Worker::end_as_announced(std::uint32_t index, std::span<const std::byte> rest) {
  if (connections_[index].in_flight != 0) return fail(index, LoadError::closed);
  if (!rest.empty()) return fail(index, LoadError::wrong_reply, "bytes after the last reply");
  replace_connection(index);
}

void Worker::fail(std::uint32_t index, LoadError kind, std::string_view why) {
  count_error(kind, why);
  close_connection(index, kind);
  connect_later(index, shortest_pause_ns);
}

void Worker::fail_with(std::uint32_t index, int error) {
  const LoadError kind = kind_of(error, LoadError::timeout);
  const auto& tls = connections_[index].tls;
  fail(index, kind,
       kind == LoadError::tls && tls ? tls->error()
       : kind == LoadError::other    ? std::strerror(error)
                                     : "");
}

void Worker::watch(std::uint32_t index, int operation, std::uint32_t events) {
  const Connection& connection = connections_[index];
  epoll_event event{.events = events, .data = {.u64 = std::uint64_t{connection.generation} << 32 | index}};
  if (epoll_ctl(epoll_.get(), operation, connection.fd.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl for the load");
  }
}

void Worker::count_error(LoadError kind, std::string_view why) {
  ++link_.report.errors[static_cast<std::size_t>(kind)];
  if (is_broken(kind)) ++window_.connections_broken;
  auto& text = link_.report.error_text;
  if (text[0] == '\0') why.copy(text, sizeof text - 1);
}

}  // namespace bench
