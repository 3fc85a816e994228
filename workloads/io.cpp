// `io`: each task only waits, as for a disk or a peer.
#include "workloads/job.h"

namespace bench {
namespace {

// What a task leaves behind: its index, spread over the word so that no other task's outcome looks like it.
constexpr std::uint64_t mark(std::uint32_t index) { return (index + std::uint64_t{1}) * 0x9E37'79B9'7F4A'7C15U; }

Script task(const Task& task) {
  co_yield wait_for(task.wait());
  task.outcome = mark(task.index);
}

std::optional<std::string> check(const Batch&, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, mark);
}

constexpr auto parameters =
    std::to_array<Parameter>({tasks_parameter("100"), wait_parameter("10ms"), submit_parameter()});

}  // namespace

extern constinit const Job io_job{
    .name = "io",
    .summary = "waits: each task lets a time pass, as for a disk or a peer",
    .parameters = parameters,
    .task = task,
    .check = check,
};

}  // namespace bench
