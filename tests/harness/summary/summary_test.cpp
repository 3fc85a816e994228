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
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

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

  // What surrounded the runs of each round.
  void surround(const std::vector<Surroundings>& rounds) {
    for (CellResult& cell : results.cells) {
      for (Sample& sample : cell.samples) sample.surroundings = rounds[sample.round];
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

constexpr Ruler at_best{.line_trip_ns = 100, .spin_ns = 4000, .system_call_ns = 90};
constexpr Ruler at_worst{.line_trip_ns = 500, .spin_ns = 8000, .system_call_ns = 200};
constexpr Surroundings usual{.before = at_best, .after = at_best};
constexpr Surroundings slow{.before = at_worst, .after = at_worst};
constexpr Surroundings changing{.before = at_best, .after = at_worst};

TEST(Summary, GivesTheMedianOfTheRunsAndItsInterval) {
  Example example = io_example({"serial"});
  example.walls_ns(0, {25e6, 90e6, 23e6, 31e6, 21e6, 28e6, 35e6, 24e6, 29e6, 26e6});
  const CellSummary row = example.summary().cells.front();
  EXPECT_EQ(row.wall_ns.median, 27e6);
  EXPECT_EQ(row.wall_ns.low, 23e6);
  EXPECT_EQ(row.wall_ns.high, 35e6);
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

TEST(Summary, TakesRatiosWhereTheMachineWasAtItsBestIfThatIsEnough) {
  Example example = io_example({"serial", "threads"});
  // Six rounds at its best with a ratio of 4, and two during which the machine changed.
  example.walls_ns(0, {40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms});
  example.walls_ns(1, {10 * ms, 10 * ms, 10 * ms, 10 * ms, 10 * ms, 10 * ms, 80 * ms, 80 * ms});
  example.surround({usual, usual, usual, usual, usual, usual, changing, changing});
  const Ratio speedup = example.summary().cells[1].speedup.value();
  EXPECT_EQ(speedup.pairs, 6U);
  EXPECT_NEAR(speedup.low, 4, 1e-9);
  // One run outside of it more, of either cell, and all eight pairs count.
  example.results.cells[0].samples[2].surroundings = slow;
  EXPECT_EQ(example.summary().cells[1].speedup.value().pairs, 8U);
}

// ---- Which runs count ----

TEST(Summary, RestsOnTheRunsThatFoundTheMachineAtItsBest) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, {40 * ms, 41 * ms, 42 * ms, 43 * ms, 44 * ms, 45 * ms, 90 * ms, 95 * ms});
  example.walls_ns(1, {10 * ms, 11 * ms, 12 * ms, 13 * ms, 14 * ms, 15 * ms, 16 * ms, 50 * ms});
  example.surround({usual, usual, usual, usual, usual, usual, slow, slow});
  example.results.cells[1].samples[6].surroundings = usual;
  const GroupSummary summary = example.summary();
  EXPECT_EQ(summary.regime, Regime::usual);
  EXPECT_EQ(summary.cells[0].wall_ns.median, 42.5 * ms);
  EXPECT_EQ(summary.cells[1].wall_ns.median, 13 * ms);
  EXPECT_THAT(summary.cells[0].runs.used, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(summary.cells[0].runs.elsewhere, 2U);
  EXPECT_EQ(summary.cells[1].runs.elsewhere, 1U);
  EXPECT_THAT(summary.warnings, IsEmpty());
  EXPECT_THAT(report_text(example.plan, example.results, {}),
              HasSubstr("8 rounds, of each cell the 6 to 7 runs that found the machine at its best\n"));
}

// The commonest one, where the best was too rare.
TEST(Summary, RestsOnRunsInTheSlowRegimeWhereThoseAreSurer) {
  Example example = io_example({"serial"});
  std::vector<double> walls;
  std::vector<Surroundings> rounds;
  for (int round = 0; round < 24; ++round) {
    const bool is_slow = round % 4 != 0;
    walls.push_back((is_slow ? 60 : 40) * ms + round * 0.1 * ms * (is_slow ? 1 : 10));
    rounds.push_back(is_slow ? slow : usual);
  }
  example.walls_ns(0, walls);
  example.surround(rounds);
  const GroupSummary summary = example.summary();
  EXPECT_EQ(summary.regime, Regime::slow);
  EXPECT_THAT(summary.cells[0].runs.used, testing::SizeIs(18));
  EXPECT_EQ(summary.cells[0].runs.elsewhere, 6U);
  EXPECT_THAT(summary.warnings, IsEmpty());
  EXPECT_THAT(report_text(example.plan, example.results, {}),
              HasSubstr("24 rounds, of each cell the 18 runs that found the machine in its slow regime\n"));
}

TEST(Summary, PoolsAllRunsWhereACellHasTooFewAtTheBest) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, times(6, 40 * ms));
  example.walls_ns(1, times(6, 10 * ms));
  example.surround({usual, usual, slow, slow, slow, changing});
  const GroupSummary summary = example.summary();
  EXPECT_FALSE(summary.regime);
  EXPECT_THAT(summary.cells[0].runs.used, testing::SizeIs(6));
  EXPECT_THAT(summary.warnings, ElementsAre("the machine's speed changed; the order rests on neighbouring runs"));
  EXPECT_EQ(summary.verdict, "Best: threads; next is serial, 4.00× as long.");
}

