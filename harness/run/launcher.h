// The launcher: a small single-threaded process that forks every run.
//
// A fork copies page tables, so a run forked from a harness with results in memory would start slower and larger as
// the plan goes on. The launcher is forked from the harness before the first run and keeps its size.
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "harness/plan/plan.h"
#include "measure/run_report.h"
#include "measure/shared_mapping.h"
#include "workloads/unique_fd.h"

namespace bench {

enum class RunKind : std::uint8_t {
  measure,  ///< A cell's run, as a sample.
  memory,   ///< A cell's run of one batch, stopped now and then to read the memory of its tree.
  machine,  ///< What a plan wants to know of the machine once.
};

/// Which part of a service's run is carried out, where others carry out the rest at the same time on machines of their
/// own. The parts pass all RunSteps together; who asks for them opens these.
enum class RunPart : std::uint8_t {
  whole,   ///< All of it, without steps.
  server,  ///< The server. At RunStep::listening it says its port.
  load,    ///< One of the load generators. RunStep::listening tells it the port, unless the server is foreign.
};

/// What belongs to a part.
struct PartRequest {
  RunPart part = RunPart::whole;
  std::uint32_t generator = 0;   ///< Of RunPart::load: which one
  std::uint32_t generators = 1;  ///< of how many.
  in_addr server = {};           ///< Where the server is to listen (0.0.0.0: everywhere), or to be reached.

  /// What each machine would find out or choose for itself, and all have to be agreed on.
  std::uint64_t seed = 0;
  std::uint64_t compute_steps = 0;
  std::uint32_t workers = 0;
};

struct RunRequest {
  RunKind kind = RunKind::measure;
  std::uint32_t cell = 0;         ///< Index into Plan::cells; unused for the machine.
  std::int32_t units_hint = 0;    ///< For a job's memory run: the number of units alive at which to read it.
  double rate = 0;                ///< For a service: requests per second offered; 0: closed loop.
  std::uint32_t connections = 0;  ///< For a service's memory run: how many.
  std::int64_t duration_ns = 0;   ///< Of a service's window or of a primitive's operations, where it is not the usual.
  std::int64_t time_limit_ns = 0;
  PartRequest part = {};
};

/// What the harness wants of the run that is under way.
enum class Wish : std::uint8_t {
  all,      ///< All that was asked for.
  so_far,   ///< What can be kept of it: a load ends its window at once, others go on to their end.
  nothing,  ///< That it ends at once.
};

/// How a run ended, as its launcher saw it. What it measured lies in the RunReport.
struct RunOutcome {
  int status = 0;  ///< Of the run's first process, from wait4(2).
  bool timed_out = false;
  bool cancelled = false;
  std::uint32_t left_behind = 0;  ///< Units that outlived the run although it ended by itself.
  std::int64_t user_ns = 0;       ///< Of the whole tree over its whole life (tick-sampled split).
  std::int64_t system_ns = 0;
  std::int64_t peak_memory_bytes = 0;  ///< Proportional set size of the tree, largest reading; memory runs only.
};

/// The harness's end of the launcher. Its process ends with the harness, and every run with it.
class Launcher {
 public:
  /// Forks the launcher. `plan` must not change afterwards: the launcher keeps the copy that fork made.
  /// Throws std::system_error.
  explicit Launcher(const Plan& plan);
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// Runs `request` to its end in a fresh process. `wish` is asked a few times a second meanwhile; a run that is ended
  /// at once counts as cancelled. Throws std::runtime_error when the launcher has died.
  RunOutcome run(const RunRequest& request, const std::function<Wish()>& wish,
                 std::chrono::milliseconds tick = std::chrono::milliseconds(100));  ///< How often it is asked.

  /// What the last run has left.
  const RunReport& report() const noexcept { return *report_.data(); }

  /// Those of a part of a run; to be emptied before.
  RunSteps& steps() noexcept { return report_.data()->steps; }

 private:
  SharedArray<RunReport> report_{1};
  UniqueFd socket_;
  pid_t process_ = -1;
};

/// Why a run has failed; empty when it has not.
std::string failure_reason(const RunOutcome& outcome, const RunReport& report, const RunRequest& request);

}  // namespace bench
