// Which runs of a cell its figures rest on.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/summary/regime.h"
#include "harness/summary/sample.h"

namespace bench {

/// Which of a cell's runs its figures rest on. Runs whose figures may not be believed are left out while others are
/// there, and those outside of the one regime of the machine that the group's figures rest on, if they do.
struct RunsUsed {
  std::vector<std::size_t> used;  ///< Places among the cell's samples; at least one.
  std::size_t runs = 0;           ///< All.
  std::size_t invalid = 0;        ///< Whose figures may not be believed.
  std::string why_invalid;        ///< The commonest reason; empty without one.
  std::optional<Regime> regime;   ///< That all used ones found the machine in; nothing where they are in whichever.
  std::size_t elsewhere = 0;      ///< Valid and left out for the machine's regime.

  /// A row is valid when most of its runs are.
  bool valid() const { return 2 * invalid <= runs; }
};

/// Those of `samples`, of which there is one at least: the valid ones in `regime`, where it is one and they are enough,
/// else all valid ones, else all. `probe` tells a run's regime.
RunsUsed use_runs(const std::vector<Sample>& samples, const Ruler& best, double Ruler::*probe,
                  std::optional<Regime> regime);

/// The one regime that the figures of a group may rest on: every cell that has enough valid runs has enough in it, and
/// they give intervals about as narrow as any. Nothing where they rest on the runs of all regimes.
std::optional<Regime> choose_regime(const Plan& plan, const Results& results, const Ruler& best, std::size_t group);

/// The longer side of the widest interval among the medians of what `cells` of a group are ranked by, over the runs
/// that the group's figures rest on, as a fraction; infinite when one has too few valid runs for an interval. 0 without
/// cells.
double widest_half_width(const Plan& plan, const Results& results, std::size_t group,
                         const std::vector<std::size_t>& cells);

}  // namespace bench
