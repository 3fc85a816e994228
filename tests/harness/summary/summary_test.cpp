// Why: what a reader concludes is computed here, so every figure is held against one worked out by hand, from samples
// that were made up for it.
#include "harness/summary/summary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "harness/report/report.h"
#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr double ms = 1e6;

// A plan of one group and what its runs have left.
class Example {
 public:
  Example(std::string_view workload, const std::vector<std::string_view>& models, Batch parameters,
          std::uint32_t cpus = 2) {
    Group& group = plan.groups.emplace_back();
    group.job = &job_named(workload);
    group.batch = std::move(parameters);
    group.cpus = cpus;
    group.title = "example";
    for (const std::string_view model : models) {
      group.cells.push_back(plan.cells.size());
      Cell& cell = plan.cells.emplace_back();
      cell.model = &model_named(model);
      cell.name = cell.label = model;
    }
    results.cells.resize(plan.cells.size());
  }

  // One sample for each round, in order.
  void walls_ns(std::size_t cell, const std::vector<double>& walls, const std::vector<double>& computes = {}) {
    for (std::uint32_t round = 0; round < walls.size(); ++round) {
      Sample sample;
      sample.round = round;
      sample.batches = 1;
      sample.wall_ns = walls[round];
      sample.cpu_ns = walls[round];
      if (!computes.empty()) sample.ideal_cpu_ns = computes[round];
      results.cells[cell].samples.push_back(sample);
    }
  }

  // A reading before each round and one after the last.
  void rulers(const std::vector<Ruler>& readings) {
    for (std::uint32_t round = 0; round < readings.size(); ++round) {
      if (round + 1 == readings.size()) break;
      results.rulers.push_back({.workload = 0, .round = round, .after = false, .ruler = readings[round]});
      results.rulers.push_back({.workload = 0, .round = round, .after = true, .ruler = readings[round + 1]});
    }
  }

  GroupSummary summary() const { return summarize(plan, results).front(); }

  Plan plan;
  Results results;
};

Example io_example(const std::vector<std::string_view>& models) {
  return {"io", models, {.tasks = 4, .work = 0, .waits = {10ms}}};
}

std::vector<double> times(std::size_t count, double value) { return std::vector<double>(count, value); }

constexpr Ruler usual{.line_trip_ns = 100, .spin_ns = 4000, .system_call_ns = 90};
constexpr Ruler slow{.line_trip_ns = 500, .spin_ns = 8000, .system_call_ns = 200};

TEST(Summary, GivesTheMedianOfTheRunsAndItsInterval) {
  Example example = io_example({"serial"});
  example.walls_ns(0, {25, 90, 23, 31, 21, 28, 35, 24, 29, 26});
  const CellSummary row = example.summary().cells.front();
  EXPECT_EQ(row.wall_ns.median, 27);
  EXPECT_EQ(row.wall_ns.low, 23);
  EXPECT_EQ(row.wall_ns.high, 35);
  EXPECT_TRUE(row.wall_ns.bounded);
}

TEST(Summary, TakesMediansOfPercentilesNotAverages) {
  Example example = io_example({"serial"});
  example.walls_ns(0, {1, 1, 1});
  const double p99s[] = {10, 1000, 30};
  for (std::size_t i = 0; i < 3; ++i) example.results.cells[0].samples[i].latency_ns[Shown::p99] = p99s[i];
  EXPECT_EQ(example.summary().cells.front().latency_ns[Shown::p99].median, 30);
}

TEST(Summary, AddsUpUserAndSystemTimeOverRuns) {
  Example example = io_example({"serial"});
  example.walls_ns(0, {1, 1});
  example.results.cells[0].samples[0].run_user_ns = 10;
  example.results.cells[0].samples[1].run_user_ns = 20;
  example.results.cells[0].samples[1].run_system_ns = 10;
  EXPECT_DOUBLE_EQ(example.summary().cells.front().user_share, 0.75);
}

