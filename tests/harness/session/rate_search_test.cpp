// Why: a knee is the product of a few tries, so the search is held against servers whose knee is known.
#include "harness/session/rate_search.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/service_example.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::Le;
using testing::Lt;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

// What a try comes to: `nth` counts those of the rate, from 0.
using Script = std::function<TryOutcome(double rate, std::size_t nth)>;

struct Found {
  Knee knee;
  std::vector<double> rates;  // in the order they were tried
};

// The latency tells the rate.
Found search(double capacity, const Script& script, double lowest = 1) {
  RateSearch search(capacity, lowest);
  Found found;
  while (!search.done() && found.rates.size() < 100) {
    const double rate = search.next_rate();
    const auto nth = static_cast<std::size_t>(std::ranges::count(found.rates, rate));
    RateTry tried{.outcome = script(rate, nth), .quantile_ns = rate, .requests = 5000};
    if (tried.outcome == TryOutcome::broken) tried.why = "p99 too long";
    if (tried.outcome == TryOutcome::unknown) tried.why = "the load generator was the limit";
    found.rates.push_back(rate);
    search.tell(tried);
  }
  found.knee = search.knee();
  return found;
}

// A server that keeps the promise up to `knee` requests/s.
Script server_of(double knee) {
  return [knee](double rate, std::size_t) { return rate <= knee ? TryOutcome::kept : TryOutcome::broken; };
}

// How often each rate was tried, of those that were tried more than once.
std::map<double, std::ptrdiff_t> repeated(const Found& found) {
  std::map<double, std::ptrdiff_t> times;
  for (const double rate : found.rates) times[rate] = std::ranges::count(found.rates, rate);
  std::erase_if(times, [](const auto& entry) { return entry.second == 1; });
  return times;
}

