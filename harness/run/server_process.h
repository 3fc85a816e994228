// A server in a process of its own: started, asked what it has used, stopped.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <span>

#include "measure/server_run.h"
#include "models/model.h"

namespace bench {

/// What a tree has used up to a moment of CLOCK_MONOTONIC.
struct UsageReading {
  TreeUsage usage;
  std::int64_t at_ns = 0;
};

/// A running server. Its process ends with the thread that made it.
class ServerProcess {
 public:
  /// Fills the server's folder on disk, where it has one, forks the process and pins it to `cpus`, unless that is
  /// empty. `report` lies in shared memory and, like what `setup` points at, outlives the server. Throws
  /// std::exception.
  ServerProcess(const Model& model, const ServerSetup& setup, RunReport& report, std::span<const int> cpus);
  /// Kills what is left.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const noexcept { return pid_; }

  /// What the whole tree has used so far; at the beginning of a window the moment is that when all has been read, and
  /// at its end that when the reading began. A busy server may take a while to answer. Throws std::runtime_error when
  /// the server does not answer within patience_with_processes.
  UsageReading usage(Edge edge);

  /// Tells the server to end and waits for it, patience_with_processes at most. Throws std::runtime_error when it
  /// did not end well.
  void stop();

  /// Whether the server's process ends within `patience`. It stays to be reaped by stop().
  bool ended_within(std::chrono::milliseconds patience) const;

 private:
  int wait();

  ServerRun run_;
  RunReport& report_;
  pid_t pid_ = -1;
};

}  // namespace bench
