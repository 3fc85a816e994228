// Why: see the header. All functions sort a copy, for a plan has dozens of samples, not millions.
#include "harness/summary/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

std::vector<double> sorted(std::span<const double> samples) {
  if (samples.empty()) throw std::invalid_argument("no samples");
  if (!std::all_of(samples.begin(), samples.end(), [](double x) { return std::isfinite(x); })) {
    throw std::invalid_argument("a sample is not finite");
  }
  std::vector<double> values(samples.begin(), samples.end());
  std::sort(values.begin(), values.end());
  return values;
}

double middle(const std::vector<double>& ascending) {
  const std::size_t half = ascending.size() / 2;
  if (ascending.size() % 2 == 1) return ascending[half];
  return std::midpoint(ascending[half - 1], ascending[half]);
}

bool is_positive(double value) { return value > 0 && std::isfinite(value); }

}  // namespace

double Estimate::half_width() const {
  const double width = std::max(high - median, median - low);
  if (width == 0) return 0;
  if (median == 0) return std::numeric_limits<double>::infinity();
  return width / std::abs(median);
}

double median(std::span<const double> samples) { return middle(sorted(samples)); }

std::size_t median_interval_rank(std::size_t samples, double level) {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level must lie between 0 and 1");
  // A level such as 31/32 is met exactly by some sizes; rounding must not lose those.
  const double allowed = (1 - level) * (1 + 1e-9);
  const auto n = static_cast<double>(samples);
  // Logarithms, because 2^-n underflows from n = 1075 on.
  double log_probability = -n * std::numbers::ln2;
  double at_most = std::exp(log_probability);
  std::size_t k = 0;
  while (k < samples / 2 && 2 * at_most <= allowed) {
    const auto i = static_cast<double>(k);
    log_probability += std::log((n - i) / (i + 1));
    at_most += std::exp(log_probability);
    ++k;
  }
  return k;
}

Estimate median_estimate(std::span<const double> samples, double level) {
  const std::vector<double> values = sorted(samples);
  const std::size_t rank = median_interval_rank(values.size(), level);
  const bool bounded = rank > 0;
  const std::size_t first = bounded ? rank - 1 : 0;
  return {.median = middle(values),
          .low = values[first],
          .high = values[values.size() - 1 - first],
          .samples = values.size(),
          .bounded = bounded};
}

Ratio paired_ratio(std::span<const double> numerator, std::span<const double> denominator, double level) {
  if (numerator.size() != denominator.size()) {
    throw std::invalid_argument("pairs need two series of the same length");
  }
  std::vector<double> log_ratios;
  log_ratios.reserve(numerator.size());
  for (std::size_t i = 0; i < numerator.size(); ++i) {
    if (!is_positive(numerator[i]) || !is_positive(denominator[i])) {
      throw std::invalid_argument("a ratio needs positive values");
    }
    log_ratios.push_back(std::log(numerator[i] / denominator[i]));
  }
  const Estimate log_ratio = median_estimate(log_ratios, level);
  return {.effect = std::exp(log_ratio.median),
          .low = std::exp(log_ratio.low),
          .high = std::exp(log_ratio.high),
          .pairs = log_ratio.samples,
          .bounded = log_ratio.bounded};
}

bool tells_apart(const Ratio& ratio) { return ratio.bounded && (ratio.low > 1 || ratio.high < 1); }

}  // namespace bench