TEST(RateSearch, FindsTheKneeOfAnyServerOnItsGrid) {
  for (const double capacity : {1.0, 20.0, 150.0, 1000.0, 54'321.0, 2e6}) {
    for (double share = 0.02; share < 20; share *= 1.07) {
      const double true_knee = std::max(capacity * share, 1.0);
      const Found found = search(capacity, server_of(true_knee));
      EXPECT_LE(found.knee.rate, true_knee) << capacity << " " << share;
      EXPECT_GT(found.knee.rate * 1.06, true_knee) << capacity << " " << share;
      EXPECT_GT(found.knee.above_rate, true_knee);
      EXPECT_NEAR(found.knee.above_rate / found.knee.rate, 1.05, 0.01);
      EXPECT_LE(found.rates.size(), 16U) << capacity << " " << share;
      EXPECT_EQ(found.knee.tries, found.rates.size());
      EXPECT_EQ(found.knee.unknown_tries, 0U);
      EXPECT_EQ(found.knee.requests, 5000U);
      EXPECT_EQ(found.knee.why_not_found, "");
    }
  }
}

TEST(RateSearch, TriesBothSidesOfTheKneeTwiceAndNoOtherRateNorOneThatIsDecided) {
  for (double knee = 10; knee < 1e6; knee *= 1.3) {
    double held = 0;
    double broke = 1e300;
    const Found found = search(3000, server_of(knee));
    for (std::size_t i = 0; i + 2 < found.rates.size(); ++i) {
      const double rate = found.rates[i];
      EXPECT_GT(rate, held) << knee;
      EXPECT_LT(rate, broke) << knee;
      (rate <= knee ? held : broke) = rate;
    }
    EXPECT_THAT(repeated(found), ElementsAre(Pair(found.knee.rate, 2), Pair(found.knee.above_rate, 2))) << knee;
  }
}

TEST(RateSearch, NamesTheNearestRatesThatWereTried) {
  const Found found = search(10'000, server_of(4000));
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
  EXPECT_THAT(RateSearch(10, 55).next_rate(), AllOf(Ge(55), Lt(55 * 1.06)));
}

// Any one try that fails by accident, wherever it comes, costs tries and not the result.
TEST(RateSearch, FindsTheSameKneeThoughOneTryFailsByAccident) {
  for (const double knee : {3000.0, 9000.0, 40'000.0}) {
    const Found undisturbed = search(10'000, server_of(knee));
    for (std::size_t failing = 0; failing < undisturbed.rates.size(); ++failing) {
      std::size_t count = 0;
      const Found found = search(10'000, [&](double rate, std::size_t) {
        return rate <= knee && count++ != failing ? TryOutcome::kept : TryOutcome::broken;
      });
      EXPECT_EQ(found.knee.rate, undisturbed.knee.rate) << knee << " " << failing;
      EXPECT_EQ(found.knee.above_rate, undisturbed.knee.above_rate) << knee << " " << failing;
      EXPECT_EQ(found.knee.why_not_found, "");
      EXPECT_LE(found.rates.size(), 30U);
    }
  }
}

TEST(RateSearch, FindsTheSameKneeThoughOneTryHoldsByAccident) {
  const double knee = 5000;
  const Found undisturbed = search(10'000, server_of(knee));
  for (std::size_t holding = 0; holding < undisturbed.rates.size(); ++holding) {
    std::size_t count = 0;
    const Found found = search(10'000, [&](double rate, std::size_t) {
      return rate <= knee || count++ == holding ? TryOutcome::kept : TryOutcome::broken;
    });
    EXPECT_EQ(found.knee.rate, undisturbed.knee.rate) << holding;
    EXPECT_EQ(found.knee.why_not_found, "");
  }
}

// A busy moment at the beginning: each rate of the way down breaks once, though the knee lies above all of them.
TEST(RateSearch, TakesBackRatesThatBrokeBelowOneThatHolds) {
  std::size_t count = 0;
  const Found found = search(10'000, [&](double rate, std::size_t) {
    return count++ < 4 || rate > 20'000 ? TryOutcome::broken : TryOutcome::kept;
  });
  EXPECT_THAT(found.knee.rate, AllOf(Le(20'000), Gt(20'000 / 1.06)));
  EXPECT_EQ(found.knee.why_not_found, "");
}

TEST(RateSearch, TriesAgainWhatIsUnknown) {
  std::size_t count = 0;
  const Found undisturbed = search(10'000, server_of(7000));
  const Found found = search(10'000, [&](double rate, std::size_t nth) {
    ++count;
    return nth == 0 && count % 2 == 1 ? TryOutcome::unknown : server_of(7000)(rate, nth);
  });
  EXPECT_EQ(found.knee.rate, undisturbed.knee.rate);
  EXPECT_EQ(found.knee.above_rate, undisturbed.knee.above_rate);
  EXPECT_EQ(found.knee.why_not_found, "");
  EXPECT_GT(found.knee.unknown_tries, 0U);
  EXPECT_EQ(found.knee.tries, found.rates.size());
}

TEST(RateSearch, NamesWhatWasInTheWayOfTheKnee) {
  const Found found = search(10'000, [](double rate, std::size_t) {
    return rate > 12'000 ? TryOutcome::unknown : TryOutcome::kept;  // the generator gives no more
  });
  EXPECT_THAT(found.knee.rate, AllOf(Le(12'000), Gt(12'000 / 1.06)));
  EXPECT_EQ(found.knee.above_rate, 0);
  EXPECT_THAT(found.knee.why_not_found,
              AllOf(StartsWith("the load generator was the limit in 3 of 3 tries at 12,"), EndsWith("/s")));
  EXPECT_LE(found.knee.unknown_tries, 18U);
}

TEST(RateSearch, FindsAKneeBelowWhatTheGeneratorCanOffer) {
  const Found found = search(10'000, [](double rate, std::size_t nth) {
    return rate > 8500 ? TryOutcome::unknown : server_of(5000)(rate, nth);
  });
  EXPECT_THAT(found.knee.rate, AllOf(Le(5000), Gt(5000 / 1.06)));
  EXPECT_GT(found.knee.above_rate, 5000);
  EXPECT_EQ(found.knee.why_not_found, "");
}

