// Why: a primitive is planned, written and printed like any other workload, but by kinds of units: which rows there
// are, who is left out and what the figures are called must be right before any is measured.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/report/report.h"
#include "harness/report/result_rows.h"
#include "tests/support/command_line.h"
#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

void nothing(PrimitiveRun& /*run*/) {}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "pipe", 0, 1, nothing},
    {"threads", "futex", 0, 1, nothing},
    {"threads", "futex", 2, 1, nothing},
    {"threads", "futex", 2, 4096, nothing},
    {"no-such-model", "futex", 0, 1, nothing},
});
constexpr Primitive plain{
    .name = "poke", .summary = "", .operation = "one poke", .measures_memory = false, .rows = rows};
constexpr auto eight_units = std::to_array<Parameter>({units_parameter("8")});
constexpr Primitive crowd{.name = "crowd",
                          .summary = "",
                          .operation = "one of many",
                          .parameters = eight_units,
                          .measures_memory = true,
                          .rows = std::span(rows).first(1)};

constexpr auto stacked_rows = std::to_array<PrimitiveRow>({
    {"threads", "futex", 0, 1, nothing},
    {"fibers", "jump", 0, 1, nothing},
});
constexpr Primitive stacked{
    .name = "nest", .summary = "", .operation = "one nest", .measures_memory = false, .rows = stacked_rows};

Machine machine_for_100_processes() {
  Machine machine;
  machine.available_memory_bytes = std::int64_t{1} << 36;
  machine.process_limits = {{.name = "a limit", .remedy = "a remedy", .room = 100}};
  return machine;
}

Plan plan_of(const Primitive& primitive, const std::vector<std::string_view>& models, bool all_models,
             const std::vector<std::string>& tasks = {}) {
  Options options;
  for (const std::string_view name : models) options.models.push_back(&model_named(name));
  options.primitives = {&primitive};
  options.all_models = all_models;
  if (!tasks.empty()) options.parameters["tasks"] = tasks;
  options.seed = 7;
  options.repetitions = 1;
  return make_plan(options, machine_for_100_processes());
}

// A run of each cell: 10 operations, of 50 ns and 40 ns of CPU.
Results results_of(const Plan& plan) {
  RunReport report{};
  report.primitive.operations = 10;
  report.primitive.wall_ns = 500;
  report.primitive.usage.cpu_ns = 400;
  report.primitive.usage.voluntary_switches = 5;
  for (std::uint32_t i = 0; i < report.primitive.memory.size(); ++i) {
    report.primitive.memory[i] = {.count = i, .user_bytes = 1000 + 4096 * i, .kernel_bytes = 8192 * i};
  }
  Results results;
  results.cells.resize(plan.cells.size());
  results.common_rates.resize(plan.groups.size());
  for (CellResult& cell : results.cells) cell.samples.push_back(make_primitive_sample(report, 0, 3, 4));
  return results;
}

TEST(PrimitivePlan, HasTheRowsOfTheModelsInTheOrderOfTheModels) {
  EXPECT_THAT(names(plan_of(plain, {"threads", "serial", "processes"}, true)),
              ElementsAre("poke/threads/via:futex/cpus:1", "poke/threads/via:futex/units:2/cpus:1",
                          "poke/threads/via:futex/units:2/cpus:4096", "poke/processes/via:pipe/cpus:1"));
}

TEST(PrimitivePlan, NamesWhoHasNoRowWhereItWasAskedFor) {
  const Plan plan = plan_of(plain, {"serial", "processes"}, false);
  ASSERT_THAT(names(plan), ElementsAre("poke/serial", "poke/processes/via:pipe/cpus:1"));
  EXPECT_THAT(plan.cells[0].skipped.value_or(""), AllOf(HasSubstr("poke"), HasSubstr("processes, threads")));
  EXPECT_FALSE(plan.cells[1].skipped);
}

TEST(PrimitivePlan, SkipsWhatNeedsMoreThanThisMachineHas) {
  const Plan plan = plan_of(plain, {"threads"}, true);
  EXPECT_FALSE(plan.cells[0].skipped);
  EXPECT_THAT(plan.cells[2].skipped.value_or(""), HasSubstr("needs 4096 CPUs"));
  EXPECT_FALSE(plan_of(crowd, {"processes"}, true, {"100"}).cells[0].skipped);
  EXPECT_THAT(plan_of(crowd, {"processes"}, true, {"101"}).cells[0].skipped.value_or(""), HasSubstr("a remedy"));
}

TEST(PrimitivePlan, TakesTasksOnlyWhereAPrimitiveIsAboutMany) {
  EXPECT_THAT(names(plan_of(crowd, {"processes"}, true)), ElementsAre("crowd/processes/via:pipe/tasks:8/cpus:1"));
  EXPECT_THAT(names(plan_of(crowd, {"processes"}, true, {"2", "3"})),
              ElementsAre("crowd/processes/via:pipe/tasks:2/cpus:1", "crowd/processes/via:pipe/tasks:3/cpus:1"));
  EXPECT_THAT(names(plan_of(plain, {"processes"}, true, {"2", "3"})), ElementsAre("poke/processes/via:pipe/cpus:1"));
}

