// The other end of a connection as a fiber has it: calls that look as if they blocked, and park.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <span>
#include <utility>

#include "models/loop/poller.h"
#include "models/talk/converse.h"
#include "models/talk/session_transfer.h"
#include "models/talk/sockets.h"

namespace bench {

/// For converse(). `server` has what its fibers share: `run`, `ticker`, and `out` and `room`, which are used while no
/// fiber is switched to. `self` is what the fiber calls to wait: wait_for(socket, interest, ticks), sleep(), ticks().
template <typename Server, typename Socket, typename Unit>
class ParkingPeer {
 public:
  ParkingPeer(Server& server, Socket& socket, const Unit& self) : server_(server), socket_(socket), self_(self) {}

  Output& out() { return server_.out; }

  Attempt send() {
    Attempt sent = send_pending(socket_.fd(), server_.out);
    Output unsent;  // what others shall not find in the shared one
    if (sent == Attempt::would_block) std::swap(unsent, server_.out);
    server_.out.clear();
    while (sent == Attempt::would_block) {
      if (!self_.wait_for(socket_, Interest::write, server_.ticker.idle_ticks())) return too_late();
      sent = send_pending(socket_.fd(), unsent);
    }
    return sent;
  }

  Received receive(std::span<const std::byte>& bytes) {
    while (true) {
      if (!self_.wait_for(socket_, Interest::read, server_.ticker.idle_ticks(), true)) return received_of(too_late());
      if (socket_.mail_came()) return Received::mail;
      std::size_t size = 0;
      const Attempt received = receive_some(socket_.fd(), server_.room, size);
      if (received == Attempt::would_block) continue;
      bytes = std::span(server_.room).first(size);
      return received_of(received);
    }
  }

  void sleep(std::chrono::nanoseconds duration) { self_.sleep(duration); }

  void compute(std::uint64_t steps) { bench::compute(server_.run, steps); }  // and all others wait

  void transfer(Operation& operation) {
    while (!transfer_now(operation)) {
      typename decltype(server_.scheduler)::Watched child(server_.scheduler, operation.transfer.fd);
      self_.wait_for(child, Interest::read);
      server_.scheduler.forget(child);
      if (server_.run.stopping()) return;
    }
  }

  // What the peer still sends is thrown away until it ends, lest a reset overtake the last reply.
  void close_after_last_word() {
    if (shutdown(socket_.fd(), SHUT_WR) != 0) return;
    const std::uint32_t ticks = server_.ticker.linger_ticks();
    const std::uint32_t begun = self_.ticks();
    for (std::size_t size = 1; size != 0;) {
      if (!self_.wait_for(socket_, Interest::read, ticks) || self_.ticks() - begun >= ticks) return;
      if (receive_some(socket_.fd(), server_.room, size) == Attempt::failed) return;
    }
  }

 private:
  // The end of a wait in which nothing came.
  Attempt too_late() const { return server_.run.stopping() ? Attempt::failed : Attempt::would_block; }

  Server& server_;
  Socket& socket_;
  const Unit& self_;
};

}  // namespace bench
