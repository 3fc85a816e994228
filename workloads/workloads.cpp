// The list of jobs, in the order of every report. A new job is its file and two words here.
#include <fmt/format.h>

#include <array>

#include "workloads/job.h"

namespace bench {

extern const Job cpu_job, sum_job, io_job, mixed_job, copy_job, counter_job, tickets_job, semaphore_job, deadlock_job,
    gate_job, producer_consumer_job, queue_rush_job, crawl_job, download_job, exec_job;

RowList<Job> all_jobs() {
  static constexpr std::array jobs{&cpu_job,
                                   &sum_job,
                                   &io_job,
                                   &mixed_job,
                                   &copy_job,
                                   &counter_job,
                                   &tickets_job,
                                   &semaphore_job,
                                   &deadlock_job,
                                   &gate_job,
                                   &producer_consumer_job,
                                   &queue_rush_job,
                                   &crawl_job,
                                   &download_job,
                                   &exec_job};
  return jobs;
}

Batch batch_of(const Job& job, const Parameters& parameters) {
  const std::span<const std::chrono::nanoseconds> told = parameters.durations("wait");
  return {
      .tasks = job.task_count ? job.task_count(parameters) : static_cast<std::uint32_t>(parameters.number("tasks", 1)),
      .work = parameters.number("work"),
      .waits = job.waits ? job.waits(parameters) : std::vector(told.begin(), told.end()),
      .parameters = parameters,
      .one_at_a_time = parameters.choice("submit") == "sync"};
}

std::string wrong_outcome(std::size_t index, std::uint64_t outcome, std::uint64_t expected) {
  return fmt::format("wrong outcome: task {} left {}, expected {}", index, outcome, expected);
}

}  // namespace bench
