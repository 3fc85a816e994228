#include "harness/summary/runs_used.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "harness/summary/summary_kind.h"

namespace bench {
namespace {

// A cell's runs by what they are worth.
struct SortedRuns {
  std::vector<std::size_t> valid;
  std::map<Regime, std::vector<std::size_t>> by_regime;  // the valid ones
  std::map<std::string, std::size_t> reasons;
};

SortedRuns sort_runs(const std::vector<Sample>& samples, const Ruler& best, double Ruler::*probe) {
  SortedRuns sorted;
  for (std::size_t run = 0; run < samples.size(); ++run) {
    if (const std::string why = why_invalid(samples[run]); !why.empty()) {
      ++sorted.reasons[why];
      continue;
    }
    sorted.valid.push_back(run);
    sorted.by_regime[regime_of(samples[run].surroundings, best, probe)].push_back(run);
  }
  return sorted;
}

// What a group is ranked by, or its kind's cost where it is not ranked.
double ranked_cost(const Group& group, const Sample& sample) {
  const SummaryKind& kind = summary_kind(group);
  return kind.ranked_by ? kind.cost_by(group, sample, kind.ranked_by(group)) : sample.*kind.cost;
}

// The runs that a group's figures rest on: those in one regime, or all; and the longer side of the widest interval
// among the cells' medians then, as a fraction, infinite where one has too few runs.
struct Basis {
  std::optional<Regime> regime;
  double half_width = 0;
};

// Figures of a single regime say what they are of, those of the best one most so. But a regime that hardly changes what
// is measured only takes runs away, and the fewer are left the less is a median sure.
Basis choose_basis(const Plan& plan, const Results& results, const Ruler& best, std::size_t group_index,
                   const std::vector<std::size_t>& cells) {
  const Group& group = plan.groups[group_index];
  std::array<Basis, 3> candidates{Basis{.regime = Regime::usual}, Basis{.regime = Regime::slow}, Basis{}};
  for (const std::size_t cell : cells) {
    const std::vector<Sample>& samples = results.cells[cell].samples;
    SortedRuns sorted = sort_runs(samples, best, summary_kind(group).probe);
    for (Basis& basis : candidates) {
      const std::vector<std::size_t>& runs = basis.regime ? sorted.by_regime[*basis.regime] : sorted.valid;
      double half_width = std::numeric_limits<double>::infinity();
      if (runs.size() >= std::max(fewest_runs, sorted.valid.size() / regime_share)) {
        std::vector<double> costs;
        for (const std::size_t run : runs) costs.push_back(ranked_cost(group, samples[run]));
        half_width = median_estimate(costs).half_width();
      }
      basis.half_width = std::max(basis.half_width, half_width);
    }
  }
  const double narrowest = std::ranges::min_element(candidates, {}, &Basis::half_width)->half_width;
  if (!std::isfinite(narrowest)) return candidates.back();
  return *std::ranges::find_if(candidates,
                               [&](const Basis& basis) { return basis.half_width <= regime_width * narrowest; });
}

}  // namespace

RunsUsed use_runs(const std::vector<Sample>& samples, const Ruler& best, double Ruler::*probe,
                  std::optional<Regime> regime) {
  const std::size_t runs = samples.size();
  SortedRuns sorted = sort_runs(samples, best, probe);
  RunsUsed used{.used = {}, .runs = runs, .invalid = runs - sorted.valid.size(), .why_invalid = {}, .regime = {}};
  if (!sorted.reasons.empty()) {
    used.why_invalid =
        std::ranges::max_element(sorted.reasons, {}, [](const auto& reason) { return reason.second; })->first;
  }
  if (regime && sorted.by_regime[*regime].size() >= fewest_runs) {
    used.regime = regime;
    used.used = std::move(sorted.by_regime[*regime]);
    used.elsewhere = sorted.valid.size() - used.used.size();
  } else if (!sorted.valid.empty()) {
    used.used = std::move(sorted.valid);
  } else {
    used.used.resize(runs);
    std::iota(used.used.begin(), used.used.end(), std::size_t{0});
  }
  return used;
}

std::optional<Regime> choose_regime(const Plan& plan, const Results& results, const Ruler& best, std::size_t group) {
  std::vector<std::size_t> in_all_rounds;  // the rest failed or has left
  for (const std::size_t cell : plan.groups[group].cells) {
    const SortedRuns sorted = sort_runs(results.cells[cell].samples, best, summary_kind(plan.groups[group]).probe);
    if (sorted.valid.size() >= fewest_runs) in_all_rounds.push_back(cell);
  }
  if (in_all_rounds.empty()) return std::nullopt;
  return choose_basis(plan, results, best, group, in_all_rounds).regime;
}

double widest_half_width(const Plan& plan, const Results& results, std::size_t group,
                         const std::vector<std::size_t>& cells) {
  return choose_basis(plan, results, best_readings(results), group, cells).half_width;
}

}  // namespace bench
