// Why: what a stranger sees of a plan is this text; it has to fit the place where it is shown, and leave out nothing
// that changes what is to be believed.
#include "harness/report/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/report/pivot.h"
#include "harness/text/split.h"
#include "tests/support/service_example.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t columns_of(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(line, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  for (const std::string& line : split(text, '\n')) widest = std::max(widest, columns_of(line));
  return widest;
}

std::string first_line_with(const std::string& text, std::string_view word) {
  for (const std::string& line : split(text, '\n')) {
    if (line.find(word) != std::string::npos) return line;
  }
  return "";
}

// A job under two models with these times for each of several numbers of tasks.
struct Sweep {
  Sweep() {
    for (const char* tasks : {"10", "100"}) {
      Group& group = plan.groups.emplace_back();
      group.job = &job_named("io");
      tell(group, {{"tasks", {tasks}}});
      group.cpus = 2;
      group.title = fmt::format("io · {} tasks · 2 CPUs", tasks);
      for (const char* model : {"serial", "threads"}) {
        group.cells.push_back(plan.cells.size());
        Cell& cell = plan.cells.emplace_back();
        cell.group = plan.groups.size() - 1;
        cell.model = &model_named(model);
        cell.name = fmt::format("io/{}/tasks:{}", model, tasks);
        cell.label = model;
        results.cells.emplace_back();
      }
    }
  }

  void add_eight(std::size_t cell, double wall_ns) {
    for (std::uint32_t round = 0; round < 8; ++round) {
      Sample& sample = results.cells[cell].samples.emplace_back();
      sample.round = round;
      sample.batches = 1;
      sample.wall_ns = wall_ns;
    }
  }

  std::string text(const ReportLook& look = {}) const { return report_text(plan, results, look); }

  Plan plan;
  Results results;
};

TEST(Pivot, SplitsTitlesIntoWhatTheyShareAndWhatTheyDoNot) {
  const SplitTitles split = split_titles({"io · 10 tasks · wait 1ms · 2 CPUs", "io · 10 tasks · wait 5ms · 2 CPUs"});
  EXPECT_EQ(split.common, "io · 10 tasks · 2 CPUs");
  EXPECT_THAT(split.own, ElementsAre("wait 1ms", "wait 5ms"));
  EXPECT_THAT(split_titles({"a · 1 · x", "a · 2 · y"}).own, ElementsAre("1\nx", "2\ny"));
  EXPECT_THAT(split_titles({"a", "a · pipeline 10"}).own, ElementsAre("as usual", "pipeline 10"));
}

TEST(Pivot, IsOneTableOfModelsByWhatWasSwept) {
  Sweep sweep;
  sweep.add_eight(0, 100e6);
  sweep.add_eight(1, 20e6);
  sweep.add_eight(2, 1000e6);
  sweep.results.cells[3].failure = "it died";
  EXPECT_THAT(sweep.text(), HasSubstr("io · 2 CPUs · time of a batch\n"
                                      "\n"
                                      "model    10 tasks  100 tasks\n"
                                      "serial    100 ms     1.00 s\n"
                                      "threads  20.0 ms*         -\n"));
  EXPECT_THAT(sweep.text(), AllOf(HasSubstr("  failed: it died: threads (100 tasks)\n"),
                                  HasSubstr("10 tasks: Best: threads; next is serial, 5.00× as long.\n"),
                                  Not(HasSubstr("speed-up"))));
}

TEST(Pivot, IsFollowedByTheTablesOfItsPointsWhereTheyAreAskedFor) {
  Sweep sweep;
  sweep.add_eight(0, 100e6);
  sweep.add_eight(1, 20e6);
  EXPECT_THAT(sweep.text({.details = true}), AllOf(HasSubstr("time of a batch\n"),
                                                   HasSubstr("io · 10 tasks · 2 CPUs · ideal"), HasSubstr("speed-up")));
}

TEST(Pivot, SaysOnceWhatIsSoInSeveralColumns) {
  Sweep sweep;
  for (const std::size_t group : {0U, 2U}) {
    sweep.add_eight(group, 100e6);
    sweep.add_eight(group + 1, 20e6);
  }
  EXPECT_THAT(sweep.text(), HasSubstr("10 tasks, 100 tasks: Best: threads; next is serial, 5.00× as long.\n"));
}

TEST(Pivot, GivesWayToTheColumnsThatAreAskedFor) {
  Sweep sweep;
  sweep.add_eight(0, 100e6);
  sweep.add_eight(2, 1000e6);
  const std::string text = sweep.text({.columns = {"p99"}});
  EXPECT_THAT(text, AllOf(Not(HasSubstr("time of a batch")), HasSubstr("io · 10 tasks · 2 CPUs · ideal"),
                          HasSubstr("io · 100 tasks · 2 CPUs · ideal")));
  EXPECT_THAT(first_line_with(text, "model "), AllOf(HasSubstr("p99"), Not(HasSubstr("speed-up"))));
}

