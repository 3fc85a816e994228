// Forking and reaping, for the models whose units are processes.
#pragma once

#include <functional>

#include "measure/server_run.h"
#include "workloads/unique_fd.h"

namespace bench {

/// Forks a child that counts as a unit, runs `body` and ends with _exit. The child dies with the thread that forked it.
/// A refused fork fails the run.
void fork_unit(Run& run, const std::function<void()>& body);

/// Likewise for a child that counts as no unit itself; returns a descriptor that is readable once it has ended.
UniqueFd fork_watched(Run& run, const std::function<void()>& body);

/// Waits for one child of the calling process; one that did not end well fails the run.
void reap_unit(Run& run);

/// While it exists, a child of the calling process that is killed fails the run at once, whatever the process is at: it
/// may wait for that child's answer for ever. One at a time.
class KilledChildFails {
 public:
  explicit KilledChildFails(Run& run);
  ~KilledChildFails();
  KilledChildFails(const KilledChildFails&) = delete;
  KilledChildFails& operator=(const KilledChildFails&) = delete;
};

/// Ends and reaps all children of the calling process, which has nobody else's, and what these have started.
void end_children();

/// The children of a server. Those that end are reaped at once, in the handler of SIGCHLD.
class ServingChildren {
 public:
  explicit ServingChildren(ServerRun& server);
  /// Ends and reaps those that are left.
  ~ServingChildren();
  ServingChildren(const ServingChildren&) = delete;
  ServingChildren& operator=(const ServingChildren&) = delete;

  /// Forks a child that counts as a unit, runs `body` and ends. A refused fork costs what `body` would have served.
  void start(const std::function<void()>& body);

 private:
  ServerRun& server_;
};

}  // namespace bench
