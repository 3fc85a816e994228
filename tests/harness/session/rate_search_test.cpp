// Why: a knee is the product of a few tries, so the search is held against servers whose knee is known.
#include "harness/session/rate_search.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/service_example.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A server that keeps the promise up to `knee` requests/s: its latency tells the rate.
RateTry answer(double rate, double knee) {
  return {.kept = rate <= knee, .quantile_ns = rate, .why = rate <= knee ? "" : "p99 too long"};
}

struct Found {
  Knee knee;
  std::vector<double> rates;  // in the order they were tried
};

Found search(double capacity, double knee) {
  RateSearch search(capacity);
  Found found;
  while (!search.done() && found.rates.size() < 100) {
    found.rates.push_back(search.next_rate());
    search.tell(answer(search.next_rate(), knee));
  }
  found.knee = search.knee();
  return found;
}

TEST(RateSearch, FindsTheKneeOfAnyServerOnItsGrid) {
  for (const double capacity : {1.0, 20.0, 150.0, 1000.0, 54'321.0, 2e6}) {
    for (double share = 0.02; share < 20; share *= 1.07) {
      const double true_knee = std::max(capacity * share, 1.0);
      const Found found = search(capacity, true_knee);
      EXPECT_LE(found.knee.rate, true_knee) << capacity << " " << share;
      EXPECT_GT(found.knee.rate * 1.06, true_knee) << capacity << " " << share;
      EXPECT_GT(found.knee.above_rate, true_knee);
      EXPECT_NEAR(found.knee.above_rate / found.knee.rate, 1.05, 0.01);
      EXPECT_LE(found.rates.size(), 14U) << capacity << " " << share;
      EXPECT_EQ(found.knee.tries, found.rates.size());
    }
  }
}

TEST(RateSearch, NeverTriesARateTwiceNorOneThatIsDecided) {
  for (double knee = 10; knee < 1e6; knee *= 1.3) {
    double held = 0;
    double broke = 1e300;
    for (const double rate : search(3000, knee).rates) {
      EXPECT_GT(rate, held) << knee;
      EXPECT_LT(rate, broke) << knee;
      (rate <= knee ? held : broke) = rate;
    }
  }
}

TEST(RateSearch, NamesTheNearestRatesThatWereTried) {
  const Found found = search(10'000, 4000);
  double above = 1e300;
  double below = 0;
  for (const double rate : found.rates) {
    if (rate > found.knee.rate) above = std::min(above, rate);
    if (rate < found.knee.rate) below = std::max(below, rate);
  }
  EXPECT_EQ(found.knee.above_rate, above);
  EXPECT_EQ(found.knee.above_quantile_ns, above);
  EXPECT_EQ(found.knee.above_why, "p99 too long");
  EXPECT_EQ(found.knee.below_rate, below);
  EXPECT_EQ(found.knee.below_quantile_ns, below);
}

TEST(RateSearch, BeginsALittleBelowWhatTheClosedLoopAnswers) {
  EXPECT_NEAR(RateSearch(10'000).next_rate(), 9000, 9000 * 0.05);
  EXPECT_EQ(RateSearch(0).next_rate(), 1);  // the closed loop failed
}

TEST(RateSearch, SaysSoWhenNoRateHolds) {
  for (const double capacity : {0.0, 50.0, 1e5}) {
    const Found found = search(capacity, 0);
    EXPECT_EQ(found.knee.rate, 0) << capacity;
    EXPECT_GE(found.knee.above_rate, 1) << capacity;
    EXPECT_EQ(found.knee.below_rate, 0) << capacity;
    EXPECT_LE(found.rates.size(), 14U) << capacity;
  }
}

TEST(RateSearch, EndsWhereEveryRateHolds) {
  for (const double capacity : {0.0, 1e5, 1e12}) {
    const Found found = search(capacity, 1e300);
    EXPECT_EQ(found.knee.above_rate, 0);
    EXPECT_LE(found.knee.rate, max_rate);
    EXPECT_GT(found.knee.rate, max_rate / 1.06);
    EXPECT_LE(found.rates.size(), 14U);
  }
}

// ---- Whether a rate holds ----

Sample sample_at(double latency_ns, Limit limit = Limit::rate) {
  ServiceExample example({"epoll"}, RateMode::search, 1000);
  Sample sample = example.add(0, 1000, 5000, limit);
  sample.latency_ns = {latency_ns / 4, latency_ns / 2, latency_ns, 2 * latency_ns};
  return sample;
}

TEST(JudgeRate, HoldsThePercentileOfThePromiseAgainstItsLimit) {
  EXPECT_TRUE(judge_rate(sample_at(9e6), {.quantile = 0.99, .limit = 10ms}).kept);
  EXPECT_EQ(judge_rate(sample_at(9e6), {.quantile = 0.99, .limit = 10ms}).quantile_ns, 9e6);
  const RateTry broken = judge_rate(sample_at(11e6), {.quantile = 0.99, .limit = 10ms});
  EXPECT_FALSE(broken.kept);
  EXPECT_EQ(broken.why, "p99 11.0 ms");
  EXPECT_FALSE(judge_rate(sample_at(9e6), {.quantile = 0.999, .limit = 10ms}).kept);
  EXPECT_TRUE(judge_rate(sample_at(11e6), {.quantile = 0.9, .limit = 10ms}).kept);
  EXPECT_TRUE(judge_rate(sample_at(11e6), {.quantile = 0.5, .limit = 10ms}).kept);
}

TEST(JudgeRate, TakesOnlyRatesThatWereMet) {
  EXPECT_EQ(judge_rate(sample_at(1e6, Limit::server), {}).why, "limit server");
  Sample sample = sample_at(1e6);
  sample.service->judgement = {.limit = Limit::rate, .valid = false, .why_invalid = "1 wrong reply"};
  EXPECT_FALSE(judge_rate(sample, {}).kept);
  EXPECT_THAT(judge_rate(sample, {}).why, HasSubstr("wrong reply"));
}

}  // namespace
}  // namespace bench
