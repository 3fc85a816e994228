#include "harness/plan/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "measure/clock.h"
#include "workloads/service.h"

namespace bench {
namespace {

// The shortest of several tries, since whatever disturbs one only lengthens it.
double measure_step_ns() {
  constexpr std::uint64_t steps = 200'000;
  double shortest_ns = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 20; ++i) {
    const std::int64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    service_compute(steps);
    shortest_ns = std::min(shortest_ns, static_cast<double>(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns));
  }
  return shortest_ns / steps;
}

}  // namespace

std::uint64_t steps_of(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return 0;
  static const double step_ns = measure_step_ns();
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(duration.count()) / step_ns));
}

}  // namespace bench
