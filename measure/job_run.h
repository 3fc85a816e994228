// One run of a job as its model sees it: batches to run, tasks to begin and end, units to count.
//
// All clocks of a job's run are read here, so that no model times itself.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "measure/batch_gate.h"
#include "measure/clock.h"
#include "measure/run.h"
#include "measure/shared_mapping.h"
#include "workloads/job.h"

namespace bench {

/// How long a run goes on.
struct RunLength {
  std::int64_t minimum_ns = 100'000'000;  ///< Batches are repeated until their wall times add up to this.
  std::uint32_t max_batches = 0;          ///< 0: no limit. The warm-up counts.
};

/// One task's times and outcome, in shared memory.
struct TaskRecord {
  std::int64_t started_ns;
  std::int64_t finished_ns;
  std::uint64_t outcome;
  std::uint64_t times_begun;
};

/// The share of a job that one copy of a hybrid's inner model runs.
struct JobPart {
  std::uint32_t number = 0;   ///< Of the copy,
  std::uint32_t of = 1;       ///< of so many.
  std::uint32_t workers = 1;  ///< Units of a pool, in each copy.
};

/// One run of a job, made before any unit and seen by all of them, whether thread or process.
///
/// A model's run function is a loop: `while (job.next_batch())` it runs the tasks 0 … tasks() - 1 once each, every
/// task between begin() and end(), and returns with none of its units left.
class JobRun : public Run {
 public:
  /// `report` and `workload` must outlive the run. Throws std::system_error without memory for the records.
  JobRun(const Job& job, Batch batch, std::uint32_t workers, RunLength length, RunReport& report,
         std::uint64_t stack_bytes = default_stack_bytes);

  /// The part of `whole` that one copy runs; `gate` holds it between batches. Both outlive it.
  JobRun(const JobRun& whole, const JobPart& part, BatchGate& gate);

  /// Ends the batch that ran, checks its outcomes, and begins the next; false when the run has lasted long enough.
  /// Called by the run's first thread with no task under way. A first batch shorter than the minimum is the warm-up.
  bool next_batch();

  std::uint32_t tasks() const noexcept { return static_cast<std::uint32_t>(records_.size()); }

  /// Units of a pool.
  std::uint32_t workers() const noexcept { return workers_; }
  /// Of a fiber.
  std::uint64_t stack_bytes() const noexcept { return stack_bytes_; }

  /// Task `index` starts now: its script. Any unit, once for each task of a batch.
  Script begin(std::uint32_t index) {
    TaskRecord& record = records_[index];
    ++record.times_begun;
    record.started_ns = now_ns();
    return job_.task({.batch = batch_, .index = first_ + index, .outcome = record.outcome});
  }

  /// Task `index` has ended now.
  void end(std::uint32_t index) noexcept { records_[index].finished_ns = now_ns(); }

  /// fail() for a task that threw; called inside the handler.
  [[noreturn]] void fail_task(std::uint32_t index) noexcept;

 private:
  bool next_part();
  void finish_batch(std::int64_t end_ns);
  void check_times() noexcept;
  void record_times(JobMeasurement& measured) const noexcept;

  const Job& job_;
  Batch batch_;
  std::uint32_t workers_;
  std::uint64_t stack_bytes_;
  RunLength length_;
  std::optional<SharedArray<TaskRecord>> memory_;  // of the whole
  std::span<TaskRecord> records_;
  std::uint32_t first_ = 0;  // task of the whole
  std::uint32_t copy_ = 0;
  BatchGate* gate_ = nullptr;  // of a part
  std::vector<std::uint64_t> outcomes_;
  std::uint32_t batches_begun_ = 0;
  std::int64_t run_begun_ns_ = 0;
  std::int64_t batch_begun_ns_ = 0;
  TreeUsage usage_before_;
};

/// Runs task `index` to its end on the calling unit; `perform(operation)` does what the script asks for.
/// `prepare(script)` comes before the script's first step.
template <typename Prepare, typename Perform>
void run_task(JobRun& job, std::uint32_t index, Prepare prepare, Perform perform) {
  try {
    Script script = job.begin(index);
    prepare(script);
    while (script.advance()) perform(script.operation());
    job.end(index);
  } catch (...) {
    job.fail_task(index);
  }
}

template <typename Perform>
void run_task(JobRun& job, std::uint32_t index, Perform perform) {
  run_task(
      job, index, [](Script&) {}, perform);
}

}  // namespace bench
