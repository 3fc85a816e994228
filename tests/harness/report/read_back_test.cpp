// Why: an old result is shown from what its file holds; a figure that is read back otherwise than it was written would
// be believed as much.
#include "harness/report/read_back.h"

#include <gmock/gmock.h>

#include <string>

#include "harness/report/report.h"
#include "harness/report/result_file.h"
#include "harness/report/results.h"
#include "harness/text/json_place.h"
#include "tests/support/command_line.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/service_example.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string document_of(const Plan& plan, const Results& results) {
  const Options options;
  const Machine machine;
  return document_text(make_document({.options = options, .machine = machine, .plan = plan, .date = "today"}, results));
}

// What people see is the same of the plan and of its file.
void expect_same_reports(const Plan& plan, const Results& results) {
  const ReadBack back = read_back(own_tables(), document_of(plan, results), "r.json");
  for (const ReportLook& look : {ReportLook{.columns = {"all"}, .details = true},
                                 ReportLook{.format = Format::markdown}, ReportLook{.width = 80}}) {
    EXPECT_EQ(report_text(back.plan, back.results, look), report_text(plan, results, look));
  }
  EXPECT_EQ(report_csv(back.plan, back.results), report_csv(plan, results));
}

TEST(ReadBack, ShowsAServiceAsItWasShown) {
  for (const RateMode mode : {RateMode::closed, RateMode::fixed, RateMode::common}) {
    ServiceExample example({"serial", "threads", "epoll"}, mode, mode == RateMode::closed ? 0 : 2000);
    example.add_six(0, 2000, 3500, mode == RateMode::closed ? Limit::server : Limit::rate);
    example.add_six(1, 1000, 9000.125, Limit::starved);
    example.results.cells[0].memory = UnitMemory{.user_bytes = 100, .kernel_bytes = 2000};
    example.results.cells[1].samples[2].service->judgement.why_invalid = "something";
    example.results.cells[1].samples[3].service->load.errors[1] = 7;
    example.results.cells[1].samples[3].service->error_text = "wrong payload";
    example.plan.cells[2].skipped = "needs 9 descriptors";
    example.plan.cells[0].note = "does otherwise";
    expect_same_reports(example.plan, example.results);
  }
}

TEST(ReadBack, ShowsASearchedRate) {
  ServiceExample example({"serial", "epoll"}, RateMode::search, 2000);
  for (const double rate : {1900, 2000, 2000, 2000, 2000, 2100}) {
    example.add(0, rate, 3500, Limit::rate).service->knee =
        Knee{.rate = rate, .above_rate = 2200, .above_quantile_ns = 12e6, .above_why = "p99 12.0 ms", .tries = 5};
    example.add(1, rate * 2, 1500, Limit::rate).service->knee = Knee{.rate = rate * 2,
                                                                     .below_rate = 100,
                                                                     .below_quantile_ns = 3,
                                                                     .tries = 4,
                                                                     .requests = 9,
                                                                     .why_not_found = "the generator was the limit"};
  }
  expect_same_reports(example.plan, example.results);
}

TEST(ReadBack, ShowsALoadOnAServerOfSomebodyElse) {
  for (const pid_t pid : {-1, 42}) {
    ServiceExample example({"epoll"}, RateMode::fixed, 2000);
    const Model server{.name = "server",
                       .summary = {},
                       .aliases = {},
                       .unit = UnitKind::process,
                       .units = HowMany::one,
                       .in_flight = HowMany::tasks,
                       .run = nullptr};
    example.plan.cells[0].model = &server;
    example.plan.cells[0].label = "127.0.0.1:80";
    example.plan.groups[0].foreign.emplace();
    example.plan.groups[0].foreign->pid = pid;
    example.plan.groups[0].foreign->target.text = "127.0.0.1:80";
    example.add_six(0, 2000, 3500, Limit::latency);
    for (Sample& sample : example.results.cells[0].samples) sample.units_peak = 0;  // they are not ours to count
    expect_same_reports(example.plan, example.results);
  }
}

TEST(ReadBack, ShowsAJob) {
  Plan plan;
  Results results;
  Group& group = plan.groups.emplace_back();
  group.job = &job_named("io");
  tell(group, {{"tasks", {"7"}}, {"wait", {"10ms:20ms"}}});
  group.batch = batch_of(*group.job, group.parameters);
  group.cpus = 2;
  group.title = "io · 7 tasks";
  for (const char* model : {"serial", "thread-pool"}) {
    group.cells.push_back(plan.cells.size());
    Cell& cell = plan.cells.emplace_back();
    cell.model = &model_named(model);
    cell.name = std::string("io/") + model + "/tasks:7";
    cell.label = model;
    CellResult& result = results.cells.emplace_back();
    result.peak_memory_bytes = 12'345'678;
    for (std::uint32_t round = 0; round < 8; ++round) {
      Sample& sample = result.samples.emplace_back();
      sample.round = round;
      sample.batches = 3;
      sample.wall_ns = (cell.model->name == "serial" ? 70e6 : 20e6) + round * 1e5;
      sample.cpu_ns = 1e6 / 3;
      sample.voluntary_switches = 7.5;
      sample.units_peak = 3;
      sample.latency_ns = {1e6, 2e6, 3e6, 4e6};
    }
  }
  plan.cells[1].shows_workers = true;
  plan.cells[1].workers = 3;
  plan.cells[1].label = "thread-pool (3)";
  results.cells[1].failure = "it died late";
  expect_same_reports(plan, results);
}

