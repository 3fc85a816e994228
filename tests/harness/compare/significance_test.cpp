// Why: verdicts about builds hang on these numbers; those below were worked out by hand or with scipy, whose call
// stands beside them.
#include "harness/compare/significance.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using testing::ElementsAre;

const std::vector<double> seven{10.1, 9.8, 10.4, 10.0, 9.9, 10.2, 10.3};
const std::vector<double> six{11.0, 11.4, 10.9, 11.2, 10.6, 11.1};

TEST(RatioTest, OfRunsThatAreNoPairsShiftsByHodgesAndLehmann) {
  const Ratio ratio = RatioTest::unpaired(six, seven).ratio();
  EXPECT_NEAR(ratio.effect, 1.0930725924, 1e-9);  // exp(median of the 42 differences of logarithms)
  EXPECT_NEAR(ratio.low, 1.0582524272, 1e-9);     // the 7th of them from either end
  EXPECT_NEAR(ratio.high, 1.1287128713, 1e-9);
  EXPECT_EQ(ratio.pairs, 6U);
  EXPECT_TRUE(ratio.bounded);
}

// 2 × stats.mannwhitneyu(log(six) - log(bound), log(seven), alternative='greater', method='exact').pvalue
TEST(RatioTest, OfRunsThatAreNoPairsTakesThePValueOfMannAndWhitney) {
  const RatioTest test = RatioTest::unpaired(six, seven);
  EXPECT_NEAR(test.p_beyond(1), 0.0011655011655, 1e-12);
  EXPECT_NEAR(test.p_beyond(1.05), 0.0221445221445, 1e-12);
  EXPECT_EQ(test.p_beyond(1.1), 1);                // 1.37
  EXPECT_NEAR(test.least_p(), 2.0 / 1716, 1e-12);  // one order of 13 runs, 6 of them of the one side, counting both
}

// 11 pairs, of which 11, 10 and 9 lie above the bound: 2 × stats.binomtest(0, 1 or 2, 11, 0.5, 'less').pvalue
TEST(RatioTest, OfPairsIsTheSignTest) {
  const std::vector<double> ratios{1.10, 1.12, 1.08, 1.11, 1.05, 1.09, 1.13, 1.02, 1.07, 1.10, 1.06};
  const RatioTest test = RatioTest::paired(ratios, std::vector<double>(11, 1.0));
  EXPECT_NEAR(test.p_beyond(1), 0.0009765625, 1e-12);
  EXPECT_NEAR(test.p_beyond(1.03), 0.01171875, 1e-12);
  EXPECT_NEAR(test.p_beyond(1.055), 0.0654296875, 1e-12);
  EXPECT_NEAR(test.least_p(), 0.0009765625, 1e-12);
  EXPECT_NEAR(test.ratio().effect, 1.09, 1e-12);
  EXPECT_NEAR(test.ratio().low, 1.05, 1e-12);  // the second from either end
  EXPECT_NEAR(test.ratio().high, 1.12, 1e-12);
}

TEST(RatioTest, LooksBothWays) {
  const RatioTest slower = RatioTest::unpaired(six, seven);
  const RatioTest faster = RatioTest::unpaired(seven, six);
  EXPECT_DOUBLE_EQ(slower.p_beyond(1.05), faster.p_beyond(1.05));
  EXPECT_NEAR(slower.ratio().effect * faster.ratio().effect, 1, 1e-12);
  EXPECT_NEAR(slower.ratio().low * faster.ratio().high, 1, 1e-12);
}

// The p-value is at most 5% exactly where the interval lies beyond the bound.
TEST(RatioTest, IntervalsAndPValuesAgree) {
  for (const RatioTest& test :
       {RatioTest::unpaired(six, seven), RatioTest::paired(six, {seven.begin(), seven.begin() + 6})}) {
    const Ratio ratio = test.ratio();
    for (int step = 0; step < 400; ++step) {
      const double bound = 1 + 0.0005 * step;
      const bool beyond = ratio.low > bound || ratio.high < 1 / bound;
      EXPECT_EQ(test.p_beyond(bound) <= 0.05, beyond) << bound;
    }
  }
}

