// Why: every verdict of the suite rests on a median and its interval. Running times are skewed,
// have outliers and drift, so nothing here assumes a normal distribution: intervals come from order
// statistics, and two builds are compared pair by pair.
#pragma once

#include <cstddef>
#include <span>

namespace bench {

/// A median with its distribution-free interval, in the unit of the samples.
struct Estimate {
  double median;
  double low;
  double high;
  std::size_t samples;
  /// Whether there are enough samples for the interval (6 at a level of 95%). If not, `low` and
  /// `high` are the smallest and the largest sample and promise nothing.
  bool bounded;

  /// The longer side of the interval as a fraction of the median: 0.02 means within ±2%.
  /// Infinite if the median is 0 and the interval is not just that point.
  double half_width() const;
};

/// How many times larger the numerator is than the denominator, with its 95% interval.
struct Ratio {
  double effect;
  double low;
  double high;
  std::size_t pairs;
  /// As for `Estimate`.
  bool bounded;
};

/// Median; the mean of the two middle samples if their number is even.
/// Throws `std::invalid_argument` if there is no sample or one is not finite.
double median(std::span<const double> samples);

/// The k for which [k-th smallest, k-th largest] of `samples` samples holds the median with a
/// probability of at least `level`, and as narrow as possible; 0 if there are too few samples.
///
/// It is the largest k with 2 P(B <= k-1) <= 1 - level for B ~ Binomial(samples, 1/2): W. J.
/// Conover, Practical Nonparametric Statistics, section 3.2; J.-Y. Le Boudec, Performance
/// Evaluation of Computer and Communication Systems, theorem 2.1.
/// Throws `std::invalid_argument` unless 0 < level < 1.
std::size_t median_interval_rank(std::size_t samples, double level = 0.95);

/// The fewest samples that give a median an interval at 95%.
inline constexpr std::size_t fewest_runs = 6;

/// Median and the interval of `median_interval_rank`. Samples must be independent; nothing else is
/// assumed of their distribution. Throws as `median` and `median_interval_rank` do.
Estimate median_estimate(std::span<const double> samples, double level = 0.95);

/// Compares two series measured in pairs: exp of the median of the pairs' log-ratios, with the
/// interval of `median_estimate`. What slows both halves of a pair alike cancels out.
/// Throws `std::invalid_argument` if the lengths differ, there is no pair, or a value is not
/// positive and finite.
Ratio paired_ratio(std::span<const double> numerator, std::span<const double> denominator, double level = 0.95);

/// Whether the two sides differ: the interval exists and does not contain 1.
bool tells_apart(const Ratio& ratio);

}  // namespace bench
