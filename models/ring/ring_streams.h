// The connections of an `io-uring` server: one ring that accepts, receives, sends and waits for all of them.
//
// A connection has at most one receive, one send, one timer or transfer under way; it is destroyed when none is left,
// so that the kernel never writes to what is not there any more, and a completion never belongs to a later connection.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "measure/clock.h"
#include "models/loop/ticker.h"
#include "models/ring/ring.h"
#include "models/ring/ring_transfer.h"
#include "models/talk/connection_state.h"
#include "models/talk/conversation.h"

namespace bench {

class RingStreams {
 public:
  /// Throws std::system_error.
  explicit RingStreams(ServerRun& server)
      : server_(server), ticker_(server.idle_timeout()), mailbox_(server.hub(), Mailbox::Sleeps::in_a_loop) {
    if (has_multishot()) buffers_.emplace(ring_, buffers, receive_bytes);
    if (!is_stream()) make_nonblocking(server.socket());
  }

  /// Serves until the server is to stop; its connections are closed then.
  void run() {
    is_stream() ? accept() : await_peer();
    await_tick();
    if (mailbox_.used()) await_mail();
    while (!server_.stopping()) {
      mailbox_.may_sleep() ? ring_.submit_and_wait() : ring_.submit_and_look();
      mailbox_.slept();
      for (Completion done; !server_.stopping() && ring_.take(done);) on(done);
      if (mailbox_.take()) deliver_mail();
    }
  }

 private:
  struct Connection {
    Connection(ServerRun& server, int fd, std::uint32_t now) : socket(fd), state(server, now) {}
    UniqueFd socket;
    bool receiving = false;
    bool cancelling = false;  // the receive
    bool timing = false;
    bool transferring = false;
    ConnectionState state;
    std::unique_ptr<Sending> sending;   // what is being sent
    Output unsent;                      // replies behind it
    std::vector<std::byte> early;       // bytes that came while the session wanted none
    std::unique_ptr<std::byte[]> room;  // to receive into, without the ring's buffers
    __kernel_timespec due{};
  };

  // What a completion is about; the rest of its tag is the descriptor of a connection.
  enum class About : std::uint8_t { nothing, accept, accept_again, peer, tick, mail, receive, send, timer, transfer };
  static constexpr unsigned about_bits = 4;
  static std::uint64_t tag(About about, int fd = 0) {
    return static_cast<std::uint64_t>(fd) << about_bits | static_cast<std::uint64_t>(about);
  }
  static std::uint64_t tag(About about, const Connection& connection) { return tag(about, connection.socket.get()); }

  // As many as a turn may bring. A receive that finds none ends with ENOBUFS and is prepared again; by the time it is
  // submitted, all that came before have been given back.
  static constexpr unsigned buffers = 256;

  void on(const Completion& done) {
    const auto about = static_cast<About>(done.tag & ((1U << about_bits) - 1));
    switch (about) {
      case About::nothing: return;  // a cancel or a close
      case About::accept: return on_accepted(done);
      case About::accept_again: return await_peer();
      case About::peer: return is_stream() ? accept() : take_transfers();
      case About::tick: return on_tick();
      case About::mail: mailbox_.drain(); return await_mail();
      default: break;
    }
    Connection& connection = *connections_[done.tag >> about_bits];
    if (about == About::receive) return on_received(connection, done);
    if (about == About::send) return on_sent(connection, done.result);
    if (about == About::transfer) return on_transferred(connection, done.result);
    on_due(connection, done.result);
  }

  // ---- Accepting ----

  void accept() {
    io_uring_sqe* submission = ring_.prepare(tag(About::accept));
    const auto prepare = buffers_ ? io_uring_prep_multishot_accept : io_uring_prep_accept;
    prepare(submission, server_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
  }

  void on_accepted(const Completion& done) {
    switch (-done.result) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        server_.count_refused();
        return ring_.arm(tag(About::accept_again), now_ns() + retry_pause.count(), accept_again_);
      default: break;
    }
    if (done.result >= 0) add(done.result);
    if (!done.more() && !server_.stopping()) accept();
  }

  bool is_stream() const noexcept { return server_.transport() == Transport::tcp; }

  // A datagram and a socket made for its sender are several calls, which the ring would not make at once.
  void take_transfers() {
    for (int i = 0; i < most_in_a_row; ++i) {
      Newcomer newcomer;
      switch (accept_one(server_, newcomer, SOCK_NONBLOCK)) {
        case Accepted::connection: add(newcomer.socket.release(), newcomer.first); break;
        case Accepted::none: return await_peer();
        case Accepted::stopped: return;
        case Accepted::no_descriptor:
          server_.count_refused();
          return ring_.arm(tag(About::accept_again), now_ns() + retry_pause.count(), accept_again_);
      }
    }
    await_peer();
  }

