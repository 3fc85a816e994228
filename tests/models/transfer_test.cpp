// Why: a model may watch a descriptor, which is the script's: one that changes it, keeps it, or takes the next of that
// number for it, hangs a script or spoils what another one does.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/short_child.h"
#include "tests/support/test_runs.h"
#include "workloads/job.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

std::optional<std::string> all_left_one(const Batch&, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, [](std::uint32_t) { return std::uint64_t{1}; });
}

constexpr Job row(std::string_view name, decltype(Job::task) task) {
  return {.name = name, .summary = "", .parameters = {}, .task = task, .check = all_left_one};
}

class Transfers : public testing::TestWithParam<const Model*> {
 protected:
  static void expect_to_end_well(const Job& job) {
    TestRuns runs({{.model = GetParam(), .job = &job, .parameters = {.tasks = 5, .work = 0, .waits = {}}}});
    const Ended ended = runs.run(RunKind::memory);
    EXPECT_EQ(ended.reason, "");
  }
};

// ---- A descriptor that is waited for ----

Script waits_for_children(Task task) {
  for (int time = 0; time < 2; ++time) {
    const int child = start_short_child();
    const int flags = fcntl(child, F_GETFL);
    const std::int64_t status = co_yield end_of(child);
    if (status != short_child_status) co_return;
    if (fcntl(child, F_GETFL) != flags) co_return;
    co_yield wait_for(100us);
    if (fcntl(child, F_GETFL) != flags) co_return;
    const std::int64_t closed = co_yield close_socket(child);
    if (closed != 0) co_return;
  }
  task.outcome = 1;
}

constexpr Job children = row("waits-for-children", waits_for_children);

TEST_P(Transfers, LeaveADescriptorAsItIs) { expect_to_end_well(children); }

INSTANTIATE_TEST_SUITE_P(Table, Transfers, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& instance) { return test_name(instance.param->name); });

}  // namespace
}  // namespace bench
