// Why: `bench ab` stops changes in CI. What it says of the same build twice, and of one that is slower, is tried here
// over builds whose figures are drawn at random, on a machine that drifts.
#include "harness/compare/ab.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "harness/compare/comparison_report.h"
#include "tests/support/result_document.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t ever = INT64_MAX;

// Rounds of `cells` cells whose times scatter by 5% on a machine that is up to 1.5 times slower for some rounds.
class DrawnBuilds {
 public:
  DrawnBuilds(std::uint64_t seed, int cells, double slowdown) : random_(seed), cells_(cells), slowdown_(slowdown) {}

  std::optional<ReadResult> operator()(Side side, std::uint32_t /*build*/ = 0) {
    sides.push_back(side);
    if (std::uniform_real_distribution<>(0, 1)(random_) < 0.1) regime_ = regime_ == 1 ? 1.5 : 1;
    ResultDocument document;
    for (int cell = 0; cell < cells_; ++cell) {
      const double noise = std::normal_distribution<>(0, 0.05)(random_);
      const double slower = side == Side::candidate ? 1 + slowdown_ : 1;
      document.job("io/model" + std::to_string(cell), {1e6 * regime_ * slower * std::exp(noise)});
    }
    return parse_result(document.text(), "drawn", "drawn");
  }

  std::vector<Side> sides;

 private:
  std::mt19937_64 random_;
  int cells_;
  double slowdown_;
  double regime_ = 1;
};

AbResult run(DrawnBuilds& builds, AbRules rules) {
  rules.max_time_ns = ever;
  return run_ab(rules, std::ref(builds), [](std::string_view) {});
}

TEST(Ab, SaysNothingOfTheSameBuildTwice) {
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    DrawnBuilds builds(seed, 40, 0);
    const AbResult result = run(builds, {.rules = {.threshold = 0.01}, .max_pairs = 12, .seed = seed});
    const Comparison& comparison = result.comparison;
    if (comparison.count(CompareVerdict::slower) + comparison.count(CompareVerdict::faster) != 0) ++alarms;
  }
  EXPECT_LE(alarms, 2);  // at 5% one is to be expected
}

TEST(Ab, FindsWhatIsSlower) {
  DrawnBuilds builds(1, 4, 0.10);
  const AbResult result = run(builds, {.rules = {.threshold = 0.03}, .max_pairs = 60});
  EXPECT_EQ(result.comparison.count(CompareVerdict::slower), 4U);
  EXPECT_GE(result.pairs, 8U);  // for Holm's first step over four
  EXPECT_GE(result.confirming, result.pairs / 2);
  for (const ComparedCell& cell : result.comparison.cells) EXPECT_NEAR(cell.change.effect, 1.1, 0.03);
}

TEST(Ab, EndsWhereEveryIntervalIsNarrow) {
  DrawnBuilds builds(1, 2, 0);
  const AbResult result = run(builds, {.rules = {.threshold = 0.10}});
  EXPECT_LT(result.pairs, 60U);
  EXPECT_EQ(result.comparison.count(CompareVerdict::same), 2U);
  EXPECT_EQ(result.confirming, 0U);
}

TEST(Ab, RunsBothOrdersAsOften) {
  DrawnBuilds builds(1, 1, 0);
  run(builds, {.rules = {.threshold = 0.001}, .self_pairs = 6, .max_pairs = 20});
  ASSERT_EQ(builds.sides.size(), 2U * (6 + 20));
  int baseline_first = 0;
  for (std::size_t pair = 6; pair < 26; ++pair) {
    EXPECT_NE(builds.sides[2 * pair], builds.sides[2 * pair + 1]);
    if (builds.sides[2 * pair] == Side::baseline) ++baseline_first;
  }
  EXPECT_EQ(baseline_first, 10);
}

