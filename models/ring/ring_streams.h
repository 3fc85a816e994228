// The connections of an `io-uring` server: one ring that accepts, receives, sends and waits for all of them.
//
// A connection has at most one receive, one send and one timer under way; it is destroyed when none is left, so that
// the kernel never writes to what is not there any more, and a completion never belongs to a later connection.
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
#include "models/talk/conversation.h"

namespace bench {

class RingStreams {
 public:
  /// Throws std::system_error.
  explicit RingStreams(ServerRun& server) : server_(server), ticker_(server.idle_timeout()) {
    if (has_multishot()) buffers_.emplace(ring_, buffers, receive_bytes);
  }

  /// Serves until the server is to stop; its connections are closed then.
  void run() {
    accept();
    await_tick();
    while (!server_.stopping()) {
      ring_.submit_and_wait();
      for (Completion done; !server_.stopping() && ring_.take(done);) on(done);
    }
  }

 private:
  enum class State : std::uint8_t {
    reading,    // the session wants bytes
    draining,   // all pending output has to be sent first
    waiting,    // a timer goes first
    closing,    // to be closed once the pending output has been sent
    lingering,  // closed for writing; what the peer still sends is thrown away, lest a reset overtake the last reply
    closed,     // to be destroyed once nothing of it is under way
  };

  struct Connection {
    Connection(ServerRun& server, int fd) : socket(fd), conversation(server) {}
    UniqueFd socket;
    Conversation conversation;
    std::unique_ptr<Sending> sending;   // what is being sent
    Output unsent;                      // replies behind it
    std::vector<std::byte> early;       // bytes that came while the session wanted none
    std::unique_ptr<std::byte[]> room;  // to receive into, without the ring's buffers
    __kernel_timespec due{};
    std::uint32_t active_tick = 0;  // of the last bytes either way
    State state = State::reading;
    bool receiving = false;
    bool cancelling = false;  // the receive
    bool timing = false;
    bool peer_ended = false;
    bool end_untold = false;  // the session does not know of that yet
  };

  // What a completion is about; the rest of its tag is the descriptor of a connection.
  enum class About : std::uint8_t { nothing, accept, accept_again, peer, tick, receive, send, timer };
  static constexpr unsigned about_bits = 3;
  static std::uint64_t tag(About about, int fd = 0) {
    return static_cast<std::uint64_t>(fd) << about_bits | static_cast<std::uint64_t>(about);
  }
  static std::uint64_t tag(About about, const Connection& connection) { return tag(about, connection.socket.get()); }

  // As many as a turn may bring. A receive that finds none ends with ENOBUFS and is prepared again; by the time it is
  // submitted, all that came before have been given back.
  static constexpr unsigned buffers = 256;
  static constexpr std::int64_t accept_again_ns = 10'000'000;

  void on(const Completion& done) {
    const auto about = static_cast<About>(done.tag & ((1U << about_bits) - 1));
    switch (about) {
      case About::nothing: return;  // a cancel or a close
      case About::accept: return on_accepted(done);
      case About::accept_again: return await_peer();
      case About::peer: return accept();
      case About::tick: return on_tick();
      default: break;
    }
    Connection& connection = *connections_[done.tag >> about_bits];
    if (about == About::receive) return on_received(connection, done);
    if (about == About::send) return on_sent(connection, done.result);
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
        return ring_.arm(tag(About::accept_again), now_ns() + accept_again_ns, accept_again_);
      default: break;
    }
    if (done.result >= 0) add(done.result);
    if (!done.more() && !server_.stopping()) accept();
  }

  // An accept without a descriptor to spare fails even while nobody waits.
  void await_peer() { io_uring_prep_poll_add(ring_.prepare(tag(About::peer)), server_.socket(), POLLIN); }

