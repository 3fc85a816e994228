// Why: charts and pages join what the data cannot tell apart by these runs, and praise what this order begins with.
#include "harness/summary/ranking.h"

#include <gmock/gmock.h>

#include <vector>

namespace bench {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<Regime> steady(8, Regime::usual);

ByRound rounds(const std::vector<double>& values) {
  ByRound by_round;
  for (std::uint32_t round = 0; round < values.size(); ++round) by_round[round] = values[round];
  return by_round;
}

std::vector<std::size_t> order_of(const Ranking& ranking) {
  std::vector<std::size_t> cells;
  for (const Place& place : ranking.order) cells.push_back(place.cell);
  return cells;
}

TEST(Ranking, PutsTheLeastCostFirstAndSaysHowFarTheOthersAre) {
  const Ranking ranking =
      rank(RankedBy::cpu, {{7, rounds({4, 4, 4, 4, 4, 4})}, {9, rounds({2, 2, 2, 2, 2, 2})}}, steady);
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
  const Ranking ranking = rank(RankedBy::time,
                               {{1, rounds({10, 10, 10, 10, 10, 10})},
                                {2, rounds({9.9, 10.8, 9.9, 10.8, 9.9, 10.8})},
                                {3, rounds({10.7, 10.6, 10.7, 10.6, 10.7, 10.6})},
                                {4, rounds({20, 20, 20, 20, 20, 20})}},
                               steady);
  EXPECT_THAT(order_of(ranking), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ranking.ties, ElementsAre(ElementsAre(1, 2), ElementsAre(2, 3)));
  EXPECT_THAT(ranking.best, ElementsAre(1, 2));
  EXPECT_EQ(ranking.next->cell, 3U);
}

TEST(Ranking, ARunWithinAnotherIsNoTieOfItsOwn) {
  const std::vector<double> same{10, 11, 10, 11, 10, 11};
  const Ranking ranking = rank(RankedBy::rate, {{0, rounds(same)}, {1, rounds(same)}, {2, rounds(same)}}, steady);
  EXPECT_THAT(ranking.ties, ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_THAT(ranking.best, ElementsAre(0, 1, 2));
  EXPECT_FALSE(ranking.next);
}

TEST(Ranking, FewerThanSixRoundsTellNothingApart) {
  const Ranking ranking = rank(RankedBy::time, {{0, rounds({1, 1, 1, 1, 1})}, {1, rounds({9, 9, 9, 9, 9})}}, steady);
  EXPECT_FALSE(ranking.bounded);
  EXPECT_THAT(order_of(ranking), ElementsAre(0, 1));
  EXPECT_THAT(ranking.best, IsEmpty());
  EXPECT_THAT(ranking.ties, IsEmpty());
  EXPECT_FALSE(ranking.next);
}

TEST(Ranking, CellsWithoutACommonRoundAreNotToldApart) {
  ByRound early;
  ByRound late;
  for (std::uint32_t round = 0; round < 6; ++round) early[round] = 1;
  for (std::uint32_t round = 6; round < 12; ++round) late[round] = 50;
  const Ranking ranking = rank(RankedBy::time, {{0, early}, {1, late}}, std::vector<Regime>(12, Regime::usual));
  EXPECT_FALSE(ranking.order.back().over_first);
  EXPECT_THAT(ranking.ties, ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(ranking.best, ElementsAre(0, 1));
}

// In the 9 rounds in which the machine changed, 0 was far ahead, which makes its median less; the ratio rests on the 6
// steady ones.
TEST(Ranking, ACellThatIsToldBetterIsNotBehind) {
  std::vector<double> first(15, 1.00);
  std::vector<double> second(15, 0.95);
  std::vector<Regime> regimes(15, Regime::usual);
  for (std::size_t round = 0; round < 9; ++round) {
    regimes[round] = Regime::changing;
    first[round] = 0.5;
    second[round] = 3;
  }
  const Ranking ranking = rank(RankedBy::time, {{0, rounds(first)}, {1, rounds(second)}}, regimes);
  EXPECT_THAT(order_of(ranking), ElementsAre(1, 0));
  EXPECT_THAT(ranking.best, ElementsAre(1));
  EXPECT_EQ(ranking.next->cell, 0U);
}

TEST(Ranking, OfNothingIsEmpty) { EXPECT_THAT(rank(RankedBy::time, {}, steady).order, IsEmpty()); }

TEST(RatioWithinRounds, KeepsToTheCommonestSteadyRegimeThatHasSixRounds) {
  std::vector<Regime> regimes(8, Regime::slow);
  regimes[0] = regimes[1] = Regime::changing;
  const auto ratio = ratio_within_rounds(rounds({90, 90, 2, 2, 2, 2, 2, 2}), rounds({1, 1, 1, 1, 1, 1, 1, 1}), regimes);
  EXPECT_EQ(ratio.value().pairs, 6U);
  EXPECT_THAT(ratio->high, DoubleEq(2));
}

}  // namespace
}  // namespace bench
