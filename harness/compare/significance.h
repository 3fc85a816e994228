// What tells two series of runs apart: ratios of paired and of independent runs, with intervals and p-values that fit
// them, and Holm's correction for many.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "harness/summary/statistics.h"

namespace bench {

/// How many times the one series is the other. Intervals and p-values come from ranks of the logarithms, so that they
/// agree: a p-value is at most 5% exactly where the interval at 95% lies beyond the bound.
class RatioTest {
 public:
  /// Of runs that were measured in pairs: the median of the pairs' ratios, by the sign test (W. J. Conover, Practical
  /// Nonparametric Statistics, section 3.4). What slows both runs of a pair alike cancels out.
  /// Throws as paired_ratio() does.
  static RatioTest paired(std::span<const double> numerators, std::span<const double> denominators);

  /// Of runs that were not: the shift of J. L. Hodges and E. L. Lehmann (1963), by the rank test of H. B. Mann and
  /// D. R. Whitney (1947; Conover, section 5.4), with exact counts up to 10,000 pairs of runs and the normal
  /// approximation above. Of a side with more than 2,000 runs it takes as many, evenly spread. Throws
  /// std::invalid_argument without runs on both sides or for one that is not positive.
  static RatioTest unpaired(std::span<const double> numerators, std::span<const double> denominators);

  /// The ratio with its interval at `level`. Where there are too few runs for one, it is not bounded and spans all.
  Ratio ratio(double level = 0.95) const;

  /// How probable data at least as far beyond would be, were the ratio `bound` or 1/`bound` or anything between; for
  /// `bound` >= 1, counting both sides.
  double p_beyond(double bound) const;

  /// The least p-value that so many runs can have.
  double least_p() const;

 private:
  RatioTest(std::vector<double> shifts, std::vector<double> at_most, std::size_t pairs);

  double p_of_rank(std::size_t rank) const;

  std::vector<double> shifts_;  // ascending log-ratios, of the pairs or of each run with each
  std::vector<double>
      at_most_;           // [k]: the probability that at most k of them lie on one side of the true ratio; empty:
  double mean_ = 0;       // as the normal distribution has it, with this mean
  double deviation_ = 0;  // and standard deviation
  std::size_t pairs_;
};

/// What the choice of builds leaves open of the mean of log-ratios: half of its 95% interval, as a share. `pairs` are
/// log-ratios by the builds of either side that they are of, which are as many, two or more, and meet equally often.
/// Builds are a random level of their own: means by build scatter by what their layouts do and by what remains of the
/// runs' own noise (G. Snedecor and W. Cochran, Statistical Methods, section 10.13; Student's t for the builds' degrees
/// of freedom).
struct BuildPair {
  std::size_t before = 0;
  std::size_t after = 0;
  double log_ratio = 0;
};
double layout_share(std::span<const BuildPair> pairs, std::size_t builds);

/// Which null hypotheses are rejected at `level` for all together: S. Holm, A simple sequentially rejective multiple
/// test procedure (1979).
std::vector<bool> reject_by_holm(std::span<const double> p_values, double level = 0.05);

}  // namespace bench
