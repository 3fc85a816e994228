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
#include "measure/inbox.h"
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

/// How a unit that runs tasks learns that one of them has been woken by another task.
struct Home {
  void (*deliver)(Waiting&) = nullptr;
  void* at = nullptr;  ///< In shared memory, or null.
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
  /// `report` and `job` must outlive the run. `loops`: how many units at the most run tasks in a loop of their own.
  /// Throws std::system_error without memory for the records, or without a descriptor for a loop's inbox.
  JobRun(const Job& job, Batch batch, std::uint32_t workers, RunLength length, RunReport& report,
         std::uint64_t stack_bytes = default_stack_bytes, std::uint32_t loops = 1);

  /// The part of `whole` that one copy runs; `gate` holds it between batches. Both outlive it.
  JobRun(const JobRun& whole, const JobPart& part, BatchGate& gate);

  /// Ends the batch that ran, checks its outcomes, and begins the next; false when the run has lasted long enough.
  /// Called by the run's first thread with no task under way. A first batch shorter than the minimum is the warm-up.
  bool next_batch();

  std::uint32_t tasks() const noexcept { return static_cast<std::uint32_t>(records_.size()); }

  /// Whether a model whose first unit hands tasks to others is to wait for each task before it hands out the next.
  bool one_at_a_time() const noexcept { return batch_.one_at_a_time; }

  /// Units of a pool.
  std::uint32_t workers() const noexcept { return workers_; }
  /// Of a fiber.
  std::uint64_t stack_bytes() const noexcept { return stack_bytes_; }

  /// Whether tasks may wait for each other.
  bool shares() const noexcept { return !waiting_.empty(); }

  /// An inbox for a unit that runs tasks in a loop; null where no task waits for another. It stays the unit's.
  Inbox* take_inbox() noexcept;

  /// Task `index` starts now: its script. Any unit, once for each task of a batch. `home` is the unit's.
  Script begin(std::uint32_t index, const Home& home) {
    TaskRecord& record = records_[index];
    ++record.times_begun;
    record.started_ns = now_ns();
    Script script = job_.task(tasks_[index]);
    if (shares()) [[unlikely]]
      bind(script, index, home);
    return script;
  }

  /// Task `index` has ended now.
  void end(std::uint32_t index) noexcept { records_[index].finished_ns = now_ns(); }

  /// fail() for a task that threw; called inside the handler.
  [[noreturn]] void fail_task(std::uint32_t index) noexcept;

 private:
  // What the tasks share, and what they wait for each other with.
  struct SharedState {
    SharedState(std::size_t bytes, std::uint32_t tasks, std::uint32_t loops);
    ~SharedState();
    SharedState(const SharedState&) = delete;
    SharedState& operator=(const SharedState&) = delete;

    SharedMapping memory;
    std::size_t bytes;
    SharedArray<Waiting> waiting;
    SharedArray<Inbox> inboxes;
    SharedArray<std::atomic<std::uint32_t>> inboxes_taken{1};
  };

  void bind(Script& script, std::uint32_t index, const Home& home) noexcept;
  void begin_batch();
  void fill_scratch() noexcept;
  bool next_part();
  void finish_batch(std::int64_t end_ns);
  void check_times() noexcept;
  void record_times(JobMeasurement& measured) const noexcept;
  void record_tallies(JobMeasurement& measured) const;

  const Job& job_;
  Batch batch_;
  std::uint32_t workers_;
  std::uint64_t stack_bytes_;
  RunLength length_;
  std::optional<SharedArray<TaskRecord>> memory_;  // of the whole
  std::span<TaskRecord> records_;
  // Made once and passed by reference: a processor waits for what it stores in pieces and loads as a whole, and so it
  // would pass a Task by value.
  std::vector<Task> made_tasks_;       // of the whole
  std::span<const Task> tasks_;        // as the records
  std::optional<SharedState> shared_;  // of the whole, where tasks share something
  SharedState* shared_of_all_ = nullptr;
  std::span<Waiting> waiting_;  // as the records
  std::uint32_t first_ = 0;     // task of the whole
  std::uint32_t copy_ = 0;
  BatchGate* gate_ = nullptr;  // of a part
  std::vector<std::uint64_t> outcomes_;
  std::uint32_t batches_begun_ = 0;
  std::int64_t run_begun_ns_ = 0;
  std::int64_t batch_begun_ns_ = 0;
  TreeUsage usage_before_;
};

}  // namespace bench
