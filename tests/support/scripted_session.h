// A session that says what a test has written down, for tests of what lies between a session and its socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "measure/server_run.h"
#include "measure/shared_mapping.h"
#include "workloads/script.h"

namespace bench {

/// What the session answers to one call.
struct Says {
  std::string bytes;               ///< Appended to the output.
  Next next = Next::read;          ///< What it wants.
  std::uint64_t amount = 0;        ///< Of a wait or a computation.
  std::size_t unconsumed = 0;      ///< How many bytes at the end of the input it leaves.
  Operation* operation = nullptr;  ///< Of a transfer.
};

/// A run of a server whose sessions follow the test; one at a time.
class ScriptedService {
 public:
  explicit ScriptedService(Transport transport = Transport::tcp);
  ~ScriptedService();
  ScriptedService(const ScriptedService&) = delete;
  ScriptedService& operator=(const ScriptedService&) = delete;

  ServerRun& run() { return run_; }
  const ServerCounters& counters() const { return report_[0].server; }

  /// What its sessions are told of.
  Hub& hub() { return run_.hub()->hub(); }

  /// What the session answers to its next calls; beyond them it consumes everything, says nothing and wants to read.
  void will_say(std::initializer_list<Says> answers) { answers_.insert(answers_.end(), answers); }

  /// What the session has been told since the last call, as "data abc", "end ", "drained ".
  std::vector<std::string> take_told() { return std::exchange(told_, {}); }

 private:
  class ScriptedSession;

  Service row_{};
  SharedArray<RunReport> report_{1};
  ServerRun run_;
  std::deque<Says> answers_;
  std::vector<std::string> told_;
};

}  // namespace bench
