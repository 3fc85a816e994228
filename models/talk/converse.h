// The talk with a peer, written as if every call blocked: for threads and processes, which do block, and for fibers,
// which park.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "models/talk/conversation.h"
#include "models/talk/datagram.h"
#include "models/talk/sockets.h"

namespace bench {

/// Does what a session asks for that takes time. A sleep may end early when the server is to stop.
template <typename P>
concept Pausing = requires(P& peer, std::chrono::nanoseconds duration, std::uint64_t steps) {
  peer.sleep(duration);
  peer.compute(steps);
};

/// Does a transfer that a session asks for; leaves what it comes to in the operation.
template <typename P>
concept Transferring = requires(P& peer, Operation& operation) {
  peer.transfer(operation);
};

/// What a wait for bytes has ended with.
enum class Received : std::uint8_t {
  bytes,    ///< Or the end.
  mail,     ///< Something was published meanwhile.
  nothing,  ///< For too long.
  failed,
};

constexpr Received received_of(Attempt attempt) noexcept {
  switch (attempt) {
    case Attempt::done: return Received::bytes;
    case Attempt::would_block: return Received::nothing;
    case Attempt::failed: break;
  }
  return Received::failed;
}

/// The other end of a connection, by calls that return when they are done:
///
///   out()                    where replies are put; empty whenever a call below is made, but for send()
///   send()                   sends all of out(). would_block: the peer took nothing for too long
///   receive(bytes)           waits for bytes and sets `bytes` to them, none at the end
///   close_after_last_word()  ends the connection so that the last reply arrives
template <typename P>
concept Peer = Pausing<P> && Transferring<P> && requires(P& peer, std::span<const std::byte>& bytes) {
  { peer.out() } -> std::same_as<Output&>;
  { peer.send() } -> std::same_as<Attempt>;
  { peer.receive(bytes) } -> std::same_as<Received>;
  peer.close_after_last_word();
};

/// Serves one connection to its end, or until the server is to stop. `first`: bytes that have come with it.
template <Peer AnyPeer>
void converse(ServerRun& server, AnyPeer& peer, std::span<const std::byte> first = {}) {
  Conversation conversation(server);
  Output& out = peer.out();
  Wanted wanted;
  if (!first.empty()) wanted = conversation.receive(first, out);
  bool peer_ended = false;
  while (!server.stopping()) {
    if (!out.empty()) {
      const Attempt sent = peer.send();
      if (sent == Attempt::would_block) server.count_timed_out();
      if (sent != Attempt::done) return;
    }
    switch (wanted.next) {
      case Next::read: {
        std::span<const std::byte> bytes;
        switch (conversation.has_mail() ? Received::mail : peer.receive(bytes)) {
          case Received::bytes:
            peer_ended = bytes.empty();
            wanted = peer_ended ? conversation.tell(Why::end, out) : conversation.receive(bytes, out);
            break;
          case Received::mail: wanted = conversation.tell(Why::message, out); break;
          case Received::nothing: wanted = conversation.time_out(out); break;
          case Received::failed: return;
        }
        break;
      }
      case Next::drain: wanted = conversation.tell(Why::drained, out); break;
      case Next::wait:
        peer.sleep(std::chrono::nanoseconds(wanted.amount));
        wanted = conversation.tell(Why::resumed, out);
        break;
      case Next::compute:
        peer.compute(wanted.amount);
        wanted = conversation.tell(Why::resumed, out);
        break;
      case Next::transfer:
        peer.transfer(*wanted.operation);
        if (server.stopping()) return;  // it may not be over
        wanted = conversation.tell(Why::resumed, out);
        break;
      case Next::close:
        if (!peer_ended && server.transport() == Transport::tcp) peer.close_after_last_word();
        return;
    }
  }
}

/// Answers one datagram into `out`.
template <Pausing AnyPeer>
void answer(ServerRun& server, std::span<const std::byte> datagram, AnyPeer& peer, Output& out) {
  Conversation conversation(server);
  Wanted wanted = conversation.receive(datagram, out);
  while (wanted.next == Next::wait || wanted.next == Next::compute) {
    if (wanted.next == Next::compute) {
      peer.compute(wanted.amount);
    } else {
      peer.sleep(std::chrono::nanoseconds(wanted.amount));
    }
    wanted = conversation.tell(Why::resumed, out);
  }
}

}  // namespace bench
