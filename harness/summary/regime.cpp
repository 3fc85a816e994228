#include "harness/summary/regime.h"

#include <algorithm>
#include <vector>

namespace bench {
namespace {

// Readings that are further apart than this belong to different regimes. Between regimes a cache line's trip takes up
// to six times as long, a computation and a bare exchange 1.5 times and more; within one, most readings of each lie
// within a fifth.
constexpr double other_trip = 2.0;
constexpr double other_reading = 1.35;

// What others may use before it counts: ticks of 10 ms tell shares of a short run to within some percent only.
constexpr double disturbing = 0.25;

bool further(double a, double b, double factor) { return a > 0 && b > 0 && std::max(a, b) > factor * std::min(a, b); }

bool same_regime(const Ruler& a, const Ruler& b, double Ruler::*probe) {
  return !further(a.line_trip_ns, b.line_trip_ns, other_trip) && !further(a.*probe, b.*probe, other_reading);
}

}  // namespace

Ruler best_readings(const std::vector<Surroundings>& around) {
  const auto best_of = [&](double Ruler::*probe) {
    std::vector<double> readings;
    for (const Surroundings& run : around) {
      for (const Ruler& ruler : {run.before, run.after}) {
        if (ruler.*probe > 0) readings.push_back(ruler.*probe);
      }
    }
    if (readings.empty()) return 0.0;
    const auto place = readings.begin() + static_cast<std::ptrdiff_t>(readings.size() / 10);
    std::ranges::nth_element(readings, place);
    return *place;
  };
  return {.line_trip_ns = best_of(&Ruler::line_trip_ns),
          .spin_ns = best_of(&Ruler::spin_ns),
          .system_call_ns = best_of(&Ruler::system_call_ns),
          .loopback_ns = best_of(&Ruler::loopback_ns)};
}

Ruler best_readings(const Results& results) {
  std::vector<Surroundings> around = results.elsewhere;
  for (const CellResult& cell : results.cells) {
    for (const Sample& sample : cell.samples) around.push_back(sample.surroundings);
  }
  return best_readings(around);
}

Regime regime_of(const Surroundings& surroundings, const Ruler& best, double Ruler::*probe) {
  const auto& [before, after, others_busy] = surroundings;
  if (before.*probe <= 0 || after.*probe <= 0) return Regime::unknown;
  if (others_busy > disturbing) return Regime::disturbed;
  if (!same_regime(before, after, probe)) return Regime::changing;
  return same_regime(before, best, probe) && same_regime(after, best, probe) ? Regime::usual : Regime::slow;
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
