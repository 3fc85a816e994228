// A row of the table of jobs: what the harness and the models may know of a job.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "workloads/parameter.h"
#include "workloads/row_list.h"
#include "workloads/scratch.h"
#include "workloads/script.h"

namespace bench {

/// What the tasks of one batch have in common.
struct Batch {
  std::uint32_t tasks = 0;
  std::uint64_t work = 0;                       ///< Size of one task's computation; its meaning is the job's.
  std::vector<std::chrono::nanoseconds> waits;  ///< Dealt round the tasks: task i waits waits[i % size].
  Parameters parameters{};                      ///< All that the job was told, these included.
  std::byte* state = nullptr;                   ///< What the tasks share, where the job has such: Job::state_bytes.
  std::uint16_t helper_port = 0;                ///< Of the job's helper server, where it has one.
  bool one_at_a_time = false;  ///< Each task is waited for before the next one is handed out (submit_parameter).
  Scratch scratch{};           ///< The run's folder on disk: Job::needs_scratch.

  /// How long task `index` waits in all.
  std::chrono::nanoseconds wait_of(std::uint32_t index) const noexcept {
    return waits.empty() ? std::chrono::nanoseconds{0} : waits[index % waits.size()];
  }

  /// How long all of them wait.
  std::chrono::nanoseconds total_wait() const noexcept {
    std::chrono::nanoseconds total{0};
    for (std::uint32_t index = 0; index < tasks; ++index) total += wait_of(index);
    return total;
  }

  /// The state that Job::prepare has made.
  template <typename State>
  State& shared() const noexcept {
    return *std::launder(reinterpret_cast<State*>(state));
  }
};

/// Largest --tasks: at 32 bytes of record and some hundred of coroutine each, what fits a machine of today.
inline constexpr std::uint32_t max_tasks = 10'000'000;

/// How many tasks a batch has; every job has this one, or Job::task_count.
constexpr Parameter tasks_parameter(std::string_view standard) {
  return {.name = "tasks",
          .kind = ParameterKind::count,
          .standard = standard,
          .meaning = "tasks in a batch",
          .most = max_tasks,
          .title = "{} tasks",
          .title_of_one = "{} task"};
}

/// How much a task computes: `meaning` says what is counted, `most` is such that a task ends within hours.
constexpr Parameter work_parameter(std::string_view standard, std::uint64_t most, std::string_view meaning) {
  return {.name = "work",
          .kind = ParameterKind::count,
          .standard = standard,
          .meaning = meaning,
          .most = static_cast<double>(most)};
}

/// How long tasks wait.
constexpr Parameter wait_parameter(std::string_view standard) {
  constexpr double day_ns = 24 * 3600e9;
  return {.name = "wait",
          .kind = ParameterKind::durations,
          .standard = standard,
          .meaning = "how long each task waits; several times are dealt round the tasks",
          .least = 0,
          .most = day_ns,
          .key = "waits_ns"};
}

/// Whether those who hand out tasks wait for each one right after that.
constexpr Parameter submit_parameter() {
  return {.name = "submit",
          .kind = ParameterKind::choice,
          .standard = "async",
          .meaning = "hand out all tasks, then wait for them (async), or wait for each before the next (sync)",
          .choices = {"async", "sync"},
          .shown_at_standard = false};
}

/// One task of a batch, as its script sees it; outlives the script.
struct Task {
  const Batch& batch;
  std::uint32_t index;
  std::uint64_t& outcome;  ///< What the script leaves; it depends on the index, so that a stale or swapped one shows.

  std::uint32_t tasks() const noexcept { return batch.tasks; }
  std::uint64_t work() const noexcept { return batch.work; }
  std::chrono::nanoseconds wait() const noexcept { return batch.wait_of(index); }

  template <typename State>
  State& shared() const noexcept {
    return batch.shared<State>();
  }
};

/// The most things that a job may count of what happens in a batch.
inline constexpr std::size_t max_tallies = 4;

/// A job: what it can be told and its functions. All functions may be called in any process and thread.
struct Job {
  std::string_view name;
  std::string_view summary;

  /// What the job can be told, in the order of names and titles.
  std::span<const Parameter> parameters;

  /// The script of a task. It writes the task's outcome.
  Script (*task)(const Task& task);

  /// The same computation as a plain loop: no script, no checkpoints, no waits. Returns the task's outcome.
  /// Null when the job computes nothing.
  std::uint64_t (*compute)(const Batch& batch, std::uint32_t index) = nullptr;

