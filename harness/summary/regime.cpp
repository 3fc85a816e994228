#include "harness/summary/regime.h"

#include <algorithm>
#include <map>

namespace bench {
namespace {

// Readings of a ruler that are further apart than this belong to different regimes. Between regimes a cache line's trip
// takes up to six times as long and a computation twice as long; within one, readings stay within a few percent.
constexpr double other_trip = 2.0;
constexpr double other_spin = 1.25;

bool further(double a, double b, double factor) { return a > 0 && b > 0 && std::max(a, b) > factor * std::min(a, b); }

bool same_regime(const Ruler& a, const Ruler& b) {
  return !further(a.line_trip_ns, b.line_trip_ns, other_trip) && !further(a.spin_ns, b.spin_ns, other_spin);
}

// The lowest reading of each probe.
Ruler best_readings(const Results& results) {
  Ruler best;
  const auto lower = [](double& kept, double reading) {
    if (reading > 0 && (kept == 0 || reading < kept)) kept = reading;
  };
  for (const RulerReading& reading : results.rulers) {
    lower(best.line_trip_ns, reading.ruler.line_trip_ns);
    lower(best.spin_ns, reading.ruler.spin_ns);
  }
  return best;
}

}  // namespace

std::vector<Regime> regimes_of(const Results& results, std::size_t workload, std::uint32_t rounds) {
  const Ruler best = best_readings(results);
  std::map<std::uint32_t, Ruler> rulers_before;
  std::map<std::uint32_t, Ruler> rulers_after;
  for (const RulerReading& reading : results.rulers) {
    if (reading.workload == workload) (reading.after ? rulers_after : rulers_before)[reading.round] = reading.ruler;
  }
  std::vector<Regime> regimes(rounds, Regime::unknown);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const auto before = rulers_before.find(round);
    const auto after = rulers_after.find(round);
    if (before == rulers_before.end() || after == rulers_after.end()) continue;
    if (!same_regime(before->second, after->second)) {
      regimes[round] = Regime::changing;
    } else {
      regimes[round] = same_regime(before->second, best) ? Regime::usual : Regime::slow;
    }
  }
  return regimes;
}

std::string_view regime_name(Regime regime) {
  switch (regime) {
    case Regime::usual: return "usual";
    case Regime::slow: return "slow";
    case Regime::changing: return "changing";
    case Regime::unknown: break;
  }
  return "unknown";
}

}  // namespace bench
