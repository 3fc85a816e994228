// `doze`: each task waits twice, half of its time each, with a switch in between.
#include "workloads/job.h"

namespace bench {
namespace {

Script task(const Task& task) {
  co_yield wait_for(task.wait() / 2);
  co_yield checkpoint();
  co_yield wait_for(task.wait() - task.wait() / 2);
  task.outcome = task.index + std::uint64_t{1};
}

std::optional<std::string> check(const Batch&, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, [](std::uint32_t index) { return index + std::uint64_t{1}; });
}

constexpr auto parameters = std::to_array<Parameter>({tasks_parameter("100"), wait_parameter("10ms")});

}  // namespace

extern constinit const Job doze_job{
    .name = "doze",
    .summary = "waits twice: each task lets half of its time pass, and then the other half",
    .parameters = parameters,
    .task = task,
    .check = check,
};

}  // namespace bench