TEST(Summary, LeavesOutCellsWithoutSamples) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(1, {10 * ms});
  const GroupSummary summary = example.summary();
  ASSERT_EQ(summary.cells.size(), 1U);
  EXPECT_EQ(summary.cells[0].cell, 1U);
  EXPECT_FALSE(summary.cells[0].speedup);  // serial has nothing to compare with
  EXPECT_EQ(io_example({"serial"}).summary().ideal_ns, 0);
}

// ---- The ideal ----

double ideal_of(std::vector<std::chrono::nanoseconds> waits, std::uint32_t tasks, double compute_ns,
                std::uint32_t cpus = 2) {
  Group group;
  group.batch = {.tasks = tasks, .work = 0, .waits = std::move(waits)};
  group.cpus = cpus;
  group.job = &job_named("io");
  return ideal_ns(group, compute_ns);
}

TEST(Ideal, IsTheLongestWaitThatIsDealt) {
  EXPECT_EQ(ideal_of({10ms}, 100, 0), 10 * ms);
  EXPECT_EQ(ideal_of({10ms, 30ms, 20ms}, 100, 0), 30 * ms);
  EXPECT_EQ(ideal_of({10ms, 20ms, 90ms}, 2, 0), 20 * ms);  // no task gets the third
}

TEST(Ideal, SpreadsComputationOverTheCpusButNotATask) {
  EXPECT_EQ(ideal_of({}, 64, 64 * ms), 32 * ms);
  EXPECT_EQ(ideal_of({}, 64, 64 * ms, 1), 64 * ms);
  EXPECT_EQ(ideal_of({}, 1, 64 * ms), 64 * ms);
  EXPECT_EQ(ideal_of({}, 3, 9 * ms, 8), 3 * ms);
}

TEST(Ideal, IsTheLongerOfTheLongestTaskAndAllComputation) {
  EXPECT_EQ(ideal_of({5ms}, 10, 10 * ms), 6 * ms);     // 5 + 1 against 10 / 2
  EXPECT_EQ(ideal_of({5ms}, 100, 100 * ms), 50 * ms);  // 5 + 1 against 100 / 2
}

TEST(Ideal, SpreadsComputationOverNoMoreThanTheQuota) {
  Example example("cpu", {"serial"}, {.tasks = 8, .work = 1, .waits = {}});
  Group& group = example.plan.groups[0];
  group.quota_cpus = 0.5;
  EXPECT_DOUBLE_EQ(ideal_ns(group, 80 * ms), 160 * ms);
  group.quota_cpus = 16;
  EXPECT_DOUBLE_EQ(ideal_ns(group, 80 * ms), 40 * ms);
}

TEST(Summary, WarnsOnceOfAQuotaThatStoppedRuns) {
  Example example = io_example({"serial", "threads"});
  example.plan.cpu_quota = CpuQuota{.cpus = 1, .remedy = "echo max > cpu.max"};
  for (const std::size_t cell : {0U, 1U}) example.walls_ns(cell, times(6, 10 * ms));
  EXPECT_THAT(example.summary().warnings, Not(Contains(HasSubstr("quota"))));
  for (const std::size_t round : {1U, 3U, 4U})
    example.results.cells[1].samples[round].throttling = {.times = 2, .ns = 9};
  EXPECT_THAT(example.summary().warnings, Contains(AllOf(HasSubstr("the CPU quota throttled 3 of 12 runs of 2 cells"),
                                                         HasSubstr("lift it with: echo max > cpu.max"))));
}

TEST(Summary, HoldsEachRunAgainstItsOwnIdeal) {
  Example example("cpu", {"serial"}, {.tasks = 64, .work = 8000, .waits = {}});
  // The machine slows down from run to run, and the plain loop with it: always 1.5 times the ideal of compute / 2.
  example.walls_ns(0, {75 * ms, 150 * ms, 300 * ms, 600 * ms, 1200 * ms, 2400 * ms},
                   {100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms});
  const GroupSummary summary = example.summary();
  ASSERT_TRUE(summary.cells[0].over_ideal);
  EXPECT_NEAR(summary.cells[0].over_ideal->effect, 1.5, 1e-9);
  EXPECT_NEAR(summary.cells[0].over_ideal->low, 1.5, 1e-9);
  EXPECT_NEAR(summary.cells[0].over_ideal->high, 1.5, 1e-9);
  EXPECT_EQ(summary.ideal_ns, 300 * ms);  // median of 50, 100, 200, 400, 800, 1600
  EXPECT_EQ(summary.compute_ns.value().median, 600 * ms);
}

