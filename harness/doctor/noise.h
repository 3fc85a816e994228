// How steady this machine is: what the same work says when it is measured again and again.
#pragma once

#include <string>
#include <vector>

#include "harness/doctor/checks.h"

namespace bench {

/// Of a series of runs of the same work, in the order in which they ran.
struct NoiseFloor {
  std::size_t runs = 0;
  double half_width = 0;       ///< Of the 95% interval of their median, as a share of it.
  double autocorrelation = 0;  ///< Of each run with the next (lag 1): near 0 where runs are independent.
  double drift = 0;            ///< How far the second half's median is from the first's, as a share.
};

/// Of six runs or more. Throws std::invalid_argument for fewer.
NoiseFloor noise_floor(const std::vector<double>& values);

/// What that means for measurements of `workload`.
Finding judge_noise(const std::string& workload, const NoiseFloor& noise);

}  // namespace bench