// Slower in the first series, and the same from then on.
TEST(Ab, CallsNothingSlowerThatIsNotSoAgain) {
  int rounds = 0;
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    const bool slower = side == Side::candidate && ++rounds <= 12 + 10;
    ResultDocument document;
    document.job("io/epoll", {slower ? 2e6 : 1e6});
    return parse_result(document.text(), "drawn", "drawn");
  };
  const AbResult result =
      run_ab({.rules = {}, .min_pairs = 10, .max_pairs = 10, .max_time_ns = ever}, run_side, [](std::string_view) {});
  EXPECT_EQ(result.confirming, 10U);  // what one cell takes
  EXPECT_EQ(result.comparison.cells[0].verdict, CompareVerdict::undecided);
  EXPECT_EQ(result.comparison.cells[0].why, "slower in 10 pairs, but not again in 10 more: +0.0%, 95% +0.0% to +0.0%");
  EXPECT_THAT(comparison_text(result.comparison, Format::console, false), HasSubstr("undecided (slower in 10 pairs"));
}

TEST(Ab, SaysWhatTheMachineCanDecide) {
  DrawnBuilds builds(1, 3, 0);
  const AbResult result = run(builds, {.rules = {.threshold = 0.001}, .max_pairs = 24});
  EXPECT_EQ(result.self.pairs, 6U);
  EXPECT_GT(result.self.typical, 0.01);
  EXPECT_LT(result.self.typical, 0.5);
  EXPECT_DOUBLE_EQ(result.self.decidable(0.08, 24, 0.05), 1.05 * 1.04 - 1);  // half as wide, beyond the threshold
  EXPECT_THAT(self_test_text(result), HasSubstr("24 pairs tell what is slower by about "));
}

TEST(Ab, KeepsWhatThereIsWhenItIsInterrupted) {
  DrawnBuilds builds(1, 1, 0);
  int left = 12 + 2 * 7;
  const RunSide run_side = [&](Side side, std::uint32_t) { return left-- > 0 ? builds(side) : std::nullopt; };
  const AbResult result =
      run_ab({.rules = {.threshold = 0.001}, .max_time_ns = ever}, run_side, [](std::string_view) {});
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.pairs, 7U);
  EXPECT_EQ(result.comparison.cells[0].change.pairs, 7U);
}

TEST(Ab, SaysWhichBuildHasNoFigures) {
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    document.job("io/epoll", {1e6});
    if (side == Side::candidate) {
      document.failed("io/threads", "killed").job("io/new", {1e6});
    } else {
      document.job("io/threads", {1e6});
    }
    return parse_result(document.text(), "drawn", "drawn");
  };
  const Comparison comparison =
      run_ab({.rules = {}, .max_pairs = 6, .max_time_ns = ever}, run_side, [](std::string_view) {}).comparison;
  const auto threads = std::ranges::find(comparison.cells, "io/threads", &ComparedCell::name);
  EXPECT_EQ(threads->why, "7 of 7 pairs: failed in the candidate: killed");
  EXPECT_TRUE(threads->lost);
  EXPECT_THAT(comparison.only_after, ElementsAre("io/new"));
}

// A machine that is never quiet tells nothing of the builds, and no failure of theirs either.
TEST(Ab, WhatMayNotBeBelievedOfTheBaselineIsNoFailure) {
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    document.service("echo/epoll", {1e4});
    if (side == Side::baseline)
      document.set_of("echo/epoll", "/bench/valid", false).set_of("echo/epoll", "/bench/invalid_reason", "kept off");
    return parse_result(document.text(), "drawn", "drawn");
  };
  const Comparison comparison =
      run_ab({.rules = {}, .max_pairs = 6, .max_time_ns = ever}, run_side, [](std::string_view) {}).comparison;
  ASSERT_EQ(comparison.cells.size(), 1U);
  EXPECT_TRUE(comparison.cells[0].had_figures);
  EXPECT_FALSE(comparison.cells[0].lost);
  EXPECT_EQ(comparison.cells[0].why, "invalid in the baseline: kept off");
}

// Every second run of the baseline is disturbed.
TEST(Ab, SaysHowManyPairsItLeavesOut) {
  int runs = 0;
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    document.service("echo/epoll", {1e4});
    if (side == Side::baseline && ++runs % 2 == 0) {
      document.set_of("echo/epoll", "/bench/valid", false).set_of("echo/epoll", "/bench/invalid_reason", "kept off");
    }
    return parse_result(document.text(), "drawn", "drawn");
  };
  const Comparison comparison =
      run_ab({.rules = {}, .min_pairs = 12, .max_pairs = 12, .max_time_ns = ever}, run_side, [](std::string_view) {
      }).comparison;
  EXPECT_TRUE(comparison.cells[0].is_compared());
  EXPECT_THAT(comparison.notes,
              ElementsAre("echo/epoll: 6 of 12 pairs are left out: invalid in the baseline: kept off."));
}