TEST(Report, LeavesOutAllColumnsWhereNothingRan) {
  Sweep sweep;
  sweep.plan.groups.pop_back();
  sweep.plan.cells[0].skipped = "too many tasks";
  sweep.results.cells[1].failure = "it died";
  EXPECT_THAT(sweep.text(), AllOf(HasSubstr("\nmodel\nserial   skipped: too many tasks\nthreads  failed: it died\n"),
                                  Not(HasSubstr("over ideal"))));
  EXPECT_THAT(sweep.text({.format = Format::markdown}), HasSubstr("why not |\n"));
}

TEST(Pivot, WarnsOfOtherProcessesOnce) {
  Sweep sweep;
  for (std::size_t cell = 0; cell < 4; ++cell) {
    sweep.add_eight(cell, 100e6);
    for (Sample& sample : sweep.results.cells[cell].samples) sample.surroundings.others_busy = cell < 2 ? 0.2 : 0.45;
  }
  EXPECT_THAT(sweep.text(), HasSubstr("\nWarning: other processes used 20 to 45% of the CPUs, which"));
  EXPECT_THAT(sweep.text(), Not(HasSubstr("used 45%")));
}

TEST(Pivot, ShowsWhatWasCounted) {
  Sweep sweep;
  for (std::size_t cell = 0; cell < 4; ++cell) sweep.add_eight(cell, 100e6);
  for (Group& group : sweep.plan.groups) group.job = &job_named("deadlock");
  for (CellResult& result : sweep.results.cells) {
    for (Sample& sample : result.samples) sample.tallies = {1, 23};
  }
  for (Sample& sample : sweep.results.cells[1].samples) sample.remark = "task 0 waits for lock B";
  EXPECT_THAT(sweep.text(), AllOf(HasSubstr("counted in a batch"), HasSubstr("1 deadlocks, 23 retries"),
                                  HasSubstr("10 tasks, threads: task 0 waits for lock B.")));
}

TEST(Pivot, IsCutIntoTablesThatFit) {
  Sweep sweep;
  for (std::size_t cell = 0; cell < 4; ++cell) sweep.add_eight(cell, 100e6);
  const std::string text = sweep.text({.width = 25});
  EXPECT_LE(widest_line(text.substr(0, text.find("*: best"))), 25U);
  EXPECT_THAT(text, AllOf(HasSubstr("\nmodel    10 tasks\n"), HasSubstr("\nmodel    100 tasks\n")));
}

TEST(Pivot, PutsFiguresThatDoNotCompareInBrackets) {
  ServiceExample example({"serial", "epoll"}, RateMode::fixed, 2000);
  for (int round = 0; round < 8; ++round) {
    example.add(0, 100, 9000, Limit::starved);
    example.add(1, 2000, 3500, Limit::rate);
  }
  example.plan.groups.push_back(example.plan.groups.front());
  example.plan.groups[0].title = "echo · 4 connections";
  example.plan.groups[1].title = "echo · 8 connections";
  example.plan.groups[1].cells.clear();
  const std::string text = report_text(example.plan, example.results, {});
  EXPECT_THAT(text, AllOf(HasSubstr("serial      (9.00 µs)             -\nepoll        3.50 µs              -\n"),
                          HasSubstr("epoll"), HasSubstr("( ): not ranked")));
}

TEST(ReportColumns, FitTheTerminalAndNameWhatFoundNoRoom) {
  ServiceExample example({"serial", "epoll"}, RateMode::fixed, 2000);
  for (std::size_t cell : {0U, 1U}) example.add_six(cell, 2000, 3500, Limit::rate);
  const std::string wide = report_text(example.plan, example.results, {});
  EXPECT_THAT(wide, AllOf(HasSubstr("switches"), Not(HasSubstr("No room for"))));
  const std::string narrow = report_text(example.plan, example.results, {.width = 80});
  EXPECT_LE(widest_line(narrow), 80U);
  EXPECT_THAT(first_line_with(narrow, "model "),
              AllOf(HasSubstr("CPU/request"), HasSubstr("limit"), Not(HasSubstr("switches"))));
  EXPECT_THAT(narrow, HasSubstr("(No room for: switches"));
}

TEST(ReportColumns, AreThoseThatAreAskedFor) {
  ServiceExample example({"serial"}, RateMode::fixed, 2000);
  example.add_six(0, 2000, 3500, Limit::rate);
  const std::string text = report_text(example.plan, example.results, {.columns = {"p99", "over-ideal"}});
  EXPECT_THAT(text, HasSubstr("\np99: latency"));  // the legend is that of the columns that are shown
  EXPECT_THAT(text, AllOf(HasSubstr(";\nover ideal: multiple"), Not(HasSubstr("rate/s: ")), Not(HasSubstr("p50"))));
  EXPECT_EQ(first_line_with(text, "model "), "model       p99  over ideal");
  EXPECT_NO_THROW(check_columns(example.plan, {"RATE/S", "over-ideal"}));
  EXPECT_NO_THROW(check_columns(example.plan, {"all"}));
  EXPECT_THROW(check_columns(example.plan, {"all", "p99"}), UsageError);
  EXPECT_THROW(check_columns(example.plan, {"speed-up"}), UsageError);
}