// The regime is nothing to them: fewer runs would only make the median less sure. Where it makes a difference, it is
// the other way round.
TEST(Summary, PoolsAllRunsWhereThoseAtTheBestScatterAsMuch) {
  for (const double slower : {1.0, 1.5}) {
    Example example = io_example({"serial"});
    std::vector<double> walls;
    std::vector<Surroundings> rounds;
    for (int round = 0; round < 24; ++round) {
      const bool is_slow = round % 5 > 1;
      walls.push_back((40 + round % 4) * ms * (is_slow ? slower : 1));
      rounds.push_back(is_slow ? slow : usual);
    }
    example.walls_ns(0, walls);
    example.surround(rounds);
    const GroupSummary summary = example.summary();
    EXPECT_EQ(summary.regime.has_value(), slower > 1) << slower;
    EXPECT_EQ(summary.cells[0].runs.used.size(), summary.regime ? 10U : 24U) << slower;
    EXPECT_NEAR(widest_half_width(example.plan, example.results, 0, {0}), summary.cells[0].wall_ns.half_width(), 1e-9);
  }
}

TEST(Summary, WarnsOfRegimesOnlyWhereTheyChangeWhatToBelieve) {
  Example example = io_example({"serial"});
  example.walls_ns(0, times(6, 40 * ms));
  EXPECT_THAT(example.summary().warnings, IsEmpty());  // all unknown
  example.surround({usual, usual, usual, usual, usual, slow});
  EXPECT_THAT(example.summary().warnings, IsEmpty());  // one of six
  example.surround({usual, usual, usual, usual, slow, slow});
  EXPECT_THAT(example.summary().warnings, testing::SizeIs(1));
}

TEST(Summary, LeavesOutRunsThatMayNotBeBelievedButNotTheirRow) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, {40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 900, 900});
  example.walls_ns(1, times(8, 10 * ms));
  const GroupSummary summary = example.summary();
  const RunsUsed& runs = summary.cells[0].runs;
  EXPECT_TRUE(runs.valid());
  EXPECT_EQ(runs.invalid, 2U);
  EXPECT_THAT(runs.why_invalid, HasSubstr("a batch takes 900 ns"));
  EXPECT_THAT(runs.used, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(summary.cells[0].wall_ns.median, 40 * ms);
  EXPECT_EQ(summary.verdict, "Best: threads; next is serial, 4.00× as long.");
  EXPECT_THAT(report_text(example.plan, example.results, {}),
              AllOf(HasSubstr("  Left out (a batch takes 900 ns"), HasSubstr("serial (2 of 8 runs)\n")));
}

TEST(Summary, RanksNoRowMostOfWhoseRunsAreInvalid) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, {900, 900, 900, 900, 40 * ms, 40 * ms});
  example.walls_ns(1, times(6, 10 * ms));
  const GroupSummary summary = example.summary();
  EXPECT_FALSE(summary.cells[0].runs.valid());
  EXPECT_THAT(summary.verdict, IsEmpty());
  EXPECT_EQ(summary.ranking.unranked.front().cell, 0U);
  EXPECT_THAT(report_text(example.plan, example.results, {}), HasSubstr("  Invalid (a batch"));
}

