// Why: the suite's verdicts are these intervals. Their ranks are held against whole-number binomial
// sums, and their coverage against a simulation with a fixed seed.
#include "harness/summary/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using Values = std::vector<double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Median, OfOddAndEvenNumbersOfSamples) {
  EXPECT_EQ(median(Values{7}), 7);
  EXPECT_EQ(median(Values{9, 1, 5}), 5);
  EXPECT_EQ(median(Values{4, 1, 100, 2}), 3);
}

TEST(Median, RefusesWhatHasNone) {
  EXPECT_THROW(median(Values{}), std::invalid_argument);
  EXPECT_THROW(median(Values{1, std::nan(""), 3}), std::invalid_argument);
  EXPECT_THROW(median(Values{1, infinity}), std::invalid_argument);
}

struct Row {
  std::size_t samples;
  std::size_t rank;
};

// The largest k with 40 (C(n,0) + ... + C(n,k-1)) <= 2^n, worked out in whole numbers.
TEST(MedianIntervalRank, AgreesWithBinomialSums) {
  for (const Row row :
       {Row{0, 0}, Row{1, 0}, Row{5, 0}, Row{6, 1}, Row{7, 1}, Row{8, 1}, Row{9, 2}, Row{10, 2}, Row{11, 2}, Row{12, 3},
        Row{15, 4}, Row{20, 6}, Row{30, 10}, Row{50, 18}, Row{70, 27}, Row{100, 40}}) {
    EXPECT_EQ(median_interval_rank(row.samples), row.rank) << row.samples;
  }
}

TEST(MedianIntervalRank, FollowsTheLevel) {
  EXPECT_EQ(median_interval_rank(10, 0.99), 1U);  // 2 * (1 + 10) / 1024 = 2.1%, 2 / 1024 = 0.2%
  EXPECT_EQ(median_interval_rank(7, 0.99), 0U);
  EXPECT_EQ(median_interval_rank(8, 0.99), 1U);
  EXPECT_EQ(median_interval_rank(6, 31.0 / 32), 1U);  // met exactly: 2 * 2^-6 = 1/32
  EXPECT_EQ(median_interval_rank(6, 31.0 / 32 + 1e-6), 0U);
  EXPECT_THROW(median_interval_rank(10, 0), std::invalid_argument);
  EXPECT_THROW(median_interval_rank(10, 1), std::invalid_argument);
  EXPECT_THROW(median_interval_rank(10, std::nan("")), std::invalid_argument);
}

// 2^-n is no longer a double from n = 1075 on.
TEST(MedianIntervalRank, StaysExactForThousandsOfSamples) {
  for (const Row row : {Row{500, 228}, Row{1074, 505}, Row{1075, 505}, Row{2000, 956}, Row{5000, 2431}}) {
    EXPECT_EQ(median_interval_rank(row.samples), row.rank) << row.samples;
  }
}

TEST(MedianEstimate, WorkedExample) {
  // Sorted: 21 23 24 25 26 28 29 31 35 90; n = 10, so from the 2nd to the 9th.
  const Estimate estimate = median_estimate(Values{25, 90, 23, 31, 21, 28, 35, 24, 29, 26});
  EXPECT_EQ(estimate.median, 27);
  EXPECT_EQ(estimate.low, 23);
  EXPECT_EQ(estimate.high, 35);
  EXPECT_EQ(estimate.samples, 10U);
  EXPECT_TRUE(estimate.bounded);
  EXPECT_DOUBLE_EQ(estimate.half_width(), 8.0 / 27);
}

TEST(MedianEstimate, HalfWidthTakesTheLongerSide) {
  const Estimate estimate = median_estimate(Values{10, 99, 100, 100, 101, 102});
  EXPECT_DOUBLE_EQ(estimate.half_width(), 0.9);
  EXPECT_EQ(median_estimate(Values{0, 0, 0}).half_width(), 0);
  EXPECT_EQ(median_estimate(Values{0, 0, 1}).half_width(), infinity);
  EXPECT_DOUBLE_EQ(median_estimate(Values{-5, -4, -3}).half_width(), 0.25);
}

TEST(MedianEstimate, IsUnboundedBelowSixSamples) {
  const Estimate five = median_estimate(Values{3, 1, 5, 2, 4});
  EXPECT_FALSE(five.bounded);
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  EXPECT_EQ(five.median, 3);

  const Estimate six = median_estimate(Values{3, 1, 6, 5, 2, 4});
  EXPECT_TRUE(six.bounded);
  EXPECT_EQ(six.low, 1);
  EXPECT_EQ(six.high, 6);

  EXPECT_THROW(median_estimate(Values{}), std::invalid_argument);
}

