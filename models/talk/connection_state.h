// What every loop does about a connection, without the loop: which state it is in, and what is to be done next.
//
// A connection's state makes no system call and reads no clock. Its owner has the socket, tells the state what has
// happened and does what the answer says, in its own idiom:
//
//   reading ⇄ waiting      a timer or a transfer goes first; bytes that come meanwhile are left where they are
//   reading ⇄ draining     too much output is unsent, or the session wants all of it to have gone out
//   … → closing            the session is at its end, and some output is unsent
//   … → lingering          all has been said: shut down for writing, until the peer ends too
//   … → closed
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "models/talk/conversation.h"
#include "models/talk/sockets.h"

namespace bench {

/// How long a peer may be silent, in ticks of the owner's clock.
struct Patience {
  std::uint32_t idle_ticks = 0;    ///< While the connection is in use.
  std::uint32_t linger_ticks = 0;  ///< Once it has been shut down for writing.
};

/// What the owner of a connection is to do next.
enum class Todo : std::uint8_t {
  watch,        ///< Nothing until something happens: bytes come (wants_bytes()), there is room again (has_unsent()).
  send,         ///< Send the output that the call was given, and say tried_to_send().
  compute,      ///< amount() steps of service_compute(), then say resumed().
  start_timer,  ///< And say resumed() when amount() nanoseconds are over. Until then as `watch`.
  transfer,     ///< Do operation(), and say resumed() when it is done. Until then as `watch`.
  shut_down,    ///< The socket for writing, and say shut_down().
  close,        ///< The connection is over.
};

/// A session and the state of its connection. One unit uses it at a time.
///
/// Each event is told with the output that takes the replies: that of the owner, or what of this connection is still
/// unsent. Time is counted in ticks of the owner's clock; `now` may wrap around.
class ConnectionState {
 public:
  ConnectionState(ServerRun& server, std::uint32_t now) : conversation_(server), active_tick_(now) {}

  /// Bytes have come, and wants_bytes().
  Todo received(std::span<const std::byte> bytes, Output& out, std::uint32_t now) {
    if (phase_ == Phase::lingering) return Todo::watch;  // thrown away
    active_tick_ = now;
    return act_on(conversation_.receive(bytes, out), out);
  }

  /// The peer sends nothing more. Where the session wants no bytes now, it is told later: is_end_due().
  Todo peer_ended(Output& out, std::uint32_t now) {
    if (phase_ == Phase::lingering) return failed();
    peer_ended_ = end_untold_ = true;
    if (phase_ != Phase::reading) return Todo::watch;
    active_tick_ = now;
    return tell_end(out);
  }

  /// Whether the session is to be told now that the peer has ended, after all bytes that came before: by tell_end().
  bool is_end_due() const noexcept { return end_untold_ && phase_ == Phase::reading; }
  Todo tell_end(Output& out) {
    end_untold_ = false;
    return act_on(conversation_.tell(Why::end, out), out);
  }

  /// How Todo::send went. `would_block`: something of the output is left, or all of it is on its way; the owner keeps
  /// it and says all_sent() when nothing is left.
  Todo tried_to_send(Attempt sent, Output& out) {
    if (sent == Attempt::failed) return failed();
    is_unsent_ = sent == Attempt::would_block;
    return follow(out);
  }

  /// Some of the unsent output has gone out.
  void moved(std::uint32_t now) noexcept { active_tick_ = now; }

  /// All of it has.
  Todo all_sent(Output& out, std::uint32_t now) {
    active_tick_ = now;
    is_unsent_ = false;
    switch (phase_) {
      case Phase::draining: return act_on(conversation_.tell(Why::drained, out), out);
      case Phase::reading: return follow(out);  // there may be mail that its owner was told of meanwhile
      case Phase::closing: return end();
      default: return Todo::watch;
    }
  }

  /// Something has been published. Where the session does not want to read, it is told when it does.
  Todo mail_came(Output& out, std::uint32_t now) {
    if (phase_ != Phase::reading || !conversation_.has_mail()) return Todo::watch;
    active_tick_ = now;
    return follow(out);
  }

  /// The timer, the computation or the transfer is over.
  Todo resumed(Output& out, std::uint32_t now) {
    active_tick_ = now;
    return act_on(conversation_.tell(Why::resumed, out), out);
  }

  /// Whether the socket has been shut down for writing; it cannot be where the peer has gone.
  Todo shut_down(bool done, std::uint32_t now) noexcept {
    if (!done) return failed();
    phase_ = Phase::lingering;
    active_tick_ = now;
    return Todo::watch;
  }