nlohmann::ordered_json rows_of(const Plan& plan, const Results& results) {
  return result_rows(plan, results, summarize(plan, results));
}

TEST(PrimitivePlan, HasACellForEachStackOfAFiber) {
  Options options;
  options.models = {&model_named("threads"), &model_named("fibers")};
  options.primitives = {&stacked};
  options.stack_bytes = {default_stack_bytes, 16 << 10};
  const Plan plan = make_plan(options, machine_for_100_processes());
  EXPECT_THAT(names(plan), ElementsAre("nest/threads/via:futex/cpus:1", "nest/fibers/via:jump/cpus:1",
                                       "nest/fibers/via:jump/stack:16384/cpus:1"));
  EXPECT_EQ(plan.cells[1].label, "fibers · jump · 1 CPU");
  EXPECT_EQ(plan.cells[2].label, "fibers · jump · 16.0 KiB of stack · 1 CPU");
  EXPECT_EQ(plan.cells[2].stack_bytes, 16U << 10);
  EXPECT_EQ(rows_of(plan, results_of(plan))[4]["bench"]["parameters"].dump(),
            R"({"via":"jump","cpus":1,"stack_bytes":16384})");
  EXPECT_THAT(report_text(plan, results_of(plan), {}), HasSubstr("\nfibers (16.0 KiB) "));
}

TEST(PrimitivePlan, IsPrintedLikeAnyOther) {
  const std::string text = plan_text(plan_of(plain, {"serial", "processes"}, false));
  EXPECT_THAT(text, HasSubstr("poke · one poke\n"));
  EXPECT_THAT(text, HasSubstr("  poke/processes/via:pipe/cpus:1  about "));
  EXPECT_THAT(text, HasSubstr("  poke/serial  skipped: poke measures"));
  EXPECT_THAT(text, HasSubstr("2 cells, seed 7; 1 round of about "));
}

TEST(PrimitiveRows, HoldWhatAnOperationCosts) {
  const Plan plan = plan_of(crowd, {"processes"}, true);
  const auto json = rows_of(plan, results_of(plan));
  ASSERT_EQ(json.size(), 2U);  // no percentiles
  const auto& sample = json[0];
  EXPECT_EQ(sample["name"], "crowd/processes/via:pipe/tasks:8/cpus:1");
  EXPECT_EQ(sample["iterations"], 10);
  EXPECT_EQ(sample["real_time"], 50.0);
  EXPECT_EQ(sample["cpu_time"], 40.0);
  EXPECT_EQ(sample["items_per_second"], 2e7);
  EXPECT_EQ(sample["bench"]["parameters"].dump(), R"({"via":"pipe","cpus":1,"tasks":8})");
  EXPECT_EQ(sample["bench"]["voluntary_switches_per_operation"], 0.5);
  EXPECT_EQ(sample["bench"]["run_user_cpu_ns"], 3);
  EXPECT_FALSE(sample["bench"].contains("latency_histogram"));
  for (const auto& row : json) {
    EXPECT_EQ(row["bench"]["user_bytes_per_unit"], 4096.0);
    EXPECT_EQ(row["bench"]["kernel_bytes_per_unit"], 8192.0);
  }
  EXPECT_EQ(json[1]["aggregate_name"], "median");
  EXPECT_EQ(json[1]["real_time"], 50.0);
}

TEST(PrimitiveRows, HaveMemoryOnlyWhereItIsMeasured) {
  const Plan plan = plan_of(plain, {"processes"}, true);
  const Results results = results_of(plan);
  for (const auto& row : rows_of(plan, results)) EXPECT_FALSE(row["bench"].contains("user_bytes_per_unit"));
  EXPECT_THAT(report_text(plan, results, {}), Not(HasSubstr("kernel/unit  ")));
}

TEST(PrimitiveReport, IsATableOfKindsOfUnits) {
  const Plan plan = plan_of(crowd, {"processes"}, true);
  const std::string text = report_text(plan, results_of(plan), {.format = Format::markdown});
  EXPECT_THAT(text, HasSubstr("### crowd · one of many · 8 units · 1 round"));
  EXPECT_THAT(text, HasSubstr("50.0 ns"));
  EXPECT_THAT(text, HasSubstr("40.0 ns"));
  EXPECT_THAT(text, HasSubstr("0.50+0.00"));
  EXPECT_THAT(text, HasSubstr("4.00 KiB"));
  EXPECT_THAT(text, HasSubstr("8.00 KiB"));
  EXPECT_THAT(text, Not(HasSubstr("over ideal")));
}

TEST(PrimitiveReport, IsCsvToo) {
  const Plan plan = plan_of(plain, {"processes", "threads"}, true);
  const std::string text = report_csv(plan, results_of(plan));
  const std::string header = text.substr(0, text.find('\n'));
  EXPECT_THAT(header, AllOf(HasSubstr("name,workload,model,via,units,"), HasSubstr("wall_ns"), Not(HasSubstr("p50")),
                            Not(HasSubstr("over_ideal")), Not(HasSubstr("peak_memory"))));
  EXPECT_THAT(text, HasSubstr("poke/threads/via:futex/units:2/cpus:1,poke,threads,futex,2,1,1,50,50,50,40,0.5,"));
}

}  // namespace
}  // namespace bench
