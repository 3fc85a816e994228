#include "harness/plan/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

double given_or_measured_step_ns() {
  const char* given = std::getenv("BENCH_STEP_NS");
  const double handed_on = given ? std::strtod(given, nullptr) : 0;
  return handed_on > 0 && std::isfinite(handed_on) ? handed_on : measure_step_ns();
}

}  // namespace

double step_ns() {
  static const double ns = given_or_measured_step_ns();
  return ns;
}

std::uint64_t steps_of(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return 0;
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(duration.count()) / step_ns()));
}

}  // namespace bench
