// Why: every latency figure passes through the histogram, so it is held against the exact
// percentiles of the sorted samples, whose ranks are computed here in whole numbers.
#include "measure/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace bench {
namespace {

using Samples = std::vector<std::int64_t>;

std::unique_ptr<Histogram> histogram_of(const Samples& samples) {
  auto histogram = std::make_unique<Histogram>();
  for (const std::int64_t sample : samples) histogram->record(sample);
  return histogram;
}

// From 0 inclusive to 1 exclusive; the standard distributions differ between libraries.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

Samples uniform_samples(std::size_t count) {
  std::mt19937_64 random(1);
  Samples samples(count);
  for (auto& sample : samples) sample = static_cast<std::int64_t>(uniform(random) * 5e6);
  return samples;
}

// Box and Muller's normal distribution, exponentiated: median 1 ms, tail to about a minute.
Samples log_normal_samples(std::size_t count) {
  std::mt19937_64 random(2);
  Samples samples(count);
  for (auto& sample : samples) {
    const double radius = std::sqrt(-2 * std::log1p(-uniform(random)));
    const double normal = radius * std::cos(2 * 3.14159265358979 * uniform(random));
    sample = static_cast<std::int64_t>(1e6 * std::exp(2.5 * normal));
  }
  return samples;
}

// A cache: nine in ten answers take about 200 ns, the others about 8 ms.
Samples bimodal_samples(std::size_t count) {
  std::mt19937_64 random(3);
  Samples samples(count);
  for (auto& sample : samples) {
    const double base = uniform(random) < 0.9 ? 200 : 8e6;
    sample = static_cast<std::int64_t>(base * (0.9 + 0.2 * uniform(random)));
  }
  return samples;
}

void expect_percentiles_of(Samples samples) {
  const auto histogram = histogram_of(samples);
  std::sort(samples.begin(), samples.end());
  ASSERT_EQ(histogram->count(), samples.size());
  EXPECT_EQ(histogram->min_ns(), samples.front());
  EXPECT_EQ(histogram->max_ns(), samples.back());
  for (const std::size_t per_mille : {1U, 10U, 100U, 250U, 500U, 750U, 900U, 990U, 999U, 1000U}) {
    const std::size_t rank = std::max<std::size_t>(1, (samples.size() * per_mille + 999) / 1000);
    const std::int64_t exact = samples[rank - 1];
    const std::int64_t reported = histogram->percentile_ns(static_cast<double>(per_mille) / 10);
    EXPECT_GE(reported, exact) << per_mille;
    EXPECT_LE(reported, exact + exact / 1024) << per_mille;
  }
}

TEST(Histogram, FollowsTheExactPercentilesOfAUniformDistribution) { expect_percentiles_of(uniform_samples(100'003)); }

TEST(Histogram, FollowsTheExactPercentilesOfALogNormalDistribution) {
  expect_percentiles_of(log_normal_samples(100'003));
}

TEST(Histogram, FollowsTheExactPercentilesOfABimodalDistribution) { expect_percentiles_of(bimodal_samples(100'003)); }

TEST(Histogram, ReportsAConstantExactly) {
  Histogram histogram;
  histogram.record(123'456'789, 1000);
  for (const double p : {0.0, 0.1, 50.0, 99.9, 100.0}) {
    EXPECT_EQ(histogram.percentile_ns(p), 123'456'789) << p;
  }
  EXPECT_DOUBLE_EQ(histogram.mean_ns(), 123'456'789.0);
}

TEST(Histogram, IsExactBelow2048Nanoseconds) {
  Histogram histogram;
  for (std::int64_t value = 0; value < 2000; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile_ns(0), 0);
  EXPECT_EQ(histogram.percentile_ns(0.05), 0);
  EXPECT_EQ(histogram.percentile_ns(0.051), 1);
  EXPECT_EQ(histogram.percentile_ns(50), 999);
  EXPECT_EQ(histogram.percentile_ns(50.001), 1000);
  EXPECT_EQ(histogram.percentile_ns(100), 1999);
  EXPECT_DOUBLE_EQ(histogram.mean_ns(), 999.5);
}

TEST(Histogram, RoundingOfThePercentileDoesNotSkipARank) {
  Histogram histogram;
  for (std::int64_t value = 1; value <= 10'000; ++value) histogram.record(value);
  // In binary, 0.07 * 10000 / 100 lies above 7; likewise for several of the others.
  for (int rank = 1; rank < 2048; ++rank) {
    ASSERT_EQ(histogram.percentile_ns(rank / 100.0), rank);
  }
}

TEST(Histogram, PercentilesOutsideTheRangeAreTheEnds) {
  const auto histogram = histogram_of({10, 20, 30});
  EXPECT_EQ(histogram->percentile_ns(-1), 10);
  EXPECT_EQ(histogram->percentile_ns(101), 30);
  EXPECT_EQ(histogram->percentile_ns(std::numeric_limits<double>::quiet_NaN()), 10);
}

TEST(Histogram, BucketsJoinWithoutGapsAndAreNarrow) {
  std::int64_t next = 0;
  for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
    const std::int64_t low = Histogram::lowest_ns(i);
    const std::int64_t high = Histogram::highest_ns(i);
    ASSERT_EQ(low, next) << i;
    ASSERT_EQ(Histogram::index_of(low), i);
    ASSERT_EQ(Histogram::index_of(high), i);
    ASSERT_LE((high - low) * 1024, low) << i;
    next = high + 1;
  }
  EXPECT_EQ(next, Histogram::max_value_ns + 1);
}

TEST(Histogram, KnownBucketBoundaries) {
  EXPECT_EQ(Histogram::index_of(2047), 2047U);
  EXPECT_EQ(Histogram::index_of(2048), 2048U);
  EXPECT_EQ(Histogram::index_of(2049), 2048U);
  EXPECT_EQ(Histogram::index_of(2050), 2049U);
  EXPECT_EQ(Histogram::highest_ns(2048), 2049);
  EXPECT_EQ(Histogram::index_of(4095), Histogram::index_of(4094));
  EXPECT_EQ(Histogram::index_of(4096), Histogram::index_of(4099));
  EXPECT_NE(Histogram::index_of(4096), Histogram::index_of(4100));
}

TEST(Histogram, ListsItsNonEmptyBuckets) {
  const auto histogram = histogram_of({5, 5, 4097, 4099, 4100});
  const std::vector<Histogram::Bucket> expected{{5, 5, 2}, {4096, 4099, 2}, {4100, 4103, 1}};
  EXPECT_EQ(histogram->buckets(), expected);
}

TEST(Histogram, ClampsValuesBeyondItsRange) {
  const auto histogram = histogram_of({-5, std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(histogram->min_ns(), 0);
  EXPECT_EQ(histogram->max_ns(), Histogram::max_value_ns);
  EXPECT_EQ(histogram->percentile_ns(50), 0);
  EXPECT_EQ(histogram->percentile_ns(100), Histogram::max_value_ns);
  const Histogram::Encoded expected{{0U, 1U}, {Histogram::bucket_count - 1, 1U}};
  EXPECT_EQ(histogram->encode(), expected);
}

TEST(Histogram, EmptyReportsZeros) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min_ns(), 0);
  EXPECT_EQ(histogram.max_ns(), 0);
  EXPECT_EQ(histogram.mean_ns(), 0);
  EXPECT_EQ(histogram.percentile_ns(99), 0);
  EXPECT_TRUE(histogram.buckets().empty());
  EXPECT_TRUE(histogram.encode().empty());
}

TEST(Histogram, AllZeroBytesAreAnEmptyHistogram) {
  Histogram zeroed;
  zeroed.record(77);
  std::memset(static_cast<void*>(&zeroed), 0, sizeof zeroed);
  EXPECT_TRUE(zeroed == Histogram{});
  zeroed.record(42);
  EXPECT_EQ(zeroed.min_ns(), 42);
  EXPECT_EQ(zeroed.percentile_ns(50), 42);
}

TEST(Histogram, ClearForgetsEverything) {
  const auto histogram = histogram_of({1, 1000, 1'000'000});
  histogram->clear();
  EXPECT_TRUE(*histogram == Histogram{});
}

TEST(Histogram, RecordingTimesIsRecordingRepeatedly) {
  Histogram at_once;
  at_once.record(5000, 3);
  at_once.record(7, 0);
  EXPECT_TRUE(at_once == *histogram_of({5000, 5000, 5000}));
}

TEST(Histogram, MergingIsRecordingEverything) {
  const Samples first = uniform_samples(10'000);
  const Samples second = bimodal_samples(3'000);
  Samples both = first;
  both.insert(both.end(), second.begin(), second.end());

  const auto merged = histogram_of(first);
  merged->merge(*histogram_of(second));
  EXPECT_TRUE(*merged == *histogram_of(both));
}

TEST(Histogram, MergingWithAnEmptyOneChangesNothing) {
  const auto some = histogram_of({30, 40});
  const auto merged = std::make_unique<Histogram>();
  merged->merge(*some);
  EXPECT_TRUE(*merged == *some);
  merged->merge(Histogram{});
  EXPECT_TRUE(*merged == *some);
}

TEST(Histogram, SurvivesEncodingAndDecoding) {
  const auto original = histogram_of(log_normal_samples(20'000));
  const auto decoded = Histogram::decode(original->encode());
  ASSERT_NE(decoded, nullptr);
  EXPECT_EQ(decoded->count(), original->count());
  EXPECT_EQ(decoded->encode(), original->encode());
  EXPECT_EQ(decoded->buckets(), original->buckets());
  EXPECT_EQ(decoded->percentile_ns(99), original->percentile_ns(99));
  EXPECT_NEAR(decoded->mean_ns(), original->mean_ns(), original->mean_ns() / 2048);
  EXPECT_EQ(decoded->min_ns(), original->buckets().front().low_ns);
  EXPECT_EQ(decoded->max_ns(), original->buckets().back().high_ns);
}

TEST(Histogram, DecodingKnownPairs) {
  const auto decoded = Histogram::decode(Histogram::Encoded{{2048, 2}, {100, 1}, {2048, 1}, {9, 0}});
  ASSERT_NE(decoded, nullptr);
  const std::vector<Histogram::Bucket> expected{{100, 100, 1}, {2048, 2049, 3}};
  EXPECT_EQ(decoded->buckets(), expected);
  EXPECT_EQ(decoded->min_ns(), 100);
  EXPECT_EQ(decoded->max_ns(), 2049);
  EXPECT_TRUE(*Histogram::decode(Histogram::Encoded{}) == Histogram{});

  const auto one = Histogram::decode(Histogram::Encoded{{4096, 1}});
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->min_ns(), 8192);
  EXPECT_EQ(one->max_ns(), 8199);
  EXPECT_EQ(one->mean_ns(), 8195);
}

TEST(Histogram, DecodingRefusesImpossiblePairs) {
  constexpr auto last = static_cast<std::uint32_t>(Histogram::bucket_count - 1);
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_NE(Histogram::decode(Histogram::Encoded{{last, 1}}), nullptr);
  EXPECT_EQ(Histogram::decode(Histogram::Encoded{{last + 1, 1}}), nullptr);
  EXPECT_EQ(Histogram::decode(Histogram::Encoded{{1, most}, {2, 1}}), nullptr);
}

}  // namespace
}  // namespace bench
