// Why: a primitive that loses an operation, or leaves a unit behind, measures something other than it says. Every row
// of the primitive table runs here in a process of its own, for a short time and for no figure; then rows of our own
// that are wrong.
#include "primitives/primitive.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "harness/run/launcher.h"
#include "measure/primitive_run.h"
#include "measure/usage.h"
#include "primitives/partners.h"
#include "tests/support/test_runs.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

// Few, so that idle processes fit into any limit; of the primitives that are about many.
constexpr std::uint32_t few = 8;

Plan plan_of(std::vector<const Primitive*> primitives) {
  Options options;
  for (const Model& model : all_models()) options.models.push_back(&model);
  options.primitives = std::move(primitives);
  options.all_models = true;
  options.parameters["tasks"] = {std::to_string(few)};
  return make_plan(options, read_machine());
}

// Runs one cell of a plan. Forks, so the calling process must have one thread.
class PrimitiveRuns {
 public:
  explicit PrimitiveRuns(Plan plan) : plan_(std::move(plan)), launcher_(plan_) {}

  std::string run(std::uint32_t cell) {
    const RunRequest request{.cell = cell,
                             .duration_ns = std::chrono::nanoseconds(2ms).count(),
                             .time_limit_ns = std::chrono::nanoseconds(generous).count()};
    outcome_ = launcher_.run(request, [] { return Wish::all; });
    return failure_reason(outcome_, launcher_.report(), request);
  }

  const RunReport& report() const { return launcher_.report(); }
  const RunOutcome& outcome() const { return outcome_; }

 private:
  Plan plan_;
  Launcher launcher_;
  RunOutcome outcome_;
};

// ---- Every row of the table ----

const Plan& whole_plan() {
  static const Plan plan = plan_of(every(all_primitives()));
  return plan;
}

class EveryRow : public testing::TestWithParam<std::uint32_t> {};

TEST_P(EveryRow, MeasuresAndLeavesNothingBehind) {
  const Cell& cell = whole_plan().cells[GetParam()];
  if (cell.skipped) GTEST_SKIP() << *cell.skipped;
  PrimitiveRuns runs(whole_plan());
  ASSERT_EQ(runs.run(GetParam()), "");
  EXPECT_EQ(runs.outcome().left_behind, 0U);
  EXPECT_EQ(runs.report().units_alive, 0);
  const PrimitiveMeasurement& measured = runs.report().primitive;
  EXPECT_GT(measured.operations, 0U);
  EXPECT_GT(measured.wall_ns, 0);
  EXPECT_GT(measured.usage.cpu_ns, 0);
  const Primitive& primitive = *whole_plan().group_of(cell).primitive;
  if (primitive.measures_memory) {
    EXPECT_EQ(runs.report().units_peak, static_cast<std::int32_t>(few)) << "counted, while their memory was read";
    EXPECT_EQ(measured.memory.back().count, few);
    EXPECT_EQ(measured.memory[1].count, few / 4);
  }
  // Nothing goes from one process or thread to another that sleeps without the kernel.
  const bool kernel_switches = cell.model->unit == UnitKind::process || cell.model->unit == UnitKind::thread;
  if (primitive.name == "switch" && kernel_switches) {
    EXPECT_GT(measured.usage.voluntary_switches, 0);
  }
  EXPECT_TRUE(group_is_gone(runs.report().process_group));
}

INSTANTIATE_TEST_SUITE_P(Primitives, EveryRow,
                         testing::Range(0U, static_cast<std::uint32_t>(whole_plan().cells.size())),
                         [](const auto& test) {
                           std::string name = whole_plan().cells[test.param].name;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '/' || c == ':' || c == '-'; }, '_');
                           return name;
                         });

TEST(PrimitiveTable, HasOnlyModelsAndNamesEachRowOnce) {
  std::vector<std::string> names;
  for (const Cell& cell : whole_plan().cells) names.push_back(cell.name);
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  std::size_t rows = 0;
  for (const Primitive& primitive : all_primitives()) rows += primitive.rows.size();
  EXPECT_EQ(names.size(), rows) << "a row is of a model that there is not";
}

// ---- Rows that are wrong ----

void lose_one(PrimitiveRun& run) {
  std::uint64_t done = 0;
  run.time([&](std::uint64_t count) {
    done += count;
    return count;
  });
  run.expect_equal(done - 1, done, "items arrived");
}

void measure_nothing(PrimitiveRun& /*run*/) {}

void leave_a_child(PrimitiveRun& run) {
  run.time([](std::uint64_t count) { return count; });
  if (fork() == 0) {
    while (true) pause();
  }
}

void count_its_own(PrimitiveRun& run) {
  run.time([](std::uint64_t count) { return 3 * count; });
}

void time_its_own(PrimitiveRun& run) {
  run.time_parts([](std::uint64_t count) { return static_cast<std::int64_t>(count) * 1000; });
}

// Waits for a partner that never answers, since somebody has killed it.
void lose_a_partner(PrimitiveRun& run) {
  Partners partners(run, Sharing::processes);
  partners.start(1, [] { kill(getpid(), SIGKILL); });
  while (true) pause();
}

constexpr auto wrong_rows = std::to_array<PrimitiveRow>({
    {"serial", "lose-one", 0, 1, lose_one},
    {"serial", "measure-nothing", 0, 1, measure_nothing},
    {"serial", "leave-a-child", 0, 1, leave_a_child},
    {"serial", "count-its-own", 0, 1, count_its_own},
    {"serial", "time-its-own", 0, 1, time_its_own},
    {"serial", "lose-a-partner", 0, 1, lose_a_partner},
});
constexpr Primitive wrong{
    .name = "wrong", .summary = "", .operation = "", .measures_memory = false, .rows = wrong_rows};

TEST(Primitive, FailsWhenACountIsWrong) {
  PrimitiveRuns runs(plan_of({&wrong}));
  EXPECT_THAT(runs.run(0), HasSubstr("wrong count: "));
}

TEST(Primitive, FailsWhenNothingWasMeasured) {
  PrimitiveRuns runs(plan_of({&wrong}));
  EXPECT_THAT(runs.run(1), HasSubstr("measured nothing"));
}

TEST(Primitive, FailsWhenAUnitIsLeft) {
  PrimitiveRuns runs(plan_of({&wrong}));
  EXPECT_THAT(runs.run(2), HasSubstr("left 1 processes behind"));
}

TEST(Primitive, FailsAtOnceWhenAPartnerIsKilled) {
  PrimitiveRuns runs(plan_of({&wrong}));
  EXPECT_THAT(runs.run(5), HasSubstr("was killed by signal 9"));
  EXPECT_FALSE(runs.outcome().timed_out);
}

TEST(Primitive, CountsWhatTheBodySaysItDid) {
  PrimitiveRuns runs(plan_of({&wrong}));
  ASSERT_EQ(runs.run(3), "");
  EXPECT_EQ(runs.report().primitive.operations % 3, 0U);
}

TEST(Primitive, TimesThePartsThatTheBodyNames) {
  PrimitiveRuns runs(plan_of({&wrong}));
  ASSERT_EQ(runs.run(4), "");
  const PrimitiveMeasurement& measured = runs.report().primitive;
  EXPECT_NEAR(measured.wall_ns / static_cast<double>(measured.operations), 1000, 1);
}

}  // namespace
}  // namespace bench
