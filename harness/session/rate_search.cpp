#include "harness/session/rate_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/summary/regime.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr double grid = 1.05;
constexpr double begin_below = 0.9;  // an open loop breaks a little below what a closed one answers
constexpr std::uint32_t most_tries = 40;
constexpr std::uint32_t most_unknown = 18;
constexpr double most_unknown_ns = 20e9;  // at low rates, where each takes long
constexpr std::uint32_t most_unknown_of_a_rate = 3;
constexpr std::uint32_t enough = 2;  // tries of one mind on either side of the knee

constexpr double beyond_the_quantile = 10;  // requests
constexpr double spare = 1.1;               // of them, since random arrivals may be fewer
constexpr std::chrono::nanoseconds longest_lengthened = 20s;

// On the grid, where 1 request/s is step 0.
double place_of(double rate) { return std::log(std::max(rate, 1.0)) / std::log(grid); }

const int top_step = static_cast<int>(std::floor(place_of(max_rate)));  // of what a load generator takes

std::chrono::nanoseconds longest_try(std::chrono::nanoseconds usual) { return std::max(usual, longest_lengthened); }

// Who but the server may have caused what the sample shows; empty for nobody.
std::string other_cause(const Sample& sample) {
  const ServiceSample& service = *sample.service;
  if (sample.surroundings.others_busy >= disturbing_share) {
    return fmt::format("other processes used {:.0f}% of the CPUs", sample.surroundings.others_busy * 100);
  }
  if (service.judgement.limit == Limit::generator) return service.judgement.why_invalid;
  if (service.generator_idle < saturated_idle) return "the load generator was saturated";
  // Its lateness is in the latencies of an open loop.
  if (service.send_lag_p99_ns > sample.latency_ns[Shown::p99] / 2) return "the load generator was late";
  return {};
}

}  // namespace

double requests_needed(const Slo& slo) { return std::round(beyond_the_quantile / (1 - slo.quantile)); }

std::chrono::nanoseconds try_duration(double rate, const Slo& slo, std::chrono::nanoseconds usual) {
  const std::chrono::duration<double> wanted(spare * requests_needed(slo) / rate);
  const std::chrono::nanoseconds longest = longest_try(usual);
  if (wanted >= longest) return longest;
  return std::max(usual, std::chrono::duration_cast<std::chrono::nanoseconds>(wanted));
}

double lowest_rate(const Slo& slo, std::chrono::nanoseconds usual) {
  return spare * requests_needed(slo) / std::chrono::duration<double>(longest_try(usual)).count();
}

RateTry judge_rate(const Sample& sample, const Slo& slo) {
  const ServiceSample& service = *sample.service;
  const Judgement& judgement = service.judgement;
  RateTry tried;
  for (std::size_t i = 0; i < shown_percentiles.size(); ++i) {
    if (std::abs(shown_percentiles[i] / 100 - slo.quantile) < 1e-9) tried.quantile_ns = sample.latency_ns[i];
  }
  tried.requests = service.load.requests_answered() + service.load.requests_unfinished;
  tried.window_ns = static_cast<double>(service.load.wall_ns);
  const auto as = [&](TryOutcome outcome, std::string why) {
    tried.outcome = outcome;
    tried.why = std::move(why);
    return tried;
  };
  const std::string limit =
      judgement.valid ? fmt::format("limit {}", limit_name(judgement.limit)) : judgement.why_invalid;
  if (judgement.limit == Limit::errors) return as(TryOutcome::broken, limit);
  const std::string other = other_cause(sample);
  const auto missed = [&](std::string why) {
    return other.empty() ? as(TryOutcome::broken, std::move(why)) : as(TryOutcome::unknown, other);
  };
  if (judgement.limit == Limit::generator) return missed(limit);
  const bool met = judgement.limit == Limit::rate;
  // A server that answers nothing is to blame for that; figures that contradict each other are not its fault.
  if (!judgement.valid && (met || service.load.requests_answered() > 0)) return as(TryOutcome::unknown, limit);
  if (!met) return missed(limit);
  const std::string quantile = fmt::format("p{:g}", slo.quantile * 100);
  if (static_cast<double>(tried.requests) < requests_needed(slo)) {
    return as(TryOutcome::unknown, fmt::format("there were {} requests, and a {} needs {}",
                                               format_count(static_cast<double>(tried.requests)), quantile,
                                               format_count(requests_needed(slo))));
  }
  if (tried.quantile_ns <= static_cast<double>(slo.limit.count())) return as(TryOutcome::kept, {});
  return missed(fmt::format("{} {}", quantile, format_duration(tried.quantile_ns)));
}

bool RateSearch::Tries::given_up() const { return kept == broken && unknown >= most_unknown_of_a_rate; }

