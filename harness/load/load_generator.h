// The load generator: processes of its own that put a load on a server and measure what it answers.
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <stdexcept>
#include <vector>

#include "harness/load/load_plan.h"
#include "harness/load/shares.h"
#include "harness/load/worker_report.h"
#include "measure/load_report.h"
#include "measure/run_report.h"
#include "measure/shared_mapping.h"
#include "measure/usage.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A load was ended before its window had begun, so that nothing came of it.
class LoadInterrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The parent's side of a load, its coordinator. It sleeps while the workers work. One thread uses it, the one that
/// made it: the processes die with that thread.
class LoadGenerator {
 public:
  /// Forks the processes and pins their workers to `cpus` in turn; to none when it is empty. Nothing is sent yet.
  /// Throws std::system_error, and std::invalid_argument for a plan that makes no sense.
  LoadGenerator(const LoadPlan& plan, std::span<const int> cpus);

  /// Kills and reaps what is left.
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  /// Carries out the load; once. `at_edge` is called before and after the measured window, while no worker sends and
  /// nothing is under way but requests that the drain did not bring to an end, and when its time is up, while workers
  /// take the last replies. When no connection was established it is not called, and the report has no window.
  ///
  /// Whatever the server does, it ends within connect_deadline + warmup + duration + 2 drain and a second for the
  /// generator's own work, besides what `at_edge` takes. Once `is_enough` says so, which is asked ten times a second,
  /// the window ends, and what has been measured by then is what the report tells; before the window, it throws
  /// LoadInterrupted.
  /// Throws std::runtime_error when a process of the generator died, and what `at_edge` throws; the generator is then
  /// of no further use.
  LoadReport run(
      const std::function<void(Edge)>& at_edge, const std::function<bool()>& is_enough = [] { return false; },
      Connecting* connecting = nullptr,                    ///< Where it is kept up to date of the connections.
      const std::function<void()>& at_connected = [] {});  ///< Called once these are made, or given up.

 private:
  struct Process {
    pid_t pid = -1;
    UniqueFd ended;  // a pidfd
  };

  void start_processes(std::span<const int> cpus);
  void kill_all() noexcept;
  std::chrono::nanoseconds load_phase(LoadPhase phase, std::chrono::nanoseconds duration,
                                      const std::function<bool()>& is_enough, const std::function<void()>& at_stop);
  void begin(LoadPhase phase);
  void wake_workers();
  void await(
      LoadPhase phase, std::int64_t deadline_ns, const std::function<void()>& at_glance = [] {});
  void tell(Connecting& connecting) const;
  void look_for_deaths();
  void await_end();
  void sleep_until_news(std::int64_t deadline_ns);
  [[noreturn]] void report_death(Process& process);
  void reap(Process& process, int& status) noexcept;
  LoadReport merged() const;

  LoadPlan plan_;
  ProcessShares shares_;
  std::uint32_t workers_;
  SharedArray<LoadControl> control_{1};
  SharedArray<WorkerReport> reports_;
  UniqueFd done_;                // workers write to it after each phase
  std::vector<UniqueFd> wakes_;  // one for each worker
  std::vector<Process> processes_;
};

}  // namespace bench