TEST(RateSearch, ReachesWhatIsKnownFarBelowWhatIsNot) {
  const Found found = search(100'000, [](double rate, std::size_t nth) {
    return rate > 20'000 ? TryOutcome::unknown : server_of(5000)(rate, nth);
  });
  EXPECT_THAT(found.knee.rate, AllOf(Le(5000), Gt(5000 / 1.06)));
  EXPECT_EQ(found.knee.why_not_found, "");
}

TEST(RateSearch, EndsSoonWhereNothingCanBeKnown) {
  const Found found = search(10'000, [](double, std::size_t) { return TryOutcome::unknown; });
  EXPECT_EQ(found.knee.rate, 0);
  EXPECT_EQ(found.knee.above_rate, 0);
  EXPECT_THAT(found.rates, SizeIs(18));
  EXPECT_THAT(found.knee.why_not_found, StartsWith("the load generator was the limit in 3 of 3 tries at "));
}

// At low rates a try takes up to 20 seconds for its requests.
TEST(RateSearch, EndsSoonWhereTriesThatTellNothingAreLong) {
  RateSearch search(100);
  double spent_ns = 0;
  for (; !search.done(); spent_ns += 7e9) {
    search.tell({.outcome = TryOutcome::unknown, .requests = 5000, .window_ns = 7e9, .why = "others"});
  }
  EXPECT_EQ(spent_ns, 21e9);
  EXPECT_EQ(search.knee().why_not_found, "others in 3 of 3 tries at 89.0/s");
  RateSearch known(100);
  for (int tries = 0; tries < 10 && !known.done(); ++tries) {
    known.tell({.outcome = TryOutcome::kept, .requests = 5000, .window_ns = 20e9});
  }
  EXPECT_FALSE(known.done());  // what tells something takes the time that it needs
}

TEST(RateSearch, TakesNoSingleTryForAKnee) {
  // After their first, tries of either side come to nothing.
  for (const bool below : {true, false}) {
    const Found found = search(10'000, [&](double rate, std::size_t nth) {
      return nth > 0 && (rate <= 7000) == below ? TryOutcome::unknown : server_of(7000)(rate, nth);
    });
    EXPECT_THAT(found.knee.why_not_found, StartsWith("the load generator was the limit in 3 of 4 tries at ")) << below;
    EXPECT_THAT(found.knee.rate, AllOf(Le(7000), Gt(7000 / 1.06)));
    EXPECT_GT(found.knee.above_rate, 7000);
  }
}

TEST(RateSearch, SaysSoWhenNoRateHolds) {
  for (const double capacity : {0.0, 50.0, 1e5}) {
    const Found found = search(capacity, server_of(0));
    EXPECT_EQ(found.knee.rate, 0) << capacity;
    EXPECT_EQ(found.knee.above_rate, 1) << capacity;
    EXPECT_EQ(found.knee.below_rate, 0) << capacity;
    EXPECT_EQ(found.knee.why_not_found, "");  // that is known
    EXPECT_LE(found.rates.size(), 14U) << capacity;
  }
  EXPECT_THAT(search(1e5, server_of(0), 55).rates, Each(Ge(55)));
}

TEST(RateSearch, EndsWhereEveryRateHolds) {
  for (const double capacity : {0.0, 1e5, 1e12}) {
    const Found found = search(capacity, server_of(1e300));
    EXPECT_EQ(found.knee.above_rate, 0);
    EXPECT_LE(found.knee.rate, max_rate);
    EXPECT_GT(found.knee.rate, max_rate / 1.06);
    EXPECT_LE(found.rates.size(), 15U);
    EXPECT_THAT(found.knee.why_not_found, HasSubstr("no higher rate can be offered"));
  }
}

