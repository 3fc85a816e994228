// Two results of one machine held against each other, cell by cell: what has become slower, faster, stayed the same, or
// cannot be told.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/compare/metric.h"
#include "harness/compare/read_result.h"
#include "harness/compare/significance.h"
#include "harness/summary/regime.h"
#include "harness/summary/statistics.h"

namespace bench {

/// What a comparison says of a cell.
enum class CompareVerdict : std::uint8_t {
  slower,          ///< It costs more than the threshold allows: Holm's procedure over all cells rejects the rest at 5%.
  faster,          ///< Likewise less.
  same,            ///< The whole 95% interval lies within the threshold.
  undecided,       ///< None of these.
  not_comparable,  ///< Something else differs, or there is nothing to compare.
};

/// "slower", "faster", "same", "undecided", "not comparable".
std::string_view verdict_name(CompareVerdict verdict);

/// How two results are compared.
struct CompareRules {
  double threshold = 0.05;               ///< A change up to this share is none.
  std::vector<const Metric*> metrics{};  ///< Empty: of each cell what its table is ranked by.
};

/// A cell by one metric.
struct ComparedCell {
  std::string name;
  const Metric* metric = nullptr;
  CompareVerdict verdict = CompareVerdict::not_comparable;
  std::string why{};         ///< Why it is not comparable, or why no more can be said; may be empty.
  bool had_figures = false;  ///< The first has figures of it, or should have: it failed, or may not be believed.
  bool lost = false;         ///< They are missing in the second, which failed or may not be believed.
  bool decidable = true;     ///< There are enough runs for slower or faster to be said at all.
  Estimate before{};         ///< Medians, of the runs that are compared.
  Estimate after{};
  Ratio change{};                   ///< The metric's ratio, second over first, with its 95% interval.
  std::optional<RatioTest> test{};  ///< Of its cost, second over first, until it is decided.
  double drift = 0;                 ///< What changes of this metric within either file hide, as a share.
  double layout = 0;            ///< What the layout of either side's builds leaves open, as a share; 0: one build each.
  std::size_t more_rounds = 0;  ///< About how many would decide an undecided one; 0: no number is likely to.
  std::optional<Regime> regime{};  ///< Whose runs alone are compared; nothing: all.

  bool is_compared() const { return verdict != CompareVerdict::not_comparable; }
};

/// All cells of two results.
struct Comparison {
  std::string before{};  ///< Labels.
  std::string after{};
  bool paired = false;  ///< Runs were interleaved and are compared in pairs.
  double threshold = 0;
  std::optional<double> drift{};      ///< The largest of the metrics; nothing: too few rounds tell.
  std::vector<std::string> notes{};   ///< What else a reader has to know; sentences.
  std::vector<ComparedCell> cells{};  ///< By the size of the change, the largest first; what is not comparable last.
  std::vector<std::string> only_before{};
  std::vector<std::string> only_after{};

  std::size_t count(CompareVerdict verdict) const;
};

/// The largest p-value of one of `cells` that can be rejected.
double smallest_level(std::size_t cells);

/// Compares one cell by one metric of runs that were measured in pairs, one of each side at the same place, or not.
/// decide() gives the verdict.
ComparedCell compare_runs(const std::string& name, const Metric& metric, const std::vector<double>& before,
                          const std::vector<double>& after, bool paired);

/// Gives every cell that has a test its verdict, with Holm's correction over all of them, and sorts the cells.
void decide(Comparison& comparison);

/// Compares `after` with `before`, two results of one machine whose runs were not interleaved.
Comparison compare(const ReadResult& before, const ReadResult& after, const CompareRules& rules);

/// What differs, "kernel: 6.1 against 6.5"; empty where nothing does. Numbers of calibrated steps may differ by 2%.
std::vector<std::string> differing_facts(const Facts& before, const Facts& after);

}  // namespace bench