  // An accept fails where descriptors have run out even while no peer waits.
  void await_peer() { io_uring_prep_poll_add(ring_.prepare(tag(About::peer)), server_.socket(), POLLIN); }

  void add(int fd, std::span<const std::byte> first = {}) {
    const auto slot = static_cast<std::size_t>(fd);
    if (connections_.size() <= slot) connections_.resize(slot + 1);
    connections_[slot] = std::make_unique<Connection>(server_, fd, tick_);
    Connection& connection = *connections_[slot];
    first.empty() ? receive(connection) : act(connection, connection.state.received(first, out_, tick_));
  }

  // ---- Receiving ----

  void receive(Connection& connection) {
    connection.receiving = true;
    io_uring_sqe* submission = ring_.prepare(tag(About::receive, connection));
    if (buffers_) {
      io_uring_prep_recv_multishot(submission, connection.socket.get(), nullptr, 0, 0);
      return BufferRing::select(submission);
    }
    if (!connection.room) connection.room = std::make_unique_for_overwrite<std::byte[]>(receive_bytes);
    io_uring_prep_recv(submission, connection.socket.get(), connection.room.get(), receive_bytes, 0);
  }

  // Sees to it that bytes come when they are wanted.
  void receive_if_wanted(Connection& connection) {
    if (connection.state.wants_bytes() && !connection.receiving) receive(connection);
  }

  void on_received(Connection& connection, const Completion& done) {
    if (!done.more()) connection.receiving = connection.cancelling = false;
    if (buffers_) {
      take_in(connection, done.result, buffers_->received(done));
      buffers_->give_back(done);
    } else {
      const auto size = static_cast<std::size_t>(std::max(done.result, 0));
      take_in(connection, done.result, {connection.room.get(), size});
    }
  }

  // Bytes came, or the peer's end (0), or an error.
  void take_in(Connection& connection, int result, std::span<const std::byte> bytes) {
    ConnectionState& state = connection.state;
    if (state.is_closed()) return destroy_unless_busy(connection);
    if (result == -ENOBUFS || result == -ECANCELED || result == -EINTR) return receive_if_wanted(connection);
    if (result < 0) return act(connection, state.failed());
    if (result == 0) return act(connection, state.peer_ended(output_of(connection), tick_));
    if (!state.wants_bytes()) return keep(connection, bytes);
    act(connection, state.received(bytes, output_of(connection), tick_));
  }

  // Mostly nothing comes before the reply has gone out, so the receive is left under way until something does. The
  // kernel has then brought as many as 32 buffers (MULTISHOT_MAX_RETRY) and brings no more.
  void keep(Connection& connection, std::span<const std::byte> bytes) {
    // Of datagrams there is room for one, and for a second none, as happens to datagrams.
    if (!is_stream() && !connection.early.empty()) return;
    connection.early.insert(connection.early.end(), bytes.begin(), bytes.end());
    if (!connection.receiving || connection.cancelling) return;
    connection.cancelling = true;
    ring_.cancel(tag(About::receive, connection));
  }

  // ---- Sending ----

  // Replies go to the loop's Output, or behind those that are being sent.
  Output& output_of(Connection& connection) { return connection.state.has_unsent() ? connection.unsent : out_; }

  // Sends the loop's Output.
  void send(Connection& connection) {
    if (free_sendings_.empty()) free_sendings_.push_back(std::make_unique<Sending>());
    connection.sending = std::move(free_sendings_.back());
    free_sendings_.pop_back();
    std::swap(connection.sending->out, out_);
    send_on(connection);
  }

  void send_on(Connection& connection) {
    connection.sending->prepare(ring_, tag(About::send, connection), connection.socket.get(), 0);
  }

  void on_sent(Connection& connection, int result) {
    Output& out = connection.sending->out;
    if (connection.state.is_closed() || (result < 0 && result != -EINTR)) {
      free_sending(connection);
      if (connection.state.is_closed()) return destroy_unless_busy(connection);
      return act(connection, connection.state.failed());
    }
    connection.state.moved(tick_);
    if (result > 0) out.consume(static_cast<std::size_t>(result));
    if (out.empty() && !connection.unsent.empty()) {
      std::swap(out, connection.unsent);
      connection.unsent.release();
    }
    if (!out.empty()) return send_on(connection);
    free_sending(connection);
    act(connection, connection.state.all_sent(out_, tick_));
  }