// ---- Ratios ----

TEST(Summary, TakesTheSpeedUpWithinRoundsSoThatDriftCancels) {
  Example example = io_example({"serial", "threads"});
  std::vector<double> serial;
  std::vector<double> threads;
  for (int round = 0; round < 8; ++round) {
    const double drift = std::exp(0.3 * round);  // the machine slows down by a factor of eight
    serial.push_back(40 * ms * drift);
    threads.push_back(16 * ms * drift);
  }
  serial.resize(6);  // serial has no samples of the last rounds: its median alone would look too good
  example.walls_ns(0, serial);
  example.walls_ns(1, threads);
  const GroupSummary summary = example.summary();
  EXPECT_NEAR(summary.cells[1].speedup.value().effect, 2.5, 1e-9);
  EXPECT_NEAR(summary.cells[1].speedup.value().low, 2.5, 1e-9);
  EXPECT_EQ(summary.cells[1].speedup.value().pairs, 6U);
  EXPECT_NEAR(summary.cells[0].speedup.value().effect, 1, 1e-9);
}

TEST(Summary, TakesTheSpeedUpAtTheSpeedThatEachRunFound) {
  Example example("cpu", {"serial", "threads"}, {.tasks = 64, .work = 8000, .waits = {}});
  // Within each round the machine runs at another speed for the second run than for the first; the plain loops tell.
  example.walls_ns(0, times(6, 100 * ms), times(6, 100 * ms));
  example.walls_ns(1, times(6, 150 * ms), times(6, 300 * ms));
  EXPECT_NEAR(example.summary().cells[1].speedup.value().effect, 2, 1e-9);
}

TEST(Summary, TakesRatiosInSteadyRoundsWhereThereAreEnough) {
  Example example = io_example({"serial", "threads"});
  // Six steady rounds with a ratio of 4, and two during which the machine changed.
  example.walls_ns(0, {40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms});
  example.walls_ns(1, {10 * ms, 10 * ms, 10 * ms, 10 * ms, 10 * ms, 10 * ms, 80 * ms, 80 * ms});
  example.rulers({usual, usual, usual, usual, usual, usual, usual, slow, usual});
  const Ratio speedup = example.summary().cells[1].speedup.value();
  EXPECT_EQ(speedup.pairs, 6U);
  EXPECT_NEAR(speedup.low, 4, 1e-9);
  // One steady round fewer, and all eight count.
  example.results.rulers[1].ruler = slow;
  EXPECT_EQ(example.summary().cells[1].speedup.value().pairs, 8U);
}

TEST(Summary, PricesACheckpointByTheCpuTimeBeyondThePlainLoop) {
  Example example("sum", {"coroutines"}, {.tasks = 10, .work = 1000, .waits = {}});
  // 10 tasks of 1,000 checkpoints: 50,000 ns more are 5 ns each.
  example.walls_ns(0, {250'000, 260'000, 350'000}, {200'000, 200'000, 200'000});
  const CellSummary row = example.summary().cells.front();
  EXPECT_DOUBLE_EQ(row.checkpoint_ns.value().median, 6);
  EXPECT_DOUBLE_EQ(row.checkpoint_ns.value().low, 5);
  EXPECT_DOUBLE_EQ(row.checkpoint_ns.value().high, 15);
}

TEST(Summary, PricesCheckpointsOnlyWhereTheWorkloadIsAboutThem) {
  Example example("cpu", {"coroutines"}, {.tasks = 10, .work = 1000, .waits = {}});
  example.walls_ns(0, {250'000}, {200'000});
  EXPECT_FALSE(example.summary().cells.front().checkpoint_ns);
}