  void add(int fd) {
    const auto slot = static_cast<std::size_t>(fd);
    if (connections_.size() <= slot) connections_.resize(slot + 1);
    connections_[slot] = std::make_unique<Connection>(server_, fd);
    connections_[slot]->active_tick = tick_;
    receive(*connections_[slot]);
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
  void want(Connection& connection) {
    const bool wanted = connection.state == State::reading || connection.state == State::lingering;
    if (wanted && !connection.receiving && !connection.peer_ended) receive(connection);
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
    if (connection.state == State::closed) return destroy_unless_busy(connection);
    if (result == -ENOBUFS || result == -ECANCELED || result == -EINTR) return want(connection);
    if (result < 0) return close(connection);
    if (result == 0) connection.peer_ended = connection.end_untold = true;
    switch (connection.state) {
      case State::reading: break;
      case State::lingering: return connection.peer_ended ? close(connection) : want(connection);
      default: return keep(connection, bytes);
    }
    connection.active_tick = tick_;
    if (!bytes.empty()) return act(connection, connection.conversation.receive(bytes, output_of(connection)));
    connection.end_untold = false;
    act(connection, connection.conversation.go_on(Why::end, output_of(connection)));
  }

  // Mostly nothing comes before the reply has gone out, so the receive is left under way until something does. The
  // kernel has then brought as many as 32 buffers (MULTISHOT_MAX_RETRY) and brings no more.
  void keep(Connection& connection, std::span<const std::byte> bytes) {
    connection.early.insert(connection.early.end(), bytes.begin(), bytes.end());
    if (!connection.receiving || connection.cancelling) return;
    connection.cancelling = true;
    ring_.cancel(tag(About::receive, connection));
  }

  // ---- Sending ----

  // Replies go to the loop's Output, or behind those that are being sent.
  Output& output_of(Connection& connection) { return connection.sending ? connection.unsent : out_; }

  // Sends the loop's Output.
  void send(Connection& connection) {
    if (out_.empty()) return;
    if (spare_.empty()) spare_.push_back(std::make_unique<Sending>());
    connection.sending = std::move(spare_.back());
    spare_.pop_back();
    std::swap(connection.sending->out, out_);
    send_on(connection);
  }

  void send_on(Connection& connection) {
    connection.sending->prepare(ring_, tag(About::send, connection), connection.socket.get(), 0);
  }

  void on_sent(Connection& connection, int result) {
    Output& out = connection.sending->out;
    if (connection.state == State::closed || (result < 0 && result != -EINTR)) {
      spare(connection);
      return connection.state == State::closed ? destroy_unless_busy(connection) : close(connection);
    }
    connection.active_tick = tick_;
    if (result > 0) out.consume(static_cast<std::size_t>(result));
    if (out.empty() && !connection.unsent.empty()) {
      std::swap(out, connection.unsent);
      connection.unsent.release();
    }
    if (!out.empty()) return send_on(connection);
    spare(connection);
    if (connection.state == State::draining) return act(connection, connection.conversation.go_on(Why::drained, out_));
    if (connection.state == State::closing) end(connection);
  }

  // What a reply was sent from serves the next one, whosever it is; as many are kept as a turn may need.
  void spare(Connection& connection) {
    connection.sending->out.clear();
    if (spare_.size() < buffers) spare_.push_back(std::move(connection.sending));
    connection.sending.reset();
  }

  // ---- What a session wants ----

  // Does it, until it is something that takes time.
  void act(Connection& connection, Wanted wanted) {
    while (true) {
      send(connection);
      switch (wanted.next) {
        case Next::read:
          connection.state = State::reading;
          if (!connection.early.empty()) {
            const std::vector<std::byte> bytes = std::exchange(connection.early, {});
            wanted = connection.conversation.receive(bytes, output_of(connection));
          } else if (connection.end_untold) {
            connection.end_untold = false;
            wanted = connection.conversation.go_on(Why::end, output_of(connection));
          } else {
            return want(connection);
          }
          break;
        case Next::wait:
          connection.state = State::waiting;
          connection.timing = true;
          return ring_.arm(tag(About::timer, connection), now_ns() + static_cast<std::int64_t>(wanted.amount),
                           connection.due);
        case Next::compute:
          ring_.submit();                   // what the others have been answered goes out first
          compute(server_, wanted.amount);  // and everyone else waits
          wanted = connection.conversation.go_on(Why::resumed, output_of(connection));
          break;
        case Next::drain:
          if (connection.sending) {
            connection.state = State::draining;
            return;
          }
          wanted = connection.conversation.go_on(Why::drained, out_);
          break;
        case Next::close:
          if (!connection.sending) return end(connection);
          connection.state = State::closing;
          return;
      }
    }
  }

  void on_due(Connection& connection, int result) {
    connection.timing = false;
    if (connection.state == State::closed) return destroy_unless_busy(connection);
    if (result != -ETIME) return close(connection);
    connection.active_tick = tick_;
    act(connection, connection.conversation.go_on(Why::resumed, output_of(connection)));
  }

  // All has been said. The ring would shut down in a thread of the kernel's, so an ordinary call does.
  void end(Connection& connection) {
    if (connection.peer_ended || shutdown(connection.socket.get(), SHUT_WR) != 0) return close(connection);
    connection.state = State::lingering;
    connection.active_tick = tick_;
    want(connection);
  }

  void close(Connection& connection) {
    connection.state = State::closed;
    if (connection.receiving && !connection.cancelling) ring_.cancel(tag(About::receive, connection));
    if (connection.sending) ring_.cancel(tag(About::send, connection));
    if (connection.timing) ring_.cancel(tag(About::timer, connection));
    destroy_unless_busy(connection);
  }

  void destroy_unless_busy(Connection& connection) {
    if (connection.receiving || connection.sending || connection.timing) return;
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
      if (connection) check_deadline(*connection);
    }
  }

  void check_deadline(Connection& connection) {
    const std::uint32_t silent = tick_ - connection.active_tick;
    switch (connection.state) {
      case State::waiting:
      case State::closed: return;
      case State::lingering:
        if (silent >= ticker_.linger_ticks()) close(connection);
        return;
      default: break;
    }
    if (silent <= ticker_.idle_ticks()) return;
    if (connection.state == State::closing) return close(connection);
    server_.count_timed_out();
    if (connection.state != State::reading || connection.sending) return close(connection);
    connection.active_tick = tick_;
    connection.conversation.go_on(Why::timed_out, out_);
    act(connection, {Next::close, 0});
  }

  ServerRun& server_;
  Ticker ticker_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::vector<std::unique_ptr<Sending>> spare_;
  std::uint32_t tick_ = 0;
  Output out_;
  __kernel_timespec accept_again_{};
  Ring ring_;  // destroyed before what it points at
  std::optional<BufferRing> buffers_;
};

}  // namespace bench