// No model has a speed-up where there is no serial loop to hold it against.
TEST(ReportColumns, AreLeftOutWhereTheySayNothing) {
  Sweep sweep;
  sweep.plan.groups.pop_back();
  sweep.plan.groups[0].cells = {1};
  sweep.add_eight(1, 20e6);
  EXPECT_THAT(first_line_with(sweep.text(), "model "), AllOf(HasSubstr("over ideal"), Not(HasSubstr("speed-up"))));
  EXPECT_THAT(first_line_with(sweep.text({.columns = {"all"}}), "model "), HasSubstr("speed-up"));
}

TEST(Report, SaysThatAnIntervalIsTooWideToUse) {
  Sweep sweep;
  sweep.plan.groups.pop_back();
  for (int round = 0; round < 8; ++round) {
    sweep.add_eight(0, 10e6);
    for (Sample& sample : sweep.results.cells[0].samples) sample.wall_ns = sample.round < 5 ? 10e6 : 345e6;
    sweep.results.cells[0].samples.resize(8);
  }
  EXPECT_THAT(sweep.text(), HasSubstr("10.0 ms to 345 ms, too noisy to use"));
  for (Sample& sample : sweep.results.cells[0].samples) sample.wall_ns = 10e6 + (sample.round % 2 == 0 ? 3e6 : -3e6);
  EXPECT_THAT(sweep.text(), HasSubstr("±30.0%")) << "as wide as 0.6 of the median";
  for (Sample& sample : sweep.results.cells[0].samples) sample.wall_ns = 10e6 + (sample.round % 2 == 0 ? 6e6 : -6e6);
  EXPECT_THAT(sweep.text(), HasSubstr("4.00 ms to 16.0 ms, too noisy to use")) << "1.2 of it, 0.6 to either side";
}

// How many CPUs it could use is not known.
TEST(Report, SaysWhatTheShareOfAServerOfSomebodyElseIsOf) {
  ServiceExample example({"epoll"}, RateMode::fixed, 2000);
  example.add_six(0, 2000, 3500, Limit::latency);
  for (Sample& sample : example.results.cells[0].samples) sample.service->server_busy = 1.3;
  EXPECT_THAT(report_text(example.plan, example.results, {}),
              AllOf(HasSubstr("130% "), Not(HasSubstr("of one CPU")), HasSubstr("more CPUs than its model")));
  example.plan.groups[0].foreign.emplace();
  example.plan.groups[0].foreign->pid = 42;
  EXPECT_THAT(report_text(example.plan, example.results, {}),
              AllOf(HasSubstr("130% of one CPU"), Not(HasSubstr("more CPUs than its model"))));
}

// One right behind a table would be a row of it.
TEST(Report, KeepsMarkdownTablesApartFromWhatFollows) {
  ServiceExample example({"serial"}, RateMode::fixed, 2000);
  example.add_six(0, 2000, 3500, Limit::rate);
  example.plan.cells[0].note = "does otherwise";
  const std::string text = report_text(example.plan, example.results, {.format = Format::markdown});
  EXPECT_THAT(text, HasSubstr("|\n\n- serial  here it does otherwise\n"));
}

// Two of four connections starve: what would serve them is said.
TEST(Report, NamesTheCureOfAPoolThatStarves) {
  ServiceExample example({"thread-pool"}, RateMode::fixed, 2000);
  example.add_six(0, 1000, 3500, Limit::starved);
  example.plan.cells[0].workers = 2;
  for (Sample& sample : example.results.cells[0].samples) sample.service->load.active_served = 2;
  EXPECT_THAT(report_text(example.plan, example.results, {}),
              HasSubstr("each of its 2 workers keeps one connection; --workers=4 serves all"));
}

TEST(Report, SaysHowManyWorkersAreEnough) {
  Sweep sweep;
  sweep.plan.groups.pop_back();
  std::vector<std::size_t>& cells = sweep.plan.groups[0].cells;
  cells.clear();
  sweep.plan.cells.clear();
  sweep.results.cells.clear();
  const auto add = [&](std::uint32_t workers, double wall_ns) {
    cells.push_back(sweep.plan.cells.size());
    Cell& cell = sweep.plan.cells.emplace_back();
    cell.model = &model_named("thread-pool");
    cell.workers = workers;
    cell.shows_workers = true;
    cell.label = fmt::format("thread-pool ({})", workers);
    sweep.results.cells.emplace_back();
    sweep.add_eight(cells.back(), wall_ns);
  };
  add(50, 12e6);
  add(100, 10e6);
  add(200, 10e6);
  EXPECT_THAT(sweep.text(), HasSubstr("thread-pool: 100 workers are enough; 50 take 20% longer; more gain nothing."));
  for (Sample& sample : sweep.results.cells[0].samples) sample.wall_ns = 19e6;
  EXPECT_THAT(sweep.text(),
              HasSubstr("thread-pool: 100 workers are enough; 50 take 1.9 times as long; more gain nothing."));
}

}  // namespace
}  // namespace bench
