// One run of a server as its model sees it: a socket to serve, sessions to open, deadlines to keep.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "measure/mailbox.h"
#include "measure/run.h"
#include "measure/shared_mapping.h"
#include "workloads/service.h"

namespace bench {

/// What a server is to serve and how; made by the harness before the server's process is forked.
struct ServerSetup {
  const Service* service = nullptr;
  ServiceContext context = {};
  std::uint32_t workers = 1;
  std::uint64_t stack_bytes = default_stack_bytes;
  /// Listening (TCP) or bound (UDP); blocking; shared by all processes of the server. Of a hybrid, one for each copy of
  /// its innermost model, all for the same port.
  std::vector<int> sockets = {};
  std::chrono::nanoseconds idle_timeout{std::chrono::seconds{60}};
};

/// One run of a server, made before any unit and seen by all of them, whether thread or process.
///
/// A model's serve function accepts connections (or takes datagrams) from socket(), holds a Conversation with each and
/// returns, with none of its units left, when the server is to stop. The socket tells: once stop() was called,
/// accept(2) on it fails, recvfrom(2) returns 0, poll(2) reports a hang-up, and stopping() is true. A peer that sends
/// or takes nothing for idle_timeout() is dropped, unless its session says something again. Running out of descriptors
/// or units costs the connection and not the server.
class ServerRun : public Run {
 public:
  /// `setup` is copied; what it points at and `report` outlive the run. Throws std::system_error where the sessions
  /// need a hub, or share memory besides, and there is none for it.
  ServerRun(const ServerSetup& setup, RunReport& report) : ServerRun(setup, Run(report)) {}

  /// One beside another run: `whole` and `who` as Run has them.
  ServerRun(const ServerSetup& setup, RunReport& report, RunReport& whole, std::string_view who)
      : ServerRun(setup, Run(report, whole, who)) {}

  /// The share of the copy `number` of `of` in `whole`, with so many workers.
  ServerRun(const ServerRun& whole, std::uint32_t number, std::uint32_t of, std::uint32_t workers);

  int socket() const noexcept { return setup_.sockets.front(); }
  Transport transport() const noexcept { return setup_.service->transport; }

  /// Units of a pool.
  std::uint32_t workers() const noexcept { return setup_.workers; }
  /// Of a fiber.
  std::uint64_t stack_bytes() const noexcept { return setup_.stack_bytes; }
  /// Of transfers no more than the time after which what was lost is said again.
  std::chrono::nanoseconds idle_timeout() const noexcept {
    const Service& service = *setup_.service;
    return service.transport == Transport::udp_transfers ? std::min(setup_.idle_timeout, service.resend_after)
                                                         : setup_.idle_timeout;
  }

  /// Tells every unit to end. Any process that has the socket; async-signal-safe.
  void stop() noexcept;
  bool stopping() const noexcept { return report().server.stopping.load(std::memory_order_relaxed) != 0; }

  /// The session of a new connection or datagram.
  std::unique_ptr<Session> open_session() { return setup_.service->open(setup_.context); }

  /// What its sessions publish to each other; null where they do not. A unit that serves some has a Mailbox for it.
  const HubMemory* hub() const noexcept { return hub_.get(); }

  /// A connection could not be taken, since a unit or a descriptor was missing; it may be taken later.
  void count_refused() noexcept { report().server.refused.fetch_add(1, std::memory_order_relaxed); }

  /// Makes room for a datagram of `bytes` whose answer takes time; false where those that wait fill it all, and then
  /// the datagram is to be dropped, which is counted. Without such a bound a flood would make the server grow by it.
  bool hold_datagram(std::size_t bytes) noexcept;
  void release_datagram(std::size_t bytes) noexcept;

  /// A connection was closed since its peer was silent for too long.
  void count_timed_out() noexcept { report().server.timed_out.fetch_add(1, std::memory_order_relaxed); }

  /// Counts one conversation as open while it exists.
  class Open {
   public:
    explicit Open(ServerRun& server) noexcept : server_(server) {
      ServerCounters& counters = server.report().server;
      counters.accepted.fetch_add(1, std::memory_order_relaxed);
      count_in(counters.open, counters.open_peak);
    }
    ~Open() { server_.report().server.open.fetch_sub(1, std::memory_order_relaxed); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

    ServerRun& server() const noexcept { return server_; }

   private:
    ServerRun& server_;
  };

 private:
  ServerRun(const ServerSetup& setup, const Run& run);

  ServerSetup setup_;
  std::shared_ptr<const HubMemory> hub_;
  std::shared_ptr<const SharedMapping> shared_;  // of the sessions
};

}  // namespace bench
