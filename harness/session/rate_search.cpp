#include "harness/session/rate_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr double grid = 1.05;
constexpr double begin_below = 0.9;  // an open loop breaks a little below what a closed one answers
constexpr std::size_t most_tries = 14;

int step_below(double rate) { return static_cast<int>(std::floor(std::log(std::max(rate, 1.0)) / std::log(grid))); }

const int top_step = step_below(max_rate);  // of what a load generator takes

// The highest step that held below all that broke, and the lowest that broke.
struct Bracket {
  const int* held = nullptr;
  const int* broke = nullptr;
};

Bracket bracket_of(const std::map<int, RateTry>& tries) {
  Bracket bracket;
  for (const auto& [step, tried] : tries) {
    if (!tried.kept) {
      bracket.broke = &step;
      break;
    }
    bracket.held = &step;
  }
  return bracket;
}

}  // namespace

RateTry judge_rate(const Sample& sample, const Slo& slo) {
  const ServiceSample& service = *sample.service;
  RateTry tried;
  for (std::size_t i = 0; i < shown_percentiles.size(); ++i) {
    if (std::abs(shown_percentiles[i] / 100 - slo.quantile) < 1e-9) tried.quantile_ns = sample.latency_ns[i];
  }
  const auto limit_ns = static_cast<double>(slo.limit.count());
  if (!service.judgement.valid) {
    tried.why = service.judgement.why_invalid;
  } else if (tried.quantile_ns > limit_ns) {
    tried.why = fmt::format("p{:g} {}", slo.quantile * 100, format_duration(tried.quantile_ns));
  } else if (service.judgement.limit != Limit::rate) {
    tried.why = fmt::format("limit {}", limit_name(service.judgement.limit));
  } else {
    tried.kept = true;
  }
  return tried;
}

RateSearch::RateSearch(double capacity) : next_(std::min(step_below(begin_below * capacity), top_step)) {}

// Whole numbers, but where those lie further apart than the grid.
double RateSearch::rate_of(int step) {
  const double rate = std::pow(grid, step);
  return rate < 100 ? std::round(rate * 100) / 100 : std::round(rate);
}

bool RateSearch::done() const {
  const Bracket bracket = bracket_of(tries_);
  const bool narrow = bracket.held && bracket.broke && *bracket.broke - *bracket.held == 1;
  const bool at_the_bottom = !bracket.held && bracket.broke && *bracket.broke <= 0;
  const bool at_the_top = bracket.held && *bracket.held == top_step;
  return narrow || at_the_bottom || at_the_top || tries_.size() >= most_tries;
}

void RateSearch::tell(const RateTry& tried) {
  tries_[next_] = tried;
  if (done()) return;
  next_ = next_step();
  stride_ *= 2;
}

int RateSearch::next_step() const {
  const Bracket bracket = bracket_of(tries_);
  if (bracket.held && bracket.broke) return (*bracket.held + *bracket.broke) / 2;
  if (bracket.held) return std::min(*bracket.held + stride_, top_step);
  return std::max(*bracket.broke - stride_, 0);
}

Knee RateSearch::knee() const {
  const Bracket bracket = bracket_of(tries_);
  Knee knee;
  knee.tries = static_cast<std::uint32_t>(tries_.size());
  if (bracket.broke) {
    const RateTry& above = tries_.at(*bracket.broke);
    knee.above_rate = rate_of(*bracket.broke);
    knee.above_quantile_ns = above.quantile_ns;
    knee.above_why = above.why;
  }
  if (!bracket.held) return knee;
  knee.rate = rate_of(*bracket.held);
  const auto held = tries_.find(*bracket.held);
  if (held != tries_.begin()) {
    knee.below_rate = rate_of(std::prev(held)->first);
    knee.below_quantile_ns = std::prev(held)->second.quantile_ns;
  }
  return knee;
}

}  // namespace bench