TEST(Summary, NeverCallsABestUnqualifiedBesideBusyNeighbours) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, times(6, 40 * ms));
  example.walls_ns(1, times(6, 10 * ms));
  example.surround(std::vector(6, Surroundings{.before = at_best, .after = at_best, .others_busy = 0.5}));
  const GroupSummary summary = example.summary();
  EXPECT_THAT(summary.verdict, testing::StartsWith("Best beside the other processes: threads"));
  EXPECT_THAT(summary.warnings, testing::Contains(HasSubstr("other processes used 50% of the CPUs")));
}

// ---- What a checkpoint costs ----

TEST(Summary, PricesACheckpointByTheCpuTimeBeyondThePlainLoop) {
  Example example("sum", {"coroutines"}, {.tasks = 10, .work = 1000, .waits = {}});
  // 10 tasks of 1,000 checkpoints: 50,000 ns more are 5 ns each.
  example.walls_ns(0, {250'000, 260'000, 350'000}, {200'000, 200'000, 200'000});
  const CellSummary row = example.summary().cells.front();
  EXPECT_DOUBLE_EQ(row.checkpoint_ns.value().median, 6);
  EXPECT_DOUBLE_EQ(row.checkpoint_ns.value().low, 5);
  EXPECT_DOUBLE_EQ(row.checkpoint_ns.value().high, 15);
}