// At first the machine is not quiet.
TEST(Ab, WaitsForRunsThatMayBeBelieved) {
  int runs = 0;
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    document.service("echo/epoll", {1e4});
    if (side == Side::baseline && ++runs <= 6) {
      document.set_of("echo/epoll", "/bench/valid", false).set_of("echo/epoll", "/bench/invalid_reason", "kept off");
    }
    return parse_result(document.text(), "drawn", "drawn");
  };
  const AbResult result =
      run_ab({.rules = {}, .max_pairs = 100, .max_time_ns = ever}, run_side, [](std::string_view) {});
  EXPECT_TRUE(result.comparison.cells[0].is_compared());
  EXPECT_GE(result.pairs, 12U);
}

TEST(Ab, SaysThatOthersWereAtWork) {
  double others = 40;
  const RunSide run_side = [&](Side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    document.job("io/epoll", {1e6}).set_of("io/epoll", "/bench/others_cpu_percent", others);
    return parse_result(document.text(), "drawn", "drawn");
  };
  const AbRules rules{.rules = {}, .max_pairs = 6, .max_time_ns = ever};
  EXPECT_THAT(run_ab(rules, run_side, [](std::string_view) {}).comparison.notes,
              ElementsAre(HasSubstr("Other processes used 40% of the CPUs")));
  others = 2;
  EXPECT_THAT(run_ab(rules, run_side, [](std::string_view) {}).comparison.notes, ElementsAre());
}

// Of three builds of each side, two of the candidate's are slower by their layout: that is no change of the program.
TEST(Ab, TakesTheBuildAsALevelOfItsOwn) {
  std::mt19937_64 random(7);
  std::array<int, 3> runs{};
  const RunSide run_side = [&](Side side, std::uint32_t build) -> std::optional<ReadResult> {
    if (side == Side::candidate) ++runs[build];
    const double layout = side == Side::candidate && build > 0 ? 1.12 : 1;
    ResultDocument document;
    document.job("io/epoll", {1e6 * layout * std::exp(std::normal_distribution<>(0, 0.01)(random))});
    return parse_result(document.text(), "drawn", "drawn");
  };
  AbRules rules{.rules = {}, .self_pairs = 0, .min_pairs = 12, .max_pairs = 12, .max_time_ns = ever};
  EXPECT_EQ(run_ab(
                rules, [&](Side side, std::uint32_t) { return run_side(side, 2); }, [](std::string_view) {})
                .comparison.cells[0]
                .verdict,
            CompareVerdict::slower);
  runs = {};
  rules.builds = 3;
  const AbResult result = run_ab(rules, run_side, [](std::string_view) {});
  EXPECT_THAT(runs, ElementsAre(4, 4, 4));
  EXPECT_EQ(result.comparison.cells[0].verdict, CompareVerdict::undecided);
  EXPECT_GT(result.comparison.cells[0].layout, 0.05);
}

// Forty cells take eleven pairs to be told apart, whatever the time.
TEST(Ab, RunsAsManyPairsAsItTakesToSaySlower) {
  DrawnBuilds builds(1, 40, 1.0);
  const AbResult result = run_ab({.rules = {}, .max_time_ns = 0}, std::ref(builds), [](std::string_view) {});
  EXPECT_EQ(result.pairs, 11U);
  EXPECT_EQ(result.comparison.count(CompareVerdict::slower), 40U);
}

TEST(Ab, SaysWhereThereAreTooFewPairsToSaySlower) {
  DrawnBuilds builds(1, 40, 1.0);
  const AbResult result = run(builds, {.rules = {}, .min_pairs = 6, .max_pairs = 6});
  EXPECT_EQ(result.comparison.count(CompareVerdict::undecided), 40U);
  EXPECT_FALSE(result.comparison.cells[0].decidable);
  EXPECT_GE(result.comparison.cells[0].more_rounds, 5U);
}