// Share of `trials` series of `samples` exponential values whose interval holds the median, ln 2.
double simulated_coverage(std::size_t samples, int trials) {
  std::mt19937_64 random(20);
  int covered = 0;
  Values values(samples);
  for (int trial = 0; trial < trials; ++trial) {
    for (double& value : values) {
      value = -std::log1p(-static_cast<double>(random() >> 11) * 0x1p-53);
    }
    const Estimate estimate = median_estimate(values);
    if (estimate.low <= std::numbers::ln2 && std::numbers::ln2 <= estimate.high) ++covered;
  }
  return static_cast<double>(covered) / trials;
}

struct Coverage {
  std::size_t samples;
  double exact;  // 1 - 2 P(Binomial(samples, 1/2) <= rank - 1)
};

TEST(MedianEstimate, CoversTheMedianAsOftenAsItSays) {
  for (const Coverage row : {Coverage{6, 0.9688}, Coverage{10, 0.9785}, Coverage{20, 0.9586}, Coverage{50, 0.9672}}) {
    const double coverage = simulated_coverage(row.samples, 20'000);
    EXPECT_GE(coverage, 0.94) << row.samples;
    EXPECT_LE(coverage, 0.99) << row.samples;
    EXPECT_NEAR(coverage, row.exact, 0.005) << row.samples;
  }
}

TEST(PairedRatio, CancelsADriftThatBothSidesShare) {
  Values slower;
  Values faster;
  for (int i = 0; i < 12; ++i) {
    const double drift = std::exp(0.3 * i);  // the machine slows down by a factor of 27
    faster.push_back(10 * drift);
    slower.push_back(15 * drift);
  }
  const Ratio ratio = paired_ratio(slower, faster);
  EXPECT_NEAR(ratio.effect, 1.5, 1e-12);
  EXPECT_NEAR(ratio.low, 1.5, 1e-12);
  EXPECT_NEAR(ratio.high, 1.5, 1e-12);
  EXPECT_EQ(ratio.pairs, 12U);
  EXPECT_TRUE(tells_apart(ratio));
}

TEST(PairedRatio, WorkedExample) {
  // Ratios, sorted: 0.5 1 2 2 4 8 8 16 16 32; the middle ones are 4 and 8, the ends the 2nd and
  // 9th.
  const Values numerator{2, 8, 1, 16, 2, 8, 4, 16, 32, 1};
  const Values denominator{1, 1, 1, 1, 1, 1, 1, 1, 1, 2};
  const Ratio ratio = paired_ratio(numerator, denominator);
  EXPECT_NEAR(ratio.effect, std::sqrt(4.0 * 8.0), 1e-12);
  EXPECT_NEAR(ratio.low, 1, 1e-12);
  EXPECT_NEAR(ratio.high, 16, 1e-12);

  const Ratio swapped = paired_ratio(denominator, numerator);
  EXPECT_NEAR(swapped.effect * ratio.effect, 1, 1e-12);
  EXPECT_NEAR(swapped.low * ratio.high, 1, 1e-12);
}

TEST(PairedRatio, RefusesWhatIsNotAPair) {
  EXPECT_THROW(paired_ratio(Values{1, 2}, Values{1}), std::invalid_argument);
  EXPECT_THROW(paired_ratio(Values{}, Values{}), std::invalid_argument);
  EXPECT_THROW(paired_ratio(Values{1, 0}, Values{1, 1}), std::invalid_argument);
  EXPECT_THROW(paired_ratio(Values{1, 1}, Values{1, -1}), std::invalid_argument);
  EXPECT_THROW(paired_ratio(Values{1}, Values{infinity}), std::invalid_argument);
  EXPECT_THROW(paired_ratio(Values{std::nan("")}, Values{1}), std::invalid_argument);
}

TEST(TellsApart, NeedsAnIntervalWithoutOne) {
  const auto ratio = [](double low, double high, bool bounded) {
    return Ratio{.effect = 1.1, .low = low, .high = high, .pairs = 10, .bounded = bounded};
  };
  EXPECT_TRUE(tells_apart(ratio(1.01, 1.2, true)));
  EXPECT_TRUE(tells_apart(ratio(0.8, 0.99, true)));
  EXPECT_FALSE(tells_apart(ratio(0.9, 1.2, true)));
  EXPECT_FALSE(tells_apart(ratio(1, 1.2, true)));
  EXPECT_FALSE(tells_apart(ratio(0.9, 1, true)));
  EXPECT_FALSE(tells_apart(ratio(1.01, 1.2, false)));
}

}  // namespace
}  // namespace bench
