// The talk between the session of one connection and the unit that has its socket.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "measure/server_run.h"
#include "workloads/service.h"

namespace bench {

/// How much all models receive at once.
inline constexpr std::size_t receive_bytes = std::size_t{16} * 1024;

/// What a session wants next, with `drain` in the place of `read` while too much output is pending.
struct Wanted {
  Next next = Next::read;
  std::uint64_t amount = 0;
  Operation* operation = nullptr;
};

/// Does so many steps of service_compute(), or stops early when the server is to stop.
inline void compute(const ServerRun& server, std::uint64_t steps) {
  constexpr std::uint64_t slice = 1'000'000;  // about a millisecond
  for (; steps != 0 && !server.stopping(); steps -= std::min(steps, slice)) service_compute(std::min(steps, slice));
}

/// A session and its unconsumed bytes, which are all that an idle connection holds. One unit uses it at a time. A
/// datagram whose answer would have to wait, and finds no room, is dropped: the session wants `close`, and nothing goes
/// out.
class Conversation {
 public:
  explicit Conversation(ServerRun& server)
      : read_up_to_(server.hub() ? server.hub()->hub().end() : 0), session_(server.open_session()), open_(server) {}
  ~Conversation() {
    session_.reset();  // while it still counts as open
    if (holds_datagram()) open_.server().release_datagram(tail_.size());
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// `fresh` bytes have come. `out` takes the replies; replies that were not sent before are still in it.
  Wanted receive(std::span<const std::byte> fresh, Output& out) {
    if (tail_.empty()) return advance(Why::data, fresh, out);
    const std::size_t kept = tail_.size();
    tail_.resize(kept + fresh.size());  // not insert(), of which g++ 14 warns without reason
    std::ranges::copy(fresh, tail_.begin() + static_cast<std::ptrdiff_t>(kept));
    return advance(Why::data, tail_, out);
  }

  /// Something other than bytes has come.
  Wanted tell(Why why, Output& out) {
    if (why == Why::end) ended_ = true;
    return advance(why, tail_, out);
  }

  /// The peer has been silent for too long: a last word may be said before `close`. Only a transfer may go on, which
  /// has said its last datagram again; otherwise the connection counts as timed out.
  Wanted time_out(Output& out) {
    const Wanted wanted = tell(Why::timed_out, out);
    if (transport() == Transport::udp_transfers && wanted.next == Next::read) return wanted;
    open_.server().count_timed_out();
    return {Next::close};
  }

  Transport transport() const noexcept { return open_.server().transport(); }

  /// Whether a session that wants to read is to be told of mail first (Why::message).
  bool has_mail() const noexcept {
    const HubMemory* hub = open_.server().hub();
    return hub && hub->hub().end() != read_up_to_;
  }

 private:
  // Between two calls a datagram is kept only while its answer takes time.
  bool holds_datagram() const noexcept { return !tail_.empty() && transport() == Transport::udp; }
  Wanted advance(Why why, std::span<const std::byte> in, Output& out);

  Hub::Place read_up_to_;  // of what is published; the session has been opened or called since
  std::unique_ptr<Session> session_;
  std::vector<std::byte> tail_;
  ServerRun::Open open_;  // after its session: what counts as open misses nothing that is published
  bool ended_ = false;    // the peer sends nothing more
};

}  // namespace bench
