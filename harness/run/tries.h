// A short probe, tried several times.
#pragma once

#include <algorithm>
#include <array>

namespace bench {

/// The median of five tries of `measure`, which a stall in one of them does not move.
template <typename Measure>
double median_of_tries(Measure measure) {
  std::array<double, 5> tries{};
  for (double& result : tries) result = measure();
  std::ranges::sort(tries);
  return tries[tries.size() / 2];
}

}  // namespace bench