// ---- The verdict ----

TEST(Verdict, NamesTheBestAndTheNext) {
  Example example = io_example({"serial", "threads", "coroutines"});
  example.walls_ns(0, times(6, 40 * ms));
  example.walls_ns(1, times(6, 15 * ms));
  example.walls_ns(2, times(6, 10 * ms));
  EXPECT_EQ(example.summary().verdict, "Best: coroutines; next is threads, 1.50× as long.");
}

TEST(Verdict, NamesAllThatTheDataCannotTellApart) {
  Example example = io_example({"serial", "threads", "coroutines"});
  example.walls_ns(0, times(6, 40 * ms));
  example.walls_ns(1, {10 * ms, 11 * ms, 10 * ms, 11 * ms, 10 * ms, 11 * ms});
  example.walls_ns(2, {11 * ms, 10 * ms, 11 * ms, 10 * ms, 11 * ms, 10.1 * ms});
  EXPECT_EQ(example.summary().verdict,
            "Best: threads, coroutines (the data cannot tell them apart); next is serial, 3.81× as long.");
}

TEST(Verdict, ClaimsNothingFromFewerThanSixRounds) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, times(5, 40 * ms));
  example.walls_ns(1, times(5, 10 * ms));
  const GroupSummary summary = example.summary();
  EXPECT_EQ(summary.verdict, "Shortest: threads, but fewer than 6 rounds cannot tell models apart.");
  EXPECT_THAT(summary.warnings, ElementsAre(HasSubstr("--repetitions=6")));
}

TEST(Verdict, NeedsTwoModels) {
  Example example = io_example({"serial"});
  example.walls_ns(0, times(6, 40 * ms));
  EXPECT_THAT(example.summary().verdict, IsEmpty());
}

TEST(Verdict, NeverRanksACellThatHasFailed) {
  Example example = io_example({"serial", "threads", "coroutines"});
  example.walls_ns(0, times(6, 40 * ms));
  example.walls_ns(1, times(6, 20 * ms));
  example.walls_ns(2, times(6, 10 * ms));
  example.results.cells[2].failure = "wrong outcome";
  EXPECT_EQ(example.summary().verdict, "Best: threads; next is serial, 2.00× as long.");
  example.results.cells[1].failure = "wrong outcome";
  EXPECT_THAT(example.summary().verdict, IsEmpty());
}

// ---- Regimes ----

TEST(Regimes, FollowTheRulersBeforeAndAfterARound) {
  Results results;
  for (std::uint32_t round = 0; const Ruler& ruler : {usual, slow, slow}) {
    results.rulers.push_back({.workload = 1, .round = round++, .after = false, .ruler = ruler});
  }
  for (std::uint32_t round = 0; const Ruler& ruler : {usual, usual}) {
    results.rulers.push_back({.workload = 1, .round = round++, .after = true, .ruler = ruler});
  }
  EXPECT_THAT(regimes_of(results, 1, 3),
              ElementsAre(Regime::usual, Regime::changing, Regime::unknown));  // the last has no reading after it
  EXPECT_THAT(regimes_of(results, 0, 2), ElementsAre(Regime::unknown, Regime::unknown));
}

TEST(Regimes, MeasureSlownessAgainstTheBestOfThePlan) {
  Results results;
  for (const bool after : {false, true}) {
    results.rulers.push_back({.workload = 0, .round = 0, .after = after, .ruler = slow});
  }
  EXPECT_THAT(regimes_of(results, 0, 1), ElementsAre(Regime::usual));
  results.rulers.push_back({.workload = 1, .round = 0, .after = false, .ruler = usual});
  EXPECT_THAT(regimes_of(results, 0, 1), ElementsAre(Regime::slow));
}

