// The search for the highest rate that keeps a promise about latency.
#pragma once

#include <map>

#include "harness/options/service_options.h"
#include "harness/summary/sample.h"

namespace bench {

/// How a rate went.
struct RateTry {
  bool kept = false;       ///< The rate was met, the figures are valid and the promise was kept.
  double quantile_ns = 0;  ///< The latency that the promise is about.
  std::string why;         ///< What was broken; empty when kept.
};

/// Holds a sample against the promise.
RateTry judge_rate(const Sample& sample, const Slo& slo);

/// Finds the highest rate that holds on a grid of 5%, supposing that whatever is below a rate that holds does too:
/// steps that double until one holds and one breaks, then halves. At most 14 tries.
class RateSearch {
 public:
  /// Begins a little below `capacity` requests per second.
  explicit RateSearch(double capacity);

  bool done() const;

  /// The rate to try next.
  double next_rate() const { return rate_of(next_); }

  /// What became of next_rate().
  void tell(const RateTry& tried);

  /// What was found.
  Knee knee() const;

 private:
  static double rate_of(int step);
  int next_step() const;

  std::map<int, RateTry> tries_;  // by step on the grid
  int next_ = 0;
  int stride_ = 1;
};

}  // namespace bench
