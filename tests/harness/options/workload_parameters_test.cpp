// Why: a parameter is one row in its workload's file and nothing else; so a job that only tests know, with parameters
// that no other file has heard of, must be had by its flags and be seen wherever parameters are.
#include "harness/options/workload_parameters.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/app/list.h"
#include "harness/options/flags.h"
#include "harness/plan/plan.h"
#include "harness/report/report.h"
#include "harness/report/result_rows.h"
#include "harness/text/parameters.h"
#include "tests/support/command_line.h"
#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The table of jobs has one that only tests know.
Tables tables_with_told() {
  return {.models = all_models(), .jobs = faulty_jobs(), .services = all_services(), .primitives = all_primitives()};
}

std::vector<std::string> of_told(const std::vector<std::string>& arguments) {
  std::vector<std::string> whole{"--model=serial", "--workload=told"};
  whole.insert(whole.end(), arguments.begin(), arguments.end());
  return whole;
}

Options parse_told(const std::vector<std::string>& arguments) { return parse(of_told(arguments), tables_with_told()); }

std::string refusal_of_told(const std::vector<std::string>& arguments) {
  return refusal(of_told(arguments), tables_with_told());
}

Plan plan_of_told(const std::vector<std::string>& arguments) {
  return make_plan(parse_told(arguments), read_machine());
}

// A run of each cell, in ten milliseconds.
Results results_of(const Plan& plan) {
  Results results;
  results.cells.resize(plan.cells.size());
  results.common_rates.resize(plan.groups.size());
  for (CellResult& cell : results.cells) {
    Sample sample;
    sample.batches = 1;
    sample.wall_ns = 1e7;
    cell.samples.push_back(sample);
  }
  return results;
}

TEST(OwnParameters, HaveFlagsWhoseCommasMakeCells) {
  EXPECT_THAT(names(plan_of_told({"--tasks=1,2", "--queue-order=lifo,fifo,lifo", "--capacity=4"})),
              ElementsAre("told/serial/tasks:1/order:lifo/capacity:4", "told/serial/tasks:1/order:fifo/capacity:4",
                          "told/serial/tasks:2/order:lifo/capacity:4", "told/serial/tasks:2/order:fifo/capacity:4"));
}

TEST(OwnParameters, HaveDefaults) {
  EXPECT_THAT(names(plan_of_told({})), ElementsAre("told/serial/tasks:10/order:fifo/capacity:8"));
  EXPECT_THAT(names(plan_of_told({"--reads=100%,50%"})),
              ElementsAre("told/serial/tasks:10/order:fifo/capacity:8",
                          "told/serial/tasks:10/order:fifo/capacity:8/reads:50%"));
}

TEST(OwnParameters, ReachTheTasks) {
  const Plan plan = plan_of_told({"--queue-order=priority", "--capacity=3", "--reads=25%"});
  const Batch& batch = plan.groups.front().batch;
  EXPECT_EQ(batch.tasks, 10U);
  EXPECT_EQ(batch.parameters.choice("queue-order"), "priority");
  EXPECT_EQ(batch.parameters.number("capacity"), 3U);
  EXPECT_EQ(batch.parameters.real("reads"), 0.25);
}

TEST(OwnParameters, StandInTitles) {
  EXPECT_THAT(plan_of_told({"--capacity=1"}).groups.front().title,
              HasSubstr("told · 10 tasks · order fifo · 1 places · "));
}

TEST(OwnParameters, StandInResultFiles) {
  const Plan plan = plan_of_told({"--queue-order=lifo", "--reads=50%", "--cpus=1"});
  const Results results = results_of(plan);
  const auto rows = result_rows(plan, results, summarize(plan, results));
  EXPECT_EQ(rows[0]["bench"]["parameters"].dump(),
            R"({"tasks":10,"queue_order":"lifo","capacity":8,"reads_percent":50.0,"cpus":1})");
}

TEST(OwnParameters, HaveColumnsInCsvBesideThoseOfOthers) {
  Options options = parse_told({"--capacity=2"});
  options.jobs.push_back(&job_named("io"));
  const Plan plan = make_plan(options, read_machine());
  const std::string text = report_csv(plan, results_of(plan));
  EXPECT_THAT(text,
              HasSubstr("name,workload,model,tasks,queue_order,capacity,reads_percent,waits_ns,submit,cpus,workers,"));
  EXPECT_THAT(text, HasSubstr("/capacity:2,told,serial,10,fifo,2,100,"));
  EXPECT_THAT(text, HasSubstr("/wait:10ms,io,serial,100,,,,10000000,"));
}

