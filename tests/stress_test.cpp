// Why: models are chosen for what happens at thousands of tasks, and that is where descriptors, stacks and process
// numbers run out. STRESS_TASKS tasks wait at the same time; a machine that does not allow that skips, with its limit.
#include <gtest/gtest.h>

#include "tests/faulty_tables.h"
#include "tests/test_runs.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

class Stress : public testing::TestWithParam<const Model*> {};

TEST_P(Stress, RunsThousandsOfWaitingTasksToTheEnd) {
  const Model& model = *GetParam();
  constexpr std::uint32_t tasks = STRESS_TASKS;
  constexpr std::uint32_t workers = 100;
  if (const auto limit = read_machine().why_too_many(model.unit, resolve(model.units, tasks, workers), tasks)) {
    GTEST_SKIP() << *limit;
  }
  // Long enough that most units wait at once where all can; where they cannot, short enough to end.
  const std::chrono::nanoseconds wait = model.in_flight == Count::tasks ? 1s : 100us;
  TestRuns runs({{.model = &model,
                  .workload = &workload_named("io"),
                  .parameters = {.tasks = tasks, .work = 0, .waits = {wait}},
                  .workers = workers}});
  const Ended ended = runs.run(RunKind::measure);
  ASSERT_EQ(ended.reason, "");
  EXPECT_EQ(runs.report().job.latency.count(), std::uint64_t{tasks} * runs.report().job.batches);
  EXPECT_TRUE(group_is_gone(runs.report().process_group));
  RecordProperty("units_peak", runs.report().units_peak);
}

INSTANTIATE_TEST_SUITE_P(Table, Stress, testing::ValuesIn(every(all_models())),
                         [](const auto& param) { return test_name(param.param->name); });

}  // namespace
}  // namespace bench