  // What a reply was sent from serves the next one, of any connection; as many are kept as a turn may need.
  void free_sending(Connection& connection) {
    connection.sending->out.clear();
    if (free_sendings_.size() < buffers) free_sendings_.push_back(std::move(connection.sending));
    connection.sending.reset();
  }

  // ---- What comes next ----

  // Does what the connection's state says, until that is something that takes time.
  void act(Connection& connection, Todo todo) {
    ConnectionState& state = connection.state;
    while (true) {
      switch (todo) {
        case Todo::send:
          send(connection);
          todo = state.tried_to_send(Attempt::would_block, out_);
          break;
        case Todo::compute:
          ring_.submit();                    // what the others have been answered goes out first
          compute(server_, state.amount());  // and all others wait
          todo = state.resumed(output_of(connection), tick_);
          break;
        case Todo::start_timer:
          connection.timing = true;
          return ring_.arm(tag(About::timer, connection), now_ns() + static_cast<std::int64_t>(state.amount()),
                           connection.due);
        case Todo::transfer:
          connection.transferring =
              begin_transfer(ring_, tag(About::transfer, connection), state.operation()) == Done::later;
          if (connection.transferring) return;
          todo = state.resumed(output_of(connection), tick_);
          break;
        case Todo::watch:
          if (state.wants_bytes() && !connection.early.empty()) {
            const std::vector<std::byte> bytes = std::exchange(connection.early, {});
            todo = state.received(bytes, output_of(connection), tick_);
          } else if (state.is_end_due()) {
            todo = state.tell_end(output_of(connection));
          } else {
            return receive_if_wanted(connection);
          }
          break;
        // The ring would shut down in a thread of the kernel's, so an ordinary call does.
        case Todo::shut_down: todo = state.shut_down(shutdown(connection.socket.get(), SHUT_WR) == 0, tick_); break;
        case Todo::close: return close(connection);
      }
    }
  }

  void on_due(Connection& connection, int result) {
    connection.timing = false;
    if (connection.state.is_closed()) return destroy_unless_busy(connection);
    act(connection,
        result == -ETIME ? connection.state.resumed(output_of(connection), tick_) : connection.state.failed());
  }

  void on_transferred(Connection& connection, int result) {
    connection.transferring = false;
    if (connection.state.is_closed()) return destroy_unless_busy(connection);
    const std::uint64_t about = tag(About::transfer, connection);
    connection.transferring = go_on_with_transfer(ring_, about, connection.state.operation(), result) == Done::later;
    if (!connection.transferring) act(connection, connection.state.resumed(output_of(connection), tick_));
  }

  void await_mail() { io_uring_prep_poll_add(ring_.prepare(tag(About::mail)), mailbox_.fd(), POLLIN); }

  void deliver_mail() {
    for (const auto& connection : connections_) {
      if (connection && !connection->state.is_closed()) {
        act(*connection, connection->state.mail_came(output_of(*connection), tick_));
      }
    }
  }

  // Destroys it once nothing of it is under way.
  void close(Connection& connection) {
    if (connection.receiving && !connection.cancelling) ring_.cancel(tag(About::receive, connection));
    if (connection.sending) ring_.cancel(tag(About::send, connection));
    if (connection.timing) ring_.cancel(tag(About::timer, connection));
    if (connection.transferring) ring_.cancel(tag(About::transfer, connection));
    destroy_unless_busy(connection);
  }

  void destroy_unless_busy(Connection& connection) {
    if (connection.receiving || connection.sending || connection.timing || connection.transferring) return;
    const int fd = connection.socket.release();
    connections_[static_cast<std::size_t>(fd)].reset();
    io_uring_prep_close(ring_.prepare(tag(About::nothing)), fd);
  }

  // ---- Deadlines ----

  void await_tick() { io_uring_prep_poll_add(ring_.prepare(tag(About::tick)), ticker_.fd(), POLLIN); }

  void on_tick() {
    await_tick();
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (ticker_.take() != 0) ++tick_;
    for (const auto& connection : connections_) {
      if (!connection || !connection->state.is_late(tick_, ticker_.patience())) continue;
      act(*connection, connection->state.too_late(server_, out_, tick_));
    }
  }

  ServerRun& server_;
  Ticker ticker_;
  Mailbox mailbox_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::vector<std::unique_ptr<Sending>> free_sendings_;
  std::uint32_t tick_ = 0;
  Output out_;
  __kernel_timespec accept_again_{};
  Ring ring_;  // destroyed before what it points at
  std::optional<BufferRing> buffers_;
};

}  // namespace bench
