#include "harness/compare/significance.h"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

double log_of(double value) {
  if (!(value > 0) || !std::isfinite(value)) throw std::invalid_argument("a ratio needs positive values");
  return std::log(value);
}

// Of the number of heads among n coins.
std::vector<double> coins_at_most(std::size_t n) {
  std::vector<double> at_most;
  double sum = 0;
  double log_probability = -static_cast<double>(n) * std::numbers::ln2;  // 2^-n underflows from n = 1075 on
  for (std::size_t k = 0; k <= n; ++k) {
    sum += std::exp(log_probability);
    at_most.push_back(std::min(sum, 1.0));
    log_probability += std::log(static_cast<double>(n - k) / static_cast<double>(k + 1));
  }
  return at_most;
}

// Of the number of pairs, one of each series, whose first is the smaller, in a random order of n and m runs. The counts
// are the Gaussian binomial coefficient: the product of (1 - q^(m+i)) / (1 - q^i) for i from 1 to n.
std::vector<double> rank_sums_at_most(std::size_t n, std::size_t m) {
  const std::size_t pairs = n * m;
  std::vector<double> counts(pairs + 1, 0.0);
  counts[0] = 1;
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t u = pairs; u >= m + i; --u) counts[u] -= counts[u - m - i];
    for (std::size_t u = i; u <= pairs; ++u) counts[u] += counts[u - i];
  }
  std::partial_sum(counts.begin(), counts.end(), counts.begin());
  const double total = counts.back();
  for (double& count : counts) count /= total;
  return counts;
}

// Evenly spread ones, where there are more.
std::vector<double> thinned(std::span<const double> values) {
  constexpr std::size_t most = 2'000;
  if (values.size() <= most) return {values.begin(), values.end()};
  std::vector<double> kept;
  for (std::size_t i = 0; i < most; ++i) kept.push_back(values[i * values.size() / most]);
  return kept;
}

}  // namespace

RatioTest::RatioTest(std::vector<double> shifts, std::vector<double> at_most, std::size_t pairs)
    : shifts_(std::move(shifts)), at_most_(std::move(at_most)), pairs_(pairs) {
  std::ranges::sort(shifts_);
}

RatioTest RatioTest::paired(std::span<const double> numerators, std::span<const double> denominators) {
  if (numerators.size() != denominators.size()) throw std::invalid_argument("pairs need two series of the same length");
  if (numerators.empty()) throw std::invalid_argument("a ratio needs runs on both sides");
  std::vector<double> shifts;
  for (std::size_t i = 0; i < numerators.size(); ++i) shifts.push_back(log_of(numerators[i]) - log_of(denominators[i]));
  const std::size_t pairs = shifts.size();
  return {std::move(shifts), coins_at_most(pairs), pairs};
}

RatioTest RatioTest::unpaired(std::span<const double> numerators, std::span<const double> denominators) {
  constexpr std::size_t most_counted = 10'000;
  if (numerators.empty() || denominators.empty()) throw std::invalid_argument("a ratio needs runs on both sides");
  std::vector<double> above = thinned(numerators);
  std::vector<double> below = thinned(denominators);
  for (std::vector<double>* side : {&above, &below}) std::ranges::transform(*side, side->begin(), log_of);
  const std::size_t n = above.size();
  const std::size_t m = below.size();
  std::vector<double> shifts;
  shifts.reserve(n * m);
  for (const double numerator : above) {
    for (const double denominator : below) shifts.push_back(numerator - denominator);
  }
  if (n * m <= most_counted) return {std::move(shifts), rank_sums_at_most(n, m), std::min(n, m)};
  RatioTest test(std::move(shifts), {}, std::min(n, m));
  test.mean_ = static_cast<double>(n * m) / 2;
  test.deviation_ = std::sqrt(static_cast<double>(n * m) * static_cast<double>(n + m + 1) / 12);
  return test;
}

double RatioTest::p_of_rank(std::size_t rank) const {
  if (!at_most_.empty()) return std::min(2 * at_most_[rank], 1.0);
  // With a correction for continuity.
  const double distance = (static_cast<double>(rank) + 0.5 - mean_) / deviation_;
  return std::min(std::erfc(-distance / std::numbers::sqrt2), 1.0);
}

Ratio RatioTest::ratio(double level) const {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level must lie between 0 and 1");
  const double allowed = (1 - level) * (1 + 1e-9);
  std::size_t rank = 0;  // the interval ends at the rank-th from either end
  while (rank < shifts_.size() / 2 && p_of_rank(rank) <= allowed) ++rank;
  const std::size_t first = rank > 0 ? rank - 1 : 0;
  return {.effect = std::exp(median(shifts_)),
          .low = std::exp(shifts_[first]),
          .high = std::exp(shifts_[shifts_.size() - 1 - first]),
          .pairs = pairs_,
          .bounded = rank > 0};
}

double RatioTest::p_beyond(double bound) const {
  const double limit = std::log(bound);
  const auto not_above = std::ranges::upper_bound(shifts_, limit) - shifts_.begin();
  const auto not_below = shifts_.end() - std::ranges::lower_bound(shifts_, -limit);
  return p_of_rank(static_cast<std::size_t>(std::min(not_above, not_below)));
}

double RatioTest::least_p() const { return p_of_rank(0); }

double layout_share(std::span<const BuildPair> pairs, std::size_t builds) {
  constexpr double level = 0.95;
  if (builds < 2) return 0;
  // The variance of the means of the builds of one side.
  const auto variance = [&](std::size_t BuildPair::*side) {
    std::vector<double> sums(builds, 0.0);
    std::vector<double> counts(builds, 0.0);
    for (const BuildPair& pair : pairs) {
      sums[pair.*side] += pair.log_ratio;
      counts[pair.*side] += 1;
    }
    double mean = 0;
    for (std::size_t build = 0; build < builds; ++build) {
      if (counts[build] == 0) return std::numeric_limits<double>::infinity();
      sums[build] /= counts[build];
      mean += sums[build] / static_cast<double>(builds);
    }
    double squares = 0;
    for (const double each : sums) squares += (each - mean) * (each - mean);
    return squares / static_cast<double>(builds - 1);
  };
  const double error =
      std::sqrt((variance(&BuildPair::before) + variance(&BuildPair::after)) / static_cast<double>(builds));
  const boost::math::students_t distribution(static_cast<double>(2 * (builds - 1)));
  return std::expm1(boost::math::quantile(distribution, (1 + level) / 2) * error);
}

std::vector<bool> reject_by_holm(std::span<const double> p_values, double level) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t index) { return p_values[index]; });
  std::vector<bool> rejected(p_values.size(), false);
  for (std::size_t place = 0; place < order.size(); ++place) {
    const auto left = static_cast<double>(order.size() - place);
    if (p_values[order[place]] > level / left) break;
    rejected[order[place]] = true;
  }
  return rejected;
}

}  // namespace bench
