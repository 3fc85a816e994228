#include "harness/summary/regime.h"

#include <algorithm>

namespace bench {
namespace {

// Readings of a ruler that are further apart than this belong to different regimes. Between regimes a cache line's trip
// takes up to six times as long and a computation twice as long; within one, readings stay within a few percent.
constexpr double other_trip = 2.0;
constexpr double other_spin = 1.25;

// What others may use before it counts: ticks of 10 ms tell shares of a short run to within some percent only.
constexpr double disturbing = 0.2;

bool further(double a, double b, double factor) { return a > 0 && b > 0 && std::max(a, b) > factor * std::min(a, b); }

bool same_regime(const Ruler& a, const Ruler& b) {
  return !further(a.line_trip_ns, b.line_trip_ns, other_trip) && !further(a.spin_ns, b.spin_ns, other_spin);
}

}  // namespace

Ruler best_readings(const Results& results) {
  Ruler best;
  const auto lower = [](double& kept, double reading) {
    if (reading > 0 && (kept == 0 || reading < kept)) kept = reading;
  };
  for (const CellResult& cell : results.cells) {
    for (const Sample& sample : cell.samples) {
      for (const Ruler& ruler : {sample.surroundings.before, sample.surroundings.after}) {
        lower(best.line_trip_ns, ruler.line_trip_ns);
        lower(best.spin_ns, ruler.spin_ns);
        lower(best.system_call_ns, ruler.system_call_ns);
      }
    }
  }
  return best;
}

Regime regime_of(const Surroundings& surroundings, const Ruler& best) {
  const auto& [before, after, others_busy] = surroundings;
  if (before.spin_ns <= 0 || after.spin_ns <= 0) return Regime::unknown;
  if (others_busy > disturbing) return Regime::disturbed;
  if (!same_regime(before, after)) return Regime::changing;
  return same_regime(before, best) && same_regime(after, best) ? Regime::usual : Regime::slow;
}

std::string_view regime_name(Regime regime) {
  switch (regime) {
    case Regime::usual: return "usual";
    case Regime::slow: return "slow";
    case Regime::changing: return "changing";
    case Regime::disturbed: return "disturbed";
    case Regime::unknown: break;
  }
  return "unknown";
}

}  // namespace bench
