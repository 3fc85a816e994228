// Why: charts and pages join what the data cannot tell apart by these runs, and praise what this order begins with.
#include "harness/summary/ranking.h"

#include <gmock/gmock.h>

#include <vector>

namespace bench {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;

ByRound rounds(const std::vector<double>& values) {
  ByRound by_round;
  for (std::uint32_t round = 0; round < values.size(); ++round) by_round[round] = {values[round], Regime::usual};
  return by_round;
}

CellCost cost(std::size_t cell, const ByRound& by_round) {
  std::vector<double> values;
  for (const auto& [round, value] : by_round) values.push_back(value.value);
  return {.cell = cell, .median = median(values), .cost = by_round};
}

std::vector<std::size_t> order_of(const Ranking& ranking) {
  std::vector<std::size_t> cells;
  for (const Place& place : ranking.order) cells.push_back(place.cell);
  return cells;
}

TEST(Ranking, PutsTheLeastCostFirstAndSaysHowFarTheOthersAre) {
  const Ranking ranking =
      rank(RankedBy::cpu, {cost(7, rounds({4, 4, 4, 4, 4, 4})), cost(9, rounds({2, 2, 2, 2, 2, 2}))});
  EXPECT_TRUE(ranking.bounded);
  EXPECT_THAT(order_of(ranking), ElementsAre(9, 7));
  EXPECT_THAT(ranking.best, ElementsAre(9));
  ASSERT_TRUE(ranking.next);
  EXPECT_EQ(ranking.next->cell, 7U);
  EXPECT_THAT(ranking.next->over_first->effect, DoubleEq(2));
  EXPECT_EQ(ranking.next->over_first->pairs, 6U);
  EXPECT_THAT(ranking.ties, IsEmpty());
}

// 1 and 2 overlap, 2 and 3 overlap, 1 and 3 do not: two runs that share a cell.
TEST(Ranking, TiesAreTheLongestRunsInWhichNoPairIsToldApart) {
  const Ranking ranking =
      rank(RankedBy::time,
           {cost(1, rounds({10, 10, 10, 10, 10, 10})), cost(2, rounds({9.9, 10.8, 9.9, 10.8, 9.9, 10.8})),
            cost(3, rounds({10.7, 10.6, 10.7, 10.6, 10.7, 10.6})), cost(4, rounds({20, 20, 20, 20, 20, 20}))});
  EXPECT_THAT(order_of(ranking), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ranking.ties, ElementsAre(ElementsAre(1, 2), ElementsAre(2, 3)));
  EXPECT_THAT(ranking.best, ElementsAre(1, 2));
  EXPECT_EQ(ranking.next->cell, 3U);
}

TEST(Ranking, ARunWithinAnotherIsNoTieOfItsOwn) {
  const std::vector<double> same{10, 11, 10, 11, 10, 11};
  const Ranking ranking = rank(RankedBy::rate, {cost(0, rounds(same)), cost(1, rounds(same)), cost(2, rounds(same))});
  EXPECT_THAT(ranking.ties, ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_THAT(ranking.best, ElementsAre(0, 1, 2));
  EXPECT_FALSE(ranking.next);
}

TEST(Ranking, FewerThanSixRoundsTellNothingApart) {
  const Ranking ranking = rank(RankedBy::time, {cost(0, rounds({1, 1, 1, 1, 1})), cost(1, rounds({9, 9, 9, 9, 9}))});
  EXPECT_FALSE(ranking.bounded);
  EXPECT_THAT(order_of(ranking), ElementsAre(0, 1));
  EXPECT_THAT(ranking.best, IsEmpty());
  EXPECT_THAT(ranking.ties, IsEmpty());
  EXPECT_FALSE(ranking.next);
}

TEST(Ranking, CellsWithoutACommonRoundAreNotToldApart) {
  ByRound early;
  ByRound late;
  for (std::uint32_t round = 0; round < 6; ++round) early[round] = {1, Regime::usual};
  for (std::uint32_t round = 6; round < 12; ++round) late[round] = {50, Regime::usual};
  const Ranking ranking = rank(RankedBy::time, {cost(0, early), cost(1, late)});
  EXPECT_FALSE(ranking.order.back().over_first);
  EXPECT_THAT(ranking.ties, ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(ranking.best, ElementsAre(0, 1));
}

// The median of 0 is less, over the runs its figure rests on, and pairs of runs say that 1 is better.
TEST(Ranking, GoesByPairsBeforeMedians) {
  CellCost first = cost(0, rounds(std::vector(15, 1.00)));
  first.median = 0.5;
  const Ranking ranking = rank(RankedBy::time, {first, cost(1, rounds(std::vector(15, 0.95)))});
  EXPECT_THAT(order_of(ranking), ElementsAre(1, 0));
  EXPECT_THAT(ranking.best, ElementsAre(1));
  EXPECT_EQ(ranking.next->cell, 0U);
}

// ... and where pairs do not tell, medians are what there is.
TEST(Ranking, GoesByMediansWherePairsDoNotTell) {
  const ByRound same = rounds({10, 11, 10, 11, 10, 11});
  CellCost second = cost(1, same);
  second.median = 10.4;
  const Ranking ranking = rank(RankedBy::cpu, {cost(0, same), second});
  EXPECT_THAT(order_of(ranking), ElementsAre(1, 0));
  EXPECT_THAT(ranking.best, ElementsAre(1, 0));
}

TEST(Ranking, OfNothingIsEmpty) { EXPECT_THAT(rank(RankedBy::time, {}).order, IsEmpty()); }

TEST(RatioWithinRounds, KeepsToRoundsWhereBothFoundTheMachineInTheSameSteadyRegime) {
  ByRound numerators = rounds({90, 90, 2, 2, 2, 2, 2, 2});
  ByRound denominators = rounds({1, 1, 1, 1, 1, 1, 1, 1});
  numerators[0].regime = denominators[1].regime = Regime::slow;
  const auto ratio = ratio_within_rounds(numerators, denominators);
  EXPECT_EQ(ratio.value().pairs, 6U);
  EXPECT_THAT(ratio->high, DoubleEq(2));
  numerators[7].regime = denominators[7].regime = Regime::slow;  // alike, too
  EXPECT_EQ(ratio_within_rounds(numerators, denominators).value().pairs, 6U);
  numerators[7].regime = denominators[7].regime = Regime::changing;  // five are too few
  EXPECT_EQ(ratio_within_rounds(numerators, denominators).value().pairs, 8U);
}

TEST(RatioWithinRounds, TakesAllRoundsWhereFewAreAlike) {
  ByRound numerators = rounds(std::vector(24, 2.0));
  const ByRound denominators = rounds(std::vector(24, 1.0));
  for (std::uint32_t round = 8; round < 24; ++round) {
    numerators[round] = {.value = round % 2 == 0 ? 1.0 : 3.0, .regime = Regime::slow};
  }
  EXPECT_EQ(ratio_within_rounds(numerators, denominators).value().pairs, 8U);  // a third
  numerators[7].regime = Regime::slow;
  EXPECT_EQ(ratio_within_rounds(numerators, denominators).value().pairs, 24U);
}

// The regime is nothing to them: pairs of like runs are but fewer.
TEST(RatioWithinRounds, TakesAllRoundsWhereThoseOfLikeRegimesScatterAsMuch) {
  ByRound numerators;
  for (std::uint32_t round = 0; round < 24; ++round) {
    numerators[round] = {.value = 2 + 0.1 * (round % 4), .regime = round % 2 == 0 ? Regime::usual : Regime::slow};
  }
  EXPECT_EQ(ratio_within_rounds(numerators, rounds(std::vector(24, 1.0))).value().pairs, 24U);
}

// Nine of ten rounds are of one mind: enough at 95%, and not at 99%; ten are.
TEST(Ranking, IsStrictWhereThereAreEnoughRounds) {
  const ByRound ten = rounds({1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_THAT(rank(RankedBy::cpu, {cost(0, ten), cost(1, rounds({2, 2, 2, 2, 2, 2, 2, 2, 2, 0.9}))}).ties,
              testing::SizeIs(1));
  EXPECT_THAT(rank(RankedBy::cpu, {cost(0, ten), cost(1, rounds({2, 2, 2, 2, 2, 2, 2, 2, 2, 2}))}).ties, IsEmpty());
}

TEST(RatioWithinRounds, LeavesOutWhatHasNoCost) {
  EXPECT_EQ(ratio_within_rounds(rounds({0, 2, 2}), rounds({1, 1, 0})).value().pairs, 1U);
  EXPECT_FALSE(ratio_within_rounds(rounds({0}), rounds({1})));
}

}  // namespace
}  // namespace bench