  /// What is wrong with a batch's outcomes, judged by values that were found in another way; empty when all is right.
  std::optional<std::string> (*check)(const Batch& batch, std::span<const std::uint64_t> outcomes);

  /// What the job counts of what happened in a batch, as in "9 oversold" (in result files with underscores), in the
  /// order of reports, and the counts of a batch that is right; one for each.
  std::span<const std::string_view> tallies{};
  void (*count)(const Batch& batch, std::span<const std::uint64_t> outcomes, std::span<std::uint64_t> counts) = nullptr;

  /// What else there is to say of a batch that is right, as which tasks waited for each other; empty: nothing. Null:
  /// never anything.
  std::string (*remark)(const Batch& batch) = nullptr;

  /// About how many nanoseconds one task computes, for estimates of a plan's duration only.
  double (*estimate_ns)(const Batch& batch) = nullptr;

  /// How many checkpoints one task passes where that is what the job is about, so that the price of one can be
  /// told; null elsewhere.
  std::uint64_t (*checkpoints)(const Batch& batch) = nullptr;

  /// How many items a batch handles where they are what the job is about and not its tasks, so that their rate and the
  /// switches for each can be told. Null: its tasks are its items.
  std::uint64_t (*items)(const Batch& batch) = nullptr;

  /// How many tasks a batch has, where that follows from what the job is told. Null: as many as --tasks says.
  std::uint32_t (*task_count)(const Parameters& parameters) = nullptr;

  /// How long its tasks wait, dealt round them, where that follows from what the job is told. Null: as --wait says.
  std::vector<std::chrono::nanoseconds> (*waits)(const Parameters& parameters) = nullptr;

  /// How many bytes the tasks of a batch share, in memory made before any fork. Null: none, and no task of it waits for
  /// another.
  std::size_t (*state_bytes)(const Batch& batch) = nullptr;

  /// Makes that state anew before each batch, in `batch.state`, which is zero then and aligned for anything; nothing
  /// destroys it. In the run's first process.
  void (*prepare)(const Batch& batch) = nullptr;

  /// How many tasks have to be under way at once for a batch to end. Null: one.
  std::uint32_t (*least_in_flight)(const Batch& batch) = nullptr;

  /// The shortest time in which a batch can end however many units there are, besides its longest task: what has to
  /// happen one after another. Null: none.
  std::chrono::nanoseconds (*in_turn)(const Batch& batch) = nullptr;

  /// Whether each task lets its own share of the waits pass, so that one which ends sooner is at fault.
  bool each_waits = true;

  /// How many descriptors a task may hold at once.
  std::uint32_t descriptors_per_task = 0;
  /// Whether the job needs a folder on disk, Batch::scratch, which is the run's own and goes with it. Null: it does
  /// not.
  bool (*needs_scratch)(const Batch& batch) = nullptr;

  /// Makes what a batch finds in that folder, whatever the one before has left there; before each batch, and before
  /// compute() is first called. In the run's first process; no part of a batch's time. Throws std::exception.
  void (*fill_scratch)(const Batch& batch) = nullptr;

  /// The service that a helper serves beside the run, in a process that is no part of what is measured; empty: none.
  std::string_view helper{};
};

/// Whether a batch of the job needs a folder on disk.
inline bool needs_scratch(const Job& job, const Batch& batch) { return job.needs_scratch && job.needs_scratch(batch); }

/// The batch that a job is told by the values of its parameters.
Batch batch_of(const Job& job, const Parameters& parameters);

/// Compares each outcome with `expected(index)` and says which task is wrong first.
template <typename Expected>
std::optional<std::string> compare_outcomes(std::span<const std::uint64_t> outcomes, Expected expected);

/// Every job, in the order of every report.
RowList<Job> all_jobs();

/// The sentence that names a wrong outcome.
std::string wrong_outcome(std::size_t index, std::uint64_t outcome, std::uint64_t expected);

template <typename Expected>
std::optional<std::string> compare_outcomes(std::span<const std::uint64_t> outcomes, Expected expected) {
  for (std::size_t index = 0; index < outcomes.size(); ++index) {
    const std::uint64_t value = expected(static_cast<std::uint32_t>(index));
    if (outcomes[index] != value) return wrong_outcome(index, outcomes[index], value);
  }
  return std::nullopt;
}

}  // namespace bench