RateSearch::RateSearch(double capacity, double lowest)
    : lowest_step_(std::min(static_cast<int>(std::ceil(place_of(lowest))), top_step)),
      next_(std::clamp(static_cast<int>(std::floor(place_of(begin_below * capacity))), lowest_step_, top_step)) {}

// Whole numbers, but where those lie further apart than the grid.
double RateSearch::rate_of(int step) {
  const double rate = std::pow(grid, step);
  return rate < 100 ? std::round(rate * 100) / 100 : std::round(rate);
}

RateSearch::Bracket RateSearch::bracket() const {
  Bracket around;
  for (const auto& entry : tries_) {
    if (entry.second.breaks() || entry.second.given_up()) {
      around.above = &entry;
      break;
    }
    if (entry.second.holds()) around.held = &entry;
  }
  return around;
}

// Whether no rate lies between what holds and what does not.
bool RateSearch::closed(const Bracket& around) const {
  if (!around.above) return around.held && around.held->first >= top_step;
  return around.above->first == (around.held ? around.held->first + 1 : lowest_step_);
}

bool RateSearch::found(const Bracket& around) const {
  return closed(around) && around.above && around.above->second.broken >= enough && around.above->second.breaks() &&
         (!around.held || around.held->second.kept >= enough);
}

void RateSearch::tell(RateTry tried) {
  Tries& rate = tries_[*next_];
  ++tried_;
  switch (tried.outcome) {
    case TryOutcome::kept:
      ++rate.kept;
      rate.last_kept = std::move(tried);
      break;
    case TryOutcome::broken:
      ++rate.broken;
      rate.last_broken = std::move(tried);
      break;
    case TryOutcome::unknown:
      ++rate.unknown;
      ++unknown_;
      unknown_ns_ += tried.window_ns;
      rate.why_unknown = std::move(tried.why);
      break;
  }
  next_ = choose();
}

bool RateSearch::spoilt() const { return unknown_ >= most_unknown || unknown_ns_ >= most_unknown_ns; }

std::optional<int> RateSearch::choose() {
  if (tried_ >= most_tries || spoilt()) return std::nullopt;
  const Tries& last = tries_.at(*next_);
  if (last.kept == last.broken && !last.given_up()) return next_;
  const Bracket around = bracket();
  if (closed(around)) {
    stride_ = 1;  // where a second try moves the bracket, the knee is near
    return confirm(around);
  }
  if (around.held && around.above) return (around.held->first + around.above->first) / 2;
  // What is out of reach takes three tries, so that the next rate lies well below.
  if (!around.held && around.above->second.given_up()) stride_ = std::max(stride_, 8);
  const int stride = std::exchange(stride_, 2 * stride_);
  return around.held ? std::min(around.held->first + stride, top_step)
                     : std::max(around.above->first - stride, lowest_step_);
}

// The side of a closed bracket that rests on a single try; nothing where none does, or it cannot be told.
std::optional<int> RateSearch::confirm(const Bracket& around) const {
  const auto open = [](const Tries& tries, std::uint32_t same) {
    return same > 0 && same < enough && tries.unknown < most_unknown_of_a_rate;
  };
  if (around.held && open(around.held->second, around.held->second.kept)) return around.held->first;
  if (around.above && open(around.above->second, around.above->second.broken)) return around.above->first;
  return std::nullopt;
}

std::string RateSearch::why_not_found(const Bracket& around) const {
  if (found(around)) return {};
  if (next_) return "the search was cut short";
  for (const Step side : {around.above, around.held}) {
    if (!side || side->second.unknown < most_unknown_of_a_rate) continue;
    return fmt::format("{} in {} of {} tries at {}/s", side->second.why_unknown, side->second.unknown,
                       side->second.all(), format_count(rate_of(side->first)));
  }
  if (spoilt()) return fmt::format("{} of {} tries were spoilt by others than the server", unknown_, tried_);
  if (!around.above)
    return fmt::format("it keeps its promise at {}/s and no higher rate can be offered", format_count(max_rate));
  return fmt::format("{} tries did not settle it", tried_);
}

Knee RateSearch::knee() const {
  const Bracket around = bracket();
  Knee knee;
  knee.tries = tried_;
  knee.unknown_tries = unknown_;
  knee.why_not_found = why_not_found(around);
  for (const auto& [step, rate] : tries_) {
    if (!rate.breaks()) continue;
    knee.above_rate = rate_of(step);
    knee.above_quantile_ns = rate.last_broken.quantile_ns;
    knee.above_why = rate.last_broken.why;
    break;
  }
  if (!around.held) return knee;
  knee.rate = rate_of(around.held->first);
  knee.requests = around.held->second.last_kept.requests;
  const auto held = tries_.find(around.held->first);
  if (held != tries_.begin()) {
    knee.below_rate = rate_of(std::prev(held)->first);
    knee.below_quantile_ns = std::prev(held)->second.last_kept.quantile_ns;
  }
  return knee;
}

}  // namespace bench