  /// The socket is of no more use.
  Todo failed() noexcept {
    phase_ = Phase::closed;
    return Todo::close;
  }

  /// The tick from which on the peer has been silent for too long; a peer that waits for a timer never is.
  std::uint32_t late_from(const Patience& patience) const noexcept {
    return active_tick_ + (phase_ == Phase::lingering ? patience.linger_ticks : patience.idle_ticks + 1);
  }
  bool is_late(std::uint32_t now, const Patience& patience) const noexcept {
    if (phase_ == Phase::waiting || phase_ == Phase::closed) return false;
    return static_cast<std::int32_t>(now - late_from(patience)) >= 0;
  }

  /// It is late. A session that is reading may say a last word to a peer that has taken all that came before, or, of a
  /// transfer, its last datagram again.
  Todo too_late(ServerRun& server, Output& out, std::uint32_t now) {
    if (phase_ == Phase::lingering || phase_ == Phase::closing) return failed();
    if (phase_ != Phase::reading || is_unsent_) {
      server.count_timed_out();
      return failed();
    }
    active_tick_ = now;
    return act_on(conversation_.time_out(out), out);
  }

  /// Whether bytes are of use now: for the session, or to be thrown away. A datagram is answered only once the answer
  /// before it has gone, lest the two be sent as one.
  bool wants_bytes() const noexcept {
    if (phase_ == Phase::reading) return !is_unsent_ || is_stream();
    return phase_ == Phase::lingering;
  }

  /// Whether the owner keeps output that the socket would not take.
  bool has_unsent() const noexcept { return is_unsent_; }

  /// Whether a timer or a transfer goes first.
  bool is_waiting() const noexcept { return phase_ == Phase::waiting; }

  /// Whether `close` has been answered.
  bool is_closed() const noexcept { return phase_ == Phase::closed; }

  /// Of Todo::compute and Todo::start_timer.
  std::uint64_t amount() const noexcept { return amount_; }

  /// Of Todo::transfer; the session's.
  Operation& operation() const noexcept { return *operation_; }

 private:
  enum class Phase : std::uint8_t {
    reading,    // the session wants bytes, or it is being called
    draining,   // all unsent output has to go out first
    waiting,    // a timer or a transfer goes first
    closing,    // to be shut down once all unsent output has gone out
    lingering,  // shut down for writing; what the peer still sends is thrown away, lest a reset overtake the last reply
    closed,
  };

  bool is_stream() const noexcept { return conversation_.transport() == Transport::tcp; }

  // Sends what the session has said before anything else, so that no peer waits for a reply that is there already.
  Todo act_on(Wanted wanted, Output& out) {
    want(wanted);
    return is_unsent_ || out.empty() ? follow(out) : Todo::send;
  }

  void want(Wanted wanted) noexcept {
    next_ = wanted.next;
    if (wanted.next == Next::transfer) {
      operation_ = wanted.operation;
    } else {
      amount_ = wanted.amount;
    }
  }

  // Does what the session wants.
  Todo follow(Output& out) {
    while (true) {
      switch (next_) {
        case Next::read:
          phase_ = Phase::reading;
          if (!conversation_.has_mail()) return Todo::watch;
          want(conversation_.tell(Why::message, out));
          break;
        case Next::transfer: phase_ = Phase::waiting; return Todo::transfer;
        case Next::wait: phase_ = Phase::waiting; return Todo::start_timer;
        case Next::compute: return Todo::compute;
        case Next::close:
          if (!is_unsent_) return end();
          phase_ = Phase::closing;
          return Todo::watch;
        case Next::drain:
          if (is_unsent_) {
            phase_ = Phase::draining;
            return Todo::watch;
          }
          want(conversation_.tell(Why::drained, out));
          break;
      }
      if (!is_unsent_ && !out.empty()) return Todo::send;
    }
  }

  // All has been said. Datagrams have no direction that could be shut down.
  Todo end() noexcept { return peer_ended_ || !is_stream() ? failed() : Todo::shut_down; }

  // What follows lies in its padding: a connection is no larger for having a state.
  [[no_unique_address]] Conversation conversation_;
  Phase phase_ = Phase::reading;
  Next next_ = Next::read;
  bool is_unsent_ : 1 = false;
  bool peer_ended_ : 1 = false;
  bool end_untold_ : 1 = false;  // the session does not know of that yet
  std::uint32_t active_tick_;    // of the last bytes either way
  union {
    std::uint64_t amount_ = 0;
    Operation* operation_;  // where it wants a transfer
  };
};
static_assert(sizeof(ConnectionState) <= sizeof(Conversation) + sizeof(std::uint64_t));

}  // namespace bench