TEST(Summary, PricesNoCheckpointOfBatchesTooShortToBeBelieved) {
  Example example("sum", {"serial"}, {.tasks = 1, .work = 1, .waits = {}});
  // The process's CPU time has the reading of clocks in it, many times as long as the one addition.
  example.walls_ns(0, {230, 240, 250}, {1600, 1600, 1600});
  const CellSummary row = example.summary().cells.front();
  EXPECT_FALSE(row.runs.valid());
  EXPECT_FALSE(row.checkpoint_ns);
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

TEST(Verdict, SaysSmallDifferencesAsWhatTheyAdd) {
  Example example = io_example({"threads", "coroutines"});
  example.walls_ns(0, times(8, 10.04 * ms));
  example.walls_ns(1, times(8, 10 * ms));
  EXPECT_EQ(example.summary().verdict, "Best: coroutines; next is threads, 0.4% longer.");
}

TEST(Verdict, NamesNoWinnerWhereTheDataTellsNothingApart) {
  Example example = io_example({"serial", "threads", "coroutines"});
  const std::vector<double> times{10 * ms, 11 * ms, 10 * ms, 11 * ms, 10 * ms, 11 * ms};
  example.walls_ns(0, times);
  example.walls_ns(1, {11 * ms, 10 * ms, 11 * ms, 10 * ms, 11 * ms, 10.1 * ms});
  example.walls_ns(2, times);
  EXPECT_EQ(example.summary().verdict, "No winner: the data cannot tell any of the 3 apart.");
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

TEST(Verdict, OfOneModelSaysHowFarItIsFromTheIdeal) {
  Example example = io_example({"serial"});
  example.walls_ns(0, times(6, 40 * ms));
  EXPECT_EQ(example.summary().verdict, "serial takes 40.0 ms, 4.0 times the shortest time possible.");
  example.results.cells[0].samples.clear();
  example.walls_ns(0, times(6, 11 * ms));
  EXPECT_EQ(example.summary().verdict, "serial takes 11.0 ms, 10% more than the shortest time possible.");
  for (Sample& sample : example.results.cells[0].samples) sample.surroundings.others_busy = 0.5;
  EXPECT_EQ(example.summary().verdict,
            "serial takes 11.0 ms, 10% more than the shortest time possible, beside other processes, which used 50% of "
            "its CPUs.");
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

TEST(Regimes, FollowTheReadingsBeforeAndAfterARun) {
  EXPECT_EQ(regime_of(usual, at_best, &Ruler::spin_ns), Regime::usual);
  EXPECT_EQ(regime_of(slow, at_best, &Ruler::spin_ns), Regime::slow);
  EXPECT_EQ(regime_of(changing, at_best, &Ruler::spin_ns), Regime::changing);
  EXPECT_EQ(regime_of({.before = at_best, .after = {}}, at_best, &Ruler::spin_ns), Regime::unknown);
  EXPECT_EQ(regime_of({.before = at_best, .after = at_best, .others_busy = 0.26}, at_best, &Ruler::spin_ns),
            Regime::disturbed);
  EXPECT_EQ(regime_of({.before = at_best, .after = at_best, .others_busy = 0.24}, at_best, &Ruler::spin_ns),
            Regime::usual);
}

TEST(Regimes, MeasureSlownessAgainstTheBestOfThePlan) {
  Example example = io_example({"serial", "threads"});
  example.walls_ns(0, times(6, 10 * ms));
  example.walls_ns(1, times(6, 10 * ms));
  example.surround(std::vector(6, slow));
  EXPECT_EQ(regime_of(slow, best_readings(example.results), &Ruler::spin_ns), Regime::usual);
  example.results.cells[1].samples[0].surroundings = usual;  // two of 24 readings are too few to go by
  EXPECT_EQ(regime_of(slow, best_readings(example.results), &Ruler::spin_ns), Regime::usual);
  example.results.cells[1].samples[1].surroundings = usual;
  EXPECT_EQ(regime_of(slow, best_readings(example.results), &Ruler::spin_ns), Regime::slow);
}

TEST(Regimes, GoByTheProbeThatFitsAndTheTripOfACacheLine) {
  const Ruler best{.line_trip_ns = 100, .spin_ns = 4000, .system_call_ns = 90, .loopback_ns = 1600};
  Ruler other = best;
  other.loopback_ns = 2400;
  EXPECT_EQ(regime_of({.before = other, .after = other}, best, &Ruler::loopback_ns), Regime::slow);
  EXPECT_EQ(regime_of({.before = other, .after = other}, best, &Ruler::spin_ns), Regime::usual);
  other.line_trip_ns = 300;
  EXPECT_EQ(regime_of({.before = other, .after = other}, best, &Ruler::spin_ns), Regime::slow);
}

TEST(Regimes, AllowTheSpreadOfAQuietMachineAndMissingProbes) {
  const auto regime = [](const Ruler& before, const Ruler& after) {
    return regime_of({.before = before, .after = after}, before, &Ruler::spin_ns);
  };
  EXPECT_EQ(regime({.line_trip_ns = 100, .spin_ns = 4000}, {.line_trip_ns = 199, .spin_ns = 5300}), Regime::usual);
  EXPECT_EQ(regime({.line_trip_ns = 100, .spin_ns = 4000}, {.line_trip_ns = 100, .spin_ns = 5500}), Regime::changing);
  EXPECT_EQ(regime({.line_trip_ns = 100, .spin_ns = 4000}, {.line_trip_ns = 210, .spin_ns = 4000}), Regime::changing);
  EXPECT_EQ(regime({.line_trip_ns = 0, .spin_ns = 4000}, {.line_trip_ns = 0, .spin_ns = 4000}), Regime::usual);
}

// ---- What people read of it ----

TEST(ReportText, ShowsEveryCellWithItsFiguresOrItsReason) {
  Example example = io_example({"serial", "threads", "coroutines", "epoll"});
  example.walls_ns(0, times(6, 40 * ms));
  example.results.cells[0].peak_memory_bytes = 3 << 20;
  example.results.cells[1].failure = "task 2 threw: deliberate";
  example.plan.cells[2].skipped = "needs more";
  const std::string text = report_text(example.plan, example.results, {});
  EXPECT_THAT(text, HasSubstr("example · ideal 10.0 ms · 6 rounds\n"));
  EXPECT_THAT(text, HasSubstr("serial      40.0 ms  ±0.0%       4.00×     1.00×"));
  EXPECT_THAT(text, HasSubstr("3.00 MiB"));
  EXPECT_THAT(text, HasSubstr("threads     failed: task 2 threw: deliberate\n"));
  EXPECT_THAT(text, HasSubstr("coroutines  skipped: needs more\n"));
  EXPECT_THAT(text, HasSubstr("epoll       not run\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(report_text(example.plan, example.results, {.emphasis = true}), HasSubstr("\x1b[1mmodel"));
  EXPECT_THAT(report_text(example.plan, example.results, {.format = Format::markdown}),
              HasSubstr("| serial | 40.0 ms |"));
}

TEST(ReportText, SaysWhenItWasInterrupted) {
  Example example = io_example({"serial"});
  example.walls_ns(0, {40 * ms});
  EXPECT_THAT(report_text(example.plan, example.results, {}), Not(HasSubstr("interrupted")));
  example.results.interrupted = true;
  EXPECT_THAT(report_text(example.plan, example.results, {}), HasSubstr("1 round, interrupted\n"));
}

}  // namespace
}  // namespace bench
