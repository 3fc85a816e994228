// How the units that may block (processes and threads) serve connections and datagrams.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "models/blocking/thread_group.h"
#include "models/talk/converse.h"
#include "models/talk/datagram.h"
#include "models/talk/session_transfer.h"
#include "models/talk/sockets.h"

namespace bench {

/// A unit that simply blocks and computes. `gil-threads` has another with the same functions.
struct PlainUnit {
  /// Makes a call that may block.
  template <typename Call>
  auto block(Call call) const {
    return call();
  }
  static void compute(const ServerRun& server, std::uint64_t steps) { bench::compute(server, steps); }
};
inline constexpr PlainUnit plain_unit;

/// What serves by blocking: block(call) makes a call that may block and gives back what it returns, compute(server,
/// steps) computes for a request.
template <typename Type>
concept ServingUnit = requires(Type& unit, const ServerRun& server, std::uint64_t steps) {
  {
    unit.block([] { return 0; })
    } -> std::same_as<int>;
  unit.compute(server, steps);
};
static_assert(ServingUnit<const PlainUnit>);

/// Sleeps for so long, unless the server is stopped meanwhile, which is looked at every second.
void sleep_for(ServerRun& server, std::chrono::nanoseconds duration);

/// Waits for the next peer; one without a socket once the server is to stop. Where descriptors have run out, it tries
/// again after retry_pause.
Newcomer next_connection(ServerRun& server);

/// Ends a connection so that the last reply arrives: closing with bytes unread would send a reset, which overtakes it.
/// Waits for the peer's end, for linger_time at most.
void close_after_last_word(int socket) noexcept;

/// The connections of a process whose threads block in them, to be woken when the server is to stop.
///
/// A thread of its own sleeps until then and shuts them all down, whereupon their reads return 0. It counts as no unit.
class OpenSockets {
 public:
  explicit OpenSockets(ServerRun& server);
  /// Returns when the server has been told to stop; the last unit may still be ending.
  ~OpenSockets();
  OpenSockets(const OpenSockets&) = delete;
  OpenSockets& operator=(const OpenSockets&) = delete;

  void add(int socket);
  /// Before the socket is closed.
  void remove(int socket);

 private:
  void shut_down_at_stop(int server_socket);

  std::mutex mutex_;
  std::unordered_set<int> sockets_;
  bool stopped_ = false;
  std::thread stopper_;
};

/// The other end of a connection, or of a datagram, as a unit that blocks has it; for converse() and answer().
template <ServingUnit Unit>
class BlockingPeer {
 public:
  BlockingPeer(ServerRun& server, int socket, Unit& unit)
      : server_(server), socket_(socket), unit_(unit), mailbox_(server.hub(), Mailbox::Sleeps::in_a_call) {}

  Output& out() { return out_; }
  Attempt send() {
    return unit_.block([this] { return send_pending(socket_, out_); });
  }
  Received receive(std::span<const std::byte>& bytes) {
    if (mailbox_.used()) {
      switch (unit_.block([&] { return mailbox_.wait_for_bytes(socket_, server_.idle_timeout()); })) {
        case Mailbox::Came::bytes: break;
        case Mailbox::Came::mail: return Received::mail;
        case Mailbox::Came::nothing: return Received::nothing;
      }
    }
    std::size_t size = 0;
    const Attempt received = unit_.block([&] { return receive_some(socket_, room_, size); });
    bytes = std::span(room_).first(size);
    return received_of(received);
  }
  void sleep(std::chrono::nanoseconds duration) {
    unit_.block([&] { sleep_for(server_, duration); });
  }
  void compute(std::uint64_t steps) { unit_.compute(server_, steps); }
  void transfer(Operation& operation) {
    unit_.block([&] { bench::transfer(server_, operation); });
  }
  void close_after_last_word() {
    unit_.block([this] { bench::close_after_last_word(socket_); });
  }

 private:
  ServerRun& server_;
  int socket_;
  Unit& unit_;
  Mailbox mailbox_;
  Output out_;
  std::array<std::byte, receive_bytes> room_;  // not cleared: a stack page that is not used costs no memory
};

/// Serves one connection to its end by blocking in it.
template <ServingUnit Unit>
void serve_connection(ServerRun& server, const Newcomer& newcomer, Unit& unit) {
  BlockingPeer peer(server, newcomer.socket.get(), unit);
  converse(server, peer, newcomer.first);
}

/// Answers one datagram.
template <ServingUnit Unit>
void serve_datagram(ServerRun& server, const Datagram& datagram, Unit& unit) {
  BlockingPeer peer(server, server.socket(), unit);
  answer(server, datagram.bytes(), peer, peer.out());
  unit.block([&] { send_datagram(server.socket(), datagram, peer.out()); });
}

/// Serves connections one after another, or datagrams, until the server is to stop.
template <ServingUnit Unit>
void serve_in_turn(ServerRun& server, OpenSockets* open, Unit& unit) {
  if (server.transport() == Transport::udp) {
    Datagram datagram;
    while (unit.block([&] { return datagram.receive(server); })) serve_datagram(server, datagram, unit);
    return;
  }
  while (true) {
    const Newcomer newcomer = unit.block([&] { return next_connection(server); });
    if (!newcomer.socket.valid()) return;
    if (open) open->add(newcomer.socket.get());
    serve_connection(server, newcomer, unit);
    if (open) open->remove(newcomer.socket.get());
  }
}

/// Serves each connection, or each datagram, in a thread of its own until the server is to stop. `acceptor` is the unit
/// of the calling thread; `in_thread(serve)` is called in the new thread and calls `serve(unit)` with the unit that
/// serves.
template <ServingUnit Unit, typename InThread>
void serve_in_threads(ServerRun& server, Unit& acceptor, InThread in_thread) {
  OpenSockets open(server);
  ServingThreads threads(server);
  if (server.transport() == Transport::udp) {
    Datagram datagram;
    while (acceptor.block([&] { return datagram.receive(server); })) {
      threads.start([&server, &in_thread, own = datagram.copy()] {
        in_thread([&](auto& unit) { serve_datagram(server, own, unit); });
      });
    }
    return;
  }
  while (true) {
    Newcomer newcomer = acceptor.block([&] { return next_connection(server); });
    if (!newcomer.socket.valid()) return;
    threads.start([&server, &open, &in_thread, own = std::move(newcomer)] {
      open.add(own.socket.get());
      in_thread([&](auto& unit) { serve_connection(server, own, unit); });
      open.remove(own.socket.get());
    });
  }
}

}  // namespace bench
