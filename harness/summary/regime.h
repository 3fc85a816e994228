// The regimes of a machine: hidden states that it changes between, told apart by the rulers around each run.
#pragma once

#include <cstdint>
#include <string_view>

#include "harness/summary/sample.h"
#include "harness/summary/statistics.h"

namespace bench {

/// What state the machine was in while something ran. It is told by what surrounded the run, never by its result.
enum class Regime : std::uint8_t {
  usual,      ///< Near the best readings of the plan.
  slow,       ///< Some reading lay far above the plan's best, before and after.
  changing,   ///< The readings before and after lie far apart.
  disturbed,  ///< Other processes used much of the run's CPUs.
  unknown,    ///< A ruler is missing.
};

/// What others may use of the CPUs, as a median over runs, before a reader has to know.
inline constexpr double disturbing_share = 0.1;

/// Figures may rest on the runs of one regime where these are one in so many of the valid runs at the least, since the
/// best few of many may be too good to be true, and where their interval is up to so many times the narrowest.
inline constexpr std::size_t regime_share = 5;
inline constexpr double regime_width = 1.25;

/// Of the readings of each probe around all samples the best tenth's last: a single one may be too good to be true. 0
/// where there is none.
Ruler best_readings(const std::vector<Surroundings>& around);
Ruler best_readings(const Results& results);

/// The regime that a run's surroundings show, against the best readings there were, by cache-line trips and by the
/// probe that goes best with what is measured.
Regime regime_of(const Surroundings& surroundings, const Ruler& best, double Ruler::*probe);

/// The name of a regime in reports.
std::string_view regime_name(Regime regime);

}  // namespace bench