TEST(ReadBack, ShowsWhatAJobHasCounted) {
  Plan plan;
  Results results;
  Group& group = plan.groups.emplace_back();
  group.job = &job_named("deadlock");
  tell(group, {});
  group.cpus = 2;
  group.title = "deadlock";
  group.cells = {0};
  Cell& cell = plan.cells.emplace_back();
  cell.model = &model_named("threads");
  cell.name = "deadlock/threads/tasks:10";
  cell.label = "threads";
  Sample& sample = results.cells.emplace_back().samples.emplace_back();
  sample.batches = 1;
  sample.wall_ns = 70e6;
  sample.units_peak = 3;
  sample.tallies = {2, 17};
  sample.remark = "task 0 waits for lock B";
  expect_same_reports(plan, results);
}

Plan plan_of(const std::vector<std::string>& arguments) { return make_plan(parse(arguments), read_machine()); }

// A group that nobody ran has no row to tell its parameters, and may be the first of a sweep.
TEST(ReadBack, KnowsTheParametersOfAGroupWithoutRows) {
  for (const char* rate : {"--rate=200", "--rate=common", ""}) {
    std::vector<std::string> arguments{"--model=epoll", "--workload=echo", "--connections=7,10", "--pipeline=3"};
    if (*rate) arguments.emplace_back(rate);
    Plan plan = plan_of(arguments);
    plan.cells[0].skipped = "needs 9 descriptors";
    Results results;
    results.cells.resize(plan.cells.size());
    results.common_rates.resize(plan.groups.size());
    expect_same_reports(plan, results);
  }
}

TEST(ReadBack, KnowsHybrids) {
  const Plan plan = plan_of({"--model=threads+serial,processes+fibers", "--workload=io", "--workers=2"});
  Results results;
  results.cells.resize(plan.cells.size());
  for (CellResult& cell : results.cells) cell.failure = "it died";
  const ReadBack back = read_back(own_tables(), document_of(plan, results), "r.json");
  ASSERT_EQ(back.plan.cells.size(), plan.cells.size());
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    EXPECT_EQ(back.plan.cells[cell].model, plan.cells[cell].model);
  }
  EXPECT_EQ(report_csv(back.plan, back.results), report_csv(plan, results));
}

// The best that the machine was found at does not depend on what of the file is shown.
TEST(ReadBack, KnowsTheMachineFromAllRuns) {
  const Plan plan = plan_of({"--model=serial", "--workload=cpu,io"});
  Results results;
  results.cells.resize(2);
  for (std::size_t cell = 0; cell < 2; ++cell) {
    for (std::uint32_t round = 0; round < 8; ++round) {
      Sample& sample = results.cells[cell].samples.emplace_back();
      sample.round = round;
      sample.batches = 1;
      sample.wall_ns = sample.cpu_ns = 1e6;
      const double trip_ns = cell == 0 ? 100 : 200;
      sample.surroundings.before = {
          .line_trip_ns = trip_ns, .spin_ns = trip_ns, .system_call_ns = trip_ns, .loopback_ns = trip_ns};
      sample.surroundings.after = sample.surroundings.before;
    }
  }
  const std::string text = document_of(plan, results);
  const auto best_ns = [&](const std::vector<std::string>& workloads) {
    return best_readings(read_back(own_tables(), text, "r.json", workloads).results).spin_ns;
  };
  EXPECT_EQ(best_ns({}), 100);
  EXPECT_EQ(best_ns({"cpu"}), 100);
  EXPECT_EQ(best_ns({"io"}), 100);
}

TEST(ReadBack, SaysWhatItDoesNotKnow) {
  const auto why = [](const std::string& text) -> std::string {
    try {
      read_back(own_tables(), text, "r.json");
    } catch (const ResultError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(why("{"), HasSubstr("r.json: is no JSON"));
  EXPECT_THAT(why("\x1F\x8B\x08"), HasSubstr("r.json: is compressed; hand in what `gzip -dc` makes of it"));
  EXPECT_THAT(why("{}"), HasSubstr("r.json"));
  ServiceExample example({"epoll"});
  example.add_six(0, 2000, 3500, Limit::server);
  std::string text = document_of(example.plan, example.results);
  const auto with = [&](const std::string& was, const std::string& is) {
    std::string changed = text;
    changed.replace(changed.find(was, changed.find("\"schema_version\"")), was.size(), is);
    return changed;
  };
  EXPECT_THAT(why(with("\"schema_version\": 2", "\"schema_version\": 99")), HasSubstr("schema 99 is newer"));
  EXPECT_THAT(why(with("\"workload\": \"echo\",\n     \"kind\"", "\"workload\": \"later\",\n     \"kind\"")),
              AllOf(HasSubstr("/workload"), HasSubstr("no workload 'later'")));
  EXPECT_THAT(why(with("\"limit\": \"server\"", "\"limit\": \"moon\"")), HasSubstr("there is no limit 'moon'"));
}

}  // namespace
}  // namespace bench