TEST(OwnParameters, StandInHelpAndList) {
  const std::string help = help_text(tables_with_told(), Command::run);
  EXPECT_THAT(help, HasSubstr("\n  --queue-order=fifo|lifo|priority\n"
                              "                      which item is taken first (default: told fifo)\n"));
  EXPECT_THAT(help, HasSubstr("\n  --capacity=N        places of the queue, 1 to 64 (default: told 8)\n"));
  EXPECT_THAT(help,
              HasSubstr("\n  --reads=PERCENT     share of the tasks that read, 25% to 100% (default: told 100%)\n"));
  EXPECT_THAT(help_text(tables_with_told(), Command::serve), Not(HasSubstr("--capacity")));
  EXPECT_THAT(list_text(tables_with_told()),
              HasSubstr("default: --tasks=10 --queue-order=fifo --capacity=8 --reads=100%\n"));
}

TEST(OwnParameters, AreRefusedWithTheFlagTheValueAndWhatIsAllowed) {
  EXPECT_EQ(refusal_of_told({"--capacity=65"}), "--capacity=65: must be between 1 and 64 for told");
  EXPECT_EQ(refusal_of_told({"--capacity=4,0"}), "--capacity=0: must be between 1 and 64 for told");
  EXPECT_THAT(refusal_of_told({"--capacity=few"}), AllOf(HasSubstr("--capacity=few: "), HasSubstr("whole number")));
  EXPECT_EQ(refusal_of_told({"--queue-order=ffio"}),
            "--queue-order=ffio: allowed for told are fifo, lifo, priority; did you mean 'fifo'?");
  EXPECT_EQ(refusal_of_told({"--reads=20%"}), "--reads=20%: must be between 25% and 100% for told");
  EXPECT_EQ(refusal_of_told({"--capacity=1", "--capacity=2"}),
            "--capacity is given more than once; join the values with a comma");
  EXPECT_EQ(refusal_of_told({"--capcity=1"}), "unknown option '--capcity'; did you mean '--capacity'?");
}

TEST(OwnParameters, AreRefusedWhereNothingChosenTakesThem) {
  std::vector<const char*> arguments{"bench", "--workload=quick", "--capacity=4"};
  const auto parse_quick = [&] {
    parse_options(tables_with_told(), static_cast<int>(arguments.size()), arguments.data());
  };
  EXPECT_THAT(parse_quick,
              testing::ThrowsMessage<UsageError>("--capacity: none of the chosen workloads takes it; told does"));
  arguments = {"bench", "serve", "--model=epoll", "--workload=echo", "--capacity=4"};
  EXPECT_THAT(parse_quick,
              testing::ThrowsMessage<UsageError>("--capacity: `bench serve` does not take it; `bench run` does"));
}

// What every row has to keep to, since all of them share flags, columns and keys.
TEST(EveryParameter, HasAStandardWithinItsBoundsAndAgreesWithItsNamesakes) {
  const std::vector<WorkloadParameters> workloads = every_workload(own_tables());
  std::vector<const Parameter*> seen;
  for (const WorkloadParameters& workload : workloads) {
    for (const Parameter& row : workload.parameters) {
      EXPECT_NO_THROW(parse_parameter(row, row.standard, workload.name)) << workload.name << " --" << row.name;
      EXPECT_FALSE(row.meaning.empty()) << workload.name << " --" << row.name;
      EXPECT_EQ(std::ranges::count(workload.parameters, row.name, &Parameter::name), 1);
      const auto namesake = std::ranges::find(seen, row.name, [](const Parameter* other) { return other->name; });
      if (namesake == seen.end()) {
        seen.push_back(&row);
        continue;
      }
      EXPECT_EQ((*namesake)->kind, row.kind) << row.name;
      EXPECT_EQ(key_of(**namesake), key_of(row)) << row.name;
    }
  }
  for (const Job& job : all_jobs()) {
    if (job.task_count) continue;
    EXPECT_EQ(job.parameters.front().name, "tasks") << job.name;
  }
}

TEST(EveryParameter, HasANameThatNoFlagOfTheProgramHas) {
  static constexpr auto taken = std::to_array<Parameter>({{.name = "seed", .standard = "1", .meaning = ""}});
  Job job = job_named("quick");
  job.parameters = taken;
  const std::vector<const Job*> jobs{&job};
  EXPECT_THAT([&] { all_flags({.models = {}, .jobs = jobs, .services = {}}); },
              testing::ThrowsMessage<std::logic_error>("quick: --seed is a flag of the program"));
}

}  // namespace
}  // namespace bench