TEST(RatioTest, HasNoIntervalOfTooFewRuns) {
  const std::vector<double> two{1.0, 1.1};
  for (const RatioTest& test : {RatioTest::unpaired(two, two), RatioTest::paired(two, two)}) {
    EXPECT_FALSE(test.ratio().bounded);
    EXPECT_EQ(test.p_beyond(1), 1);
  }
  // Four runs a side are enough where they are no pairs (2/70), and six pairs (2/64).
  EXPECT_TRUE(RatioTest::unpaired(std::vector<double>(4, 2.0), std::vector<double>(4, 1.0)).ratio().bounded);
  EXPECT_FALSE(RatioTest::paired(std::vector<double>(5, 2.0), std::vector<double>(5, 1.0)).ratio().bounded);
  EXPECT_TRUE(RatioTest::paired(std::vector<double>(6, 2.0), std::vector<double>(6, 1.0)).ratio().bounded);
}

// 110 runs against 100: 4,600 of the 11,000 pairs lie below the bound;
// 2 × stats.norm.cdf((4600.5 - 5500) / sqrt(11000 × 211 / 12))
TEST(RatioTest, OfVeryManyRunsIsTheNormalApproximation) {
  std::vector<double> numerators;
  std::vector<double> denominators;
  for (int i = 0; i < 100; ++i) denominators.push_back(100 + i);
  for (int i = 0; i < 110; ++i) numerators.push_back(i < 64 ? 500 : 1);
  EXPECT_NEAR(RatioTest::unpaired(numerators, denominators).p_beyond(1), 0.0408265889874, 1e-12);
}

// Where both can be had they are near each other.
TEST(RatioTest, CountsAndApproximatesAlike) {
  std::vector<double> numerators;
  std::vector<double> denominators;
  for (int i = 0; i < 100; ++i) {
    numerators.push_back(105 + (i * 37) % 100);
    denominators.push_back(100 + (i * 61) % 100);
  }
  const double counted = RatioTest::unpaired(numerators, denominators).p_beyond(1);
  denominators.push_back(149.5);
  EXPECT_NEAR(RatioTest::unpaired(numerators, denominators).p_beyond(1), counted, 0.02);
}

TEST(RatioTest, RefusesWhatHasNoRatio) {
  const std::vector<double> one{1};
  const std::vector<double> none;
  EXPECT_THROW(RatioTest::unpaired(one, none), std::invalid_argument);
  EXPECT_THROW(RatioTest::paired(none, none), std::invalid_argument);
  EXPECT_THROW(RatioTest::paired(one, six), std::invalid_argument);
  for (const double bad : {0.0, -1.0, double{INFINITY}, double{NAN}}) {
    EXPECT_THROW(RatioTest::unpaired(std::vector{bad}, one), std::invalid_argument) << bad;
  }
}

// Means of the builds: 0, 0.1 and 0.2 after, 0.1 each before; their variances 0.01 and 0; t(0.975, 4) = 2.776445, and
// 2.776445 × sqrt(0.01 / 3) = 0.160298.
TEST(LayoutShare, IsTheIntervalOfTheBuildsMeans) {
  std::vector<BuildPair> pairs;
  for (std::size_t before = 0; before < 3; ++before) {
    for (std::size_t after = 0; after < 3; ++after) {
      pairs.push_back({.before = before, .after = after, .log_ratio = 0.1 * static_cast<double>(after)});
    }
  }
  EXPECT_NEAR(layout_share(pairs, 3), std::exp(0.160298) - 1, 1e-6);
  EXPECT_EQ(layout_share(pairs, 1), 0);
}

// Sorted, 0.005, 0.01, 0.03 and 0.04 are held against 0.05/4, 0.05/3, 0.05/2 and 0.05; the third is too large, and the
// fourth then is not looked at.
TEST(Holm, StopsAtTheFirstThatIsTooLarge) {
  EXPECT_THAT(reject_by_holm(std::vector{0.01, 0.04, 0.03, 0.005}), ElementsAre(true, false, false, true));
  EXPECT_THAT(reject_by_holm(std::vector{0.01, 0.04, 0.024, 0.005}), ElementsAre(true, true, true, true));
  EXPECT_THAT(reject_by_holm(std::vector{0.05}), ElementsAre(true));
  EXPECT_THAT(reject_by_holm({}), ElementsAre());
}

}  // namespace
}  // namespace bench