TEST(Regimes, AllowTheSpreadOfAQuietMachineAndMissingProbes) {
  const auto regime = [](const Ruler& before, const Ruler& after) {
    Results results;
    results.rulers.push_back({.workload = 0, .round = 0, .after = false, .ruler = before});
    results.rulers.push_back({.workload = 0, .round = 0, .after = true, .ruler = after});
    return regimes_of(results, 0, 1).front();
  };
  EXPECT_EQ(regime({.line_trip_ns = 100, .spin_ns = 4000}, {.line_trip_ns = 199, .spin_ns = 4900}), Regime::usual);
  EXPECT_EQ(regime({.line_trip_ns = 100, .spin_ns = 4000}, {.line_trip_ns = 100, .spin_ns = 5100}), Regime::changing);
  EXPECT_EQ(regime({.line_trip_ns = 100, .spin_ns = 4000}, {.line_trip_ns = 210, .spin_ns = 4000}), Regime::changing);
  EXPECT_EQ(regime({.line_trip_ns = 0, .spin_ns = 4000}, {.line_trip_ns = 0, .spin_ns = 4000}), Regime::usual);
}

TEST(Summary, WarnsWhenACellMixesRegimes) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, times(6, 40 * ms));
  example.walls_ns(1, times(6, 10 * ms));
  example.rulers({usual, usual, usual, slow, slow, slow, slow});
  const GroupSummary summary = example.summary();
  EXPECT_THAT(summary.warnings, ElementsAre(AllOf(HasSubstr("2 of 2 cells mix"),
                                                  HasSubstr("2 usual, 3 slow, 1 changing"), HasSubstr("quieter"))));
  EXPECT_THAT(summary.cells[0].regimes, AllOf(Contains(Pair(Regime::usual, 2U)), Contains(Pair(Regime::slow, 3U)),
                                              Contains(Pair(Regime::changing, 1U))));
}

TEST(Summary, DoesNotWarnOfRegimesWithoutAMixture) {
  Example example = io_example({"serial"});
  example.walls_ns(0, times(6, 40 * ms));
  EXPECT_THAT(example.summary().warnings, IsEmpty());  // all unknown
  example.rulers({usual, usual, usual, usual, usual, usual, usual});
  EXPECT_THAT(example.summary().warnings, IsEmpty());
  example.results.rulers.pop_back();  // as when a plan is interrupted: the last round's regime is not known
  EXPECT_THAT(example.summary().warnings, IsEmpty());
}

// ---- What people read of it ----

TEST(ReportText, ShowsEveryCellWithItsFiguresOrItsReason) {
  Example example = io_example({"serial", "threads", "coroutines", "epoll"});
  example.walls_ns(0, times(6, 40 * ms));
  example.results.cells[0].peak_memory_bytes = 3 << 20;
  example.results.cells[1].failure = "task 2 threw: deliberate";
  example.plan.cells[2].skipped = "needs more";
  const std::string text = report_text(example.plan, example.results, Format::console, false);
  EXPECT_THAT(text, HasSubstr("example · ideal 10.0 ms · 6 rounds\n"));
  EXPECT_THAT(text, HasSubstr("serial      40.0 ms  ±0.0%       4.00×     1.00×"));
  EXPECT_THAT(text, HasSubstr("3.00 MiB"));
  EXPECT_THAT(text, HasSubstr("threads     failed: task 2 threw: deliberate\n"));
  EXPECT_THAT(text, HasSubstr("coroutines  skipped: needs more\n"));
  EXPECT_THAT(text, HasSubstr("epoll       not run\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(report_text(example.plan, example.results, Format::console, true), HasSubstr("\x1b[1mmodel"));
  EXPECT_THAT(report_text(example.plan, example.results, Format::markdown, false), HasSubstr("| serial | 40.0 ms |"));
}

TEST(ReportText, SaysWhenItWasInterrupted) {
  Example example = io_example({"serial"});
  example.walls_ns(0, {40 * ms});
  EXPECT_THAT(report_text(example.plan, example.results, Format::console, false), Not(HasSubstr("interrupted")));
  example.results.interrupted = true;
  EXPECT_THAT(report_text(example.plan, example.results, Format::console, false), HasSubstr("1 round, interrupted\n"));
}

}  // namespace
}  // namespace bench
