#include "harness/doctor/noise.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "harness/summary/statistics.h"

namespace bench {
namespace {

// The sample autocorrelation at lag 1 (G. Box and G. Jenkins, Time Series Analysis, section 2.1).
double autocorrelation(const std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double variance = 0;
  double covariance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    variance += (values[i] - mean) * (values[i] - mean);
    if (i > 0) covariance += (values[i] - mean) * (values[i - 1] - mean);
  }
  return variance > 0 ? covariance / variance : 0;
}

}  // namespace

NoiseFloor noise_floor(const std::vector<double>& values) {
  if (values.size() < fewest_runs) throw std::invalid_argument("a noise floor needs six runs");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  return {.runs = values.size(),
          .half_width = median_estimate(values).half_width(),
          .autocorrelation = autocorrelation(values),
          .drift = median(std::vector(middle, values.end())) / median(std::vector(values.begin(), middle)) - 1};
}

Finding judge_noise(const std::string& workload, const NoiseFloor& noise) {
  constexpr double wide = 0.02;
  constexpr double very_wide = 0.10;
  // 95% of series of independent runs lie within 2 over the root of their number.
  const double correlated = 2 / std::sqrt(static_cast<double>(noise.runs));
  Finding finding{.about = fmt::format("noise floor of {}", workload),
                  .found = fmt::format("median of {} runs ±{:.1f}%, drift {:+.1f}%, autocorrelation {:.2f}", noise.runs,
                                       noise.half_width * 100, noise.drift * 100, noise.autocorrelation)};
  if (noise.half_width > wide) {
    finding.health = noise.half_width > very_wide ? Health::bad : Health::warn;
    finding.why = "smaller differences take more rounds: give a longer --max-time";
  } else if (std::abs(noise.drift) > wide && noise.autocorrelation > correlated) {
    finding.health = Health::warn;
    finding.why = "the machine changes over seconds: compare builds by `bench ab`, not by separate files";
  }
  return finding;
}

}  // namespace bench