TEST(RateSearch, EndsUnderAServerOfMoods) {
  std::minstd_rand random(1);
  for (int i = 0; i < 1000; ++i) {
    const Found found = search(10'000, [&](double, std::size_t) { return static_cast<TryOutcome>(random() % 3); });
    EXPECT_LE(found.rates.size(), 40U);
    EXPECT_LE(found.knee.unknown_tries, 18U);
    EXPECT_TRUE(found.knee.above_rate == 0 || found.knee.above_rate > found.knee.rate);
    EXPECT_TRUE(!found.knee.why_not_found.empty() || found.knee.above_rate > 0);
  }
}

TEST(RateSearch, SaysThatItWasCutShort) {
  RateSearch search(1000);
  EXPECT_EQ(search.knee().why_not_found, "the search was cut short");
  search.tell({.outcome = TryOutcome::kept});
  EXPECT_EQ(search.knee().why_not_found, "the search was cut short");
  EXPECT_GT(search.knee().rate, 0);
}

// ---- How long a try is ----

TEST(TryDuration, IsEnoughForTheRequestsThatAQuantileNeeds) {
  EXPECT_EQ(requests_needed({.quantile = 0.5}), 20);
  EXPECT_EQ(requests_needed({.quantile = 0.99}), 1000);
  EXPECT_EQ(requests_needed({.quantile = 0.999}), 10'000);
  EXPECT_EQ(try_duration(10'000, {}, 2s), 2s);
  EXPECT_EQ(try_duration(10'000, {}, 50ms), 110ms);
  EXPECT_EQ(try_duration(110, {}, 2s), 10s);
  EXPECT_EQ(try_duration(1, {}, 2s), 20s);
  EXPECT_EQ(try_duration(1, {}, 1min), 1min);
  EXPECT_NEAR(lowest_rate({}, 2s), 55, 1e-6);
  EXPECT_NEAR(lowest_rate({}, 110s), 10, 1e-6);
  EXPECT_NEAR(lowest_rate({.quantile = 0.999}, 2s), 550, 1e-6);
}

// ---- Whether a rate holds ----

Sample sample_at(double latency_ns, Limit limit = Limit::rate, double requests = 10'000) {
  ServiceExample example({"epoll"}, RateMode::search, 1000);
  Sample sample = example.add(0, requests, 5000, limit);
  sample.latency_ns = {latency_ns / 4, latency_ns / 2, latency_ns, 2 * latency_ns};
  return sample;
}

constexpr Slo promise{.quantile = 0.99, .limit = 10ms};

TryOutcome outcome(const Sample& sample, const Slo& slo = promise) { return judge_rate(sample, slo).outcome; }

TEST(JudgeRate, HoldsThePercentileOfThePromiseAgainstItsLimit) {
  const RateTry kept = judge_rate(sample_at(9e6), promise);
  EXPECT_EQ(kept.outcome, TryOutcome::kept);
  EXPECT_EQ(kept.quantile_ns, 9e6);
  EXPECT_EQ(kept.requests, 10'000U);
  EXPECT_EQ(kept.why, "");
  const RateTry broken = judge_rate(sample_at(11e6), promise);
  EXPECT_EQ(broken.outcome, TryOutcome::broken);
  EXPECT_EQ(broken.why, "p99 11.0 ms");
  EXPECT_EQ(outcome(sample_at(9e6), {.quantile = 0.999, .limit = 10ms}), TryOutcome::broken);
  EXPECT_EQ(outcome(sample_at(11e6), {.quantile = 0.9, .limit = 10ms}), TryOutcome::kept);
  EXPECT_EQ(outcome(sample_at(11e6), {.quantile = 0.5, .limit = 10ms}), TryOutcome::kept);
}

TEST(JudgeRate, BlamesTheServerForARateThatWasNotMet) {
  for (const Limit limit : {Limit::server, Limit::latency, Limit::starved, Limit::errors}) {
    const RateTry tried = judge_rate(sample_at(1e6, limit), promise);
    EXPECT_EQ(tried.outcome, TryOutcome::broken);
    EXPECT_EQ(tried.why, "limit " + std::string(limit_name(limit)));
  }
  Sample wrong = sample_at(1e6, Limit::errors);
  wrong.service->judgement = {.limit = Limit::errors, .valid = false, .why_invalid = "1 wrong replies"};
  EXPECT_EQ(judge_rate(wrong, promise).why, "1 wrong replies");
  EXPECT_EQ(outcome(wrong), TryOutcome::broken);
  Sample silent = sample_at(0, Limit::starved, 0);
  silent.service->judgement = {.limit = Limit::starved, .valid = false, .why_invalid = "no request was answered"};
  EXPECT_EQ(outcome(silent), TryOutcome::broken);
}

TEST(JudgeRate, KnowsNothingOfTheServerWhereTheGeneratorWasTheLimit) {
  Sample sample = sample_at(50e6, Limit::generator);
  sample.service->judgement.valid = false;
  sample.service->judgement.why_invalid = generator_was_late;
  EXPECT_EQ(outcome(sample), TryOutcome::unknown);
  EXPECT_EQ(judge_rate(sample, promise).why, generator_was_late);
  sample.surroundings.others_busy = 0.4;  // who made it so
  EXPECT_EQ(outcome(sample), TryOutcome::unknown);
  EXPECT_EQ(judge_rate(sample, promise).why, "other processes used 40% of the CPUs");
  Sample saturated = sample_at(11e6);
  saturated.service->generator_idle = 0.05;
  EXPECT_EQ(judge_rate(saturated, promise).why, "the load generator was saturated");
  EXPECT_EQ(outcome(saturated), TryOutcome::unknown);
  saturated.latency_ns[Shown::p99] = 9e6;
  EXPECT_EQ(outcome(saturated), TryOutcome::kept);  // all the same
  Sample late = sample_at(11e6);
  late.service->send_lag_p99_ns = 6e6;
  EXPECT_EQ(judge_rate(late, promise).why, "the load generator was late");
  EXPECT_EQ(outcome(late), TryOutcome::unknown);
}

TEST(JudgeRate, SaysHowLongItTook) {
  Sample sample = sample_at(9e6);
  sample.service->load.wall_ns = 123'000'000;
  EXPECT_EQ(judge_rate(sample, promise).window_ns, 123e6);
}

TEST(JudgeRate, KnowsNothingOfTheServerWhereOthersTookTheCpus) {
  for (const Limit limit : {Limit::rate, Limit::server, Limit::latency, Limit::starved}) {
    Sample sample = sample_at(11e6, limit);
    sample.surroundings.others_busy = 0.4;
    EXPECT_EQ(outcome(sample), TryOutcome::unknown);
    EXPECT_EQ(judge_rate(sample, promise).why, "other processes used 40% of the CPUs");
  }
  Sample kept = sample_at(9e6);
  kept.surroundings.others_busy = 0.4;
  EXPECT_EQ(outcome(kept), TryOutcome::kept);  // in spite of them
  Sample failed = sample_at(9e6, Limit::errors);
  failed.surroundings.others_busy = 0.4;
  EXPECT_EQ(outcome(failed), TryOutcome::broken);  // no neighbour makes a reply wrong
}

TEST(JudgeRate, KnowsNothingFromFiguresThatContradictEachOther) {
  for (const Limit limit : {Limit::rate, Limit::server}) {
    Sample sample = sample_at(1e6, limit);
    sample.service->judgement = {.limit = limit, .valid = false, .why_invalid = "Little's law"};
    EXPECT_EQ(outcome(sample), TryOutcome::unknown);
    EXPECT_EQ(judge_rate(sample, promise).why, "Little's law");
  }
}

TEST(JudgeRate, KnowsNothingFromTooFewRequests) {
  EXPECT_EQ(outcome(sample_at(1e6, Limit::rate, 1000)), TryOutcome::kept);
  for (const double latency_ns : {1e6, 11e6}) {
    const RateTry tried = judge_rate(sample_at(latency_ns, Limit::rate, 15), promise);
    EXPECT_EQ(tried.outcome, TryOutcome::unknown);
    EXPECT_EQ(tried.why, "there were 15 requests, and a p99 needs 1,000");
  }
  Sample unanswered = sample_at(11e6, Limit::rate, 15);
  unanswered.service->load.requests_unfinished = 985;  // they have their age
  EXPECT_EQ(outcome(unanswered), TryOutcome::broken);
  EXPECT_EQ(outcome(sample_at(1e6, Limit::server, 15)), TryOutcome::broken);  // the rate was not met, in any case
}

}  // namespace
}  // namespace bench
