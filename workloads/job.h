// A row of the table of jobs: what the harness and the models may know of a job.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/row_list.h"
#include "workloads/script.h"

namespace bench {

/// The sizes of one job: a batch of independent tasks.
struct JobParameters {
  std::uint32_t tasks = 0;
  std::uint64_t work = 0;                       ///< Size of one task's computation; its meaning is the job's.
  std::vector<std::chrono::nanoseconds> waits;  ///< Dealt round the tasks: task i waits waits[i % size].

  /// How long task `index` waits in all.
  std::chrono::nanoseconds wait_of(std::uint32_t index) const noexcept {
    return waits.empty() ? std::chrono::nanoseconds{0} : waits[index % waits.size()];
  }
};

/// A job: its sizes by default and its functions. All functions may be called in any process and thread.
struct Job {
  std::string_view name;
  std::string_view summary;

  std::uint32_t default_tasks;
  std::uint64_t default_work = 0;            ///< 0: the job computes nothing and takes no --work.
  std::uint64_t max_work = 0;                ///< The largest --work, so that a task ends within hours.
  std::string_view work_meaning = {};        ///< What --work counts, for the help text.
  std::chrono::nanoseconds default_wait{0};  ///< 0: the job waits for nothing and takes no --wait.

  /// The script of task `index`. It writes the task's outcome, which depends on the index, so that a stale one shows.
  Script (*task)(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome);

  /// The same computation as a plain loop: no script, no checkpoints, no waits. Returns the task's outcome.
  /// Null when the job computes nothing.
  std::uint64_t (*compute)(const JobParameters& parameters, std::uint32_t index) = nullptr;

  /// What is wrong with a batch's outcomes, judged by values that were found in another way; empty when all is right.
  std::optional<std::string> (*check)(const JobParameters& parameters, std::span<const std::uint64_t> outcomes);

  /// About how many nanoseconds one task computes, for estimates of a plan's duration only.
  double (*estimate_ns)(const JobParameters& parameters) = nullptr;

  /// How many checkpoints one task passes where that is what the job is about, so that the price of one can be
  /// told; null elsewhere.
  std::uint64_t (*checkpoints)(const JobParameters& parameters) = nullptr;
};

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