// In one pair of ten: the others do not make good for it.
TEST(Ab, ForgivesNoFailureOfTheCandidate) {
  int rounds = 0;
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    if (side == Side::candidate && ++rounds == 12 + 4) {
      document.failed("io/epoll", "killed");
    } else {
      document.job("io/epoll", {1e6});
    }
    return parse_result(document.text(), "drawn", "drawn");
  };
  const AbResult result =
      run_ab({.rules = {}, .min_pairs = 10, .max_pairs = 10, .max_time_ns = ever}, run_side, [](std::string_view) {});
  EXPECT_TRUE(result.comparison.cells[0].lost);
  EXPECT_EQ(result.comparison.cells[0].why, "1 of 10 pairs: failed in the candidate: killed");
  EXPECT_EQ(result.comparison.cells[0].change.pairs, 9U);
}

// ... nor does a second series without figures acquit it.
TEST(Ab, AcquitsNothingThatHasNoFiguresAnyMore) {
  int rounds = 0;
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    const bool is_candidate = side == Side::candidate && ++rounds > 12;
    if (is_candidate && rounds > 12 + 10) {
      document.failed("io/epoll", "killed");
    } else {
      document.job("io/epoll", {is_candidate ? 2e6 : 1e6});
    }
    return parse_result(document.text(), "drawn", "drawn");
  };
  const AbResult result =
      run_ab({.rules = {}, .min_pairs = 10, .max_pairs = 10, .max_time_ns = ever}, run_side, [](std::string_view) {});
  EXPECT_EQ(result.comparison.cells[0].verdict, CompareVerdict::slower);
}

// ... in the second series either, which is there for another cell.
TEST(Ab, ForgivesNoFailureInTheSecondSeries) {
  int rounds = 0;
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    const bool is_candidate = side == Side::candidate && ++rounds > 12;
    document.job("io/epoll", {is_candidate ? 2e6 : 1e6});
    if (is_candidate && rounds == 12 + 10 + 3) {
      document.failed("io/threads", "killed");
    } else {
      document.job("io/threads", {1e6});
    }
    return parse_result(document.text(), "drawn", "drawn");
  };
  const AbResult result =
      run_ab({.rules = {}, .min_pairs = 10, .max_pairs = 10, .max_time_ns = ever}, run_side, [](std::string_view) {});
  EXPECT_EQ(result.comparison.cells[0].verdict, CompareVerdict::slower);
  EXPECT_TRUE(result.comparison.cells[1].lost);
  EXPECT_EQ(result.comparison.cells[1].why,
            fmt::format("1 of {} more pairs: failed in the candidate: killed", result.confirming));
}

// A default that has changed makes another cell of the same name.
TEST(Ab, ComparesNothingThatTheBuildsWereToldOtherwise) {
  const RunSide run_side = [&](Side side, std::uint32_t) -> std::optional<ReadResult> {
    ResultDocument document;
    document.job("io/epoll", {1e6});
    document.set_of("io/epoll", "/bench/parameters/tasks", side == Side::candidate ? 7 : 8);
    return parse_result(document.text(), "drawn", "drawn");
  };
  const ComparedCell cell = run_ab({.rules = {}, .self_pairs = 0, .max_time_ns = 0}, run_side, [](std::string_view) {
                            }).comparison.cells.at(0);
  EXPECT_EQ(cell.verdict, CompareVerdict::not_comparable);
  EXPECT_EQ(cell.why, "tasks: 8 against 7");
  EXPECT_TRUE(cell.had_figures);
  EXPECT_FALSE(cell.lost);
}

TEST(Ab, BeginsNoPairWhenTheTimeIsUp) {
  DrawnBuilds builds(1, 1, 0);
  const AbResult result =
      run_ab({.rules = {.threshold = 0.001}, .max_time_ns = 0}, std::ref(builds), [](std::string_view) {});
  EXPECT_EQ(result.pairs, 6U);  // what an interval takes
}

}  // namespace
}  // namespace bench
