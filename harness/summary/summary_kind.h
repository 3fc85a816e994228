// What differs between kinds of workloads when their samples are summed up.
#pragma once

#include <functional>
#include <string>

#include "harness/summary/summary.h"

namespace bench {

/// The group that is summed up, and what its runs have left.
struct SummarySource {
  const Plan& plan;
  const Results& results;
  const Group& group;
  const Ruler& best;  ///< The best readings of the plan.
};

/// How a kind is summed up. Functions that may be null say so.
struct SummaryKind {
  /// What no model can beat, in ns of a sample's `cost`; 0 where that is not known. Null: there is no such thing.
  double (*ideal_ns)(const Group& group, const Sample& sample);
  double Sample::*cost;

  /// Which reading of the ruler tells the machine's regime.
  double Ruler::*probe;

  /// Adds what only this kind's samples say; `samples` are those that the row's figures rest on.
  void (*add_own)(const SummarySource& source, const Samples& samples, CellSummary& row);

  /// What a group is ranked by, as part of what was asked; null: its cells do different things, so that none is best.
  RankedBy (*ranked_by)(const Group& group);

  /// What a run cost by that measure; 0 where it has no such cost.
  double (*cost_by)(const Group& group, const Sample& sample, RankedBy by);

  /// Why a cell with valid runs has no place in the ranking; empty where it has one.
  std::string (*why_unranked)(const CellSummary& row, RankedBy by);

  /// What follows the sentence on the best, or stands in its place where there is no ranking; null: nothing.
  std::string (*afterword)(const SummarySource& source, const GroupSummary& summary);

  /// The sentence of a group whose only cell is this one, whose figures may be believed; null: none.
  std::string (*alone)(const SummarySource& source, const CellSummary& row);

  /// Adds warnings of its own; null: none.
  void (*warn)(GroupSummary& summary);
};

extern const SummaryKind job_summary;
extern const SummaryKind service_summary;
extern const SummaryKind primitive_summary;

/// That of a kind of workloads, and of a group's workload.
const SummaryKind& summary_kind(Kind kind);
const SummaryKind& summary_kind(const Group& group);

/// The cost of a sample as a multiple of the same run's ideal, which takes out how fast the machine was in that second;
/// the cost itself where the ideal is not known.
double over_ideal(const Group& group, const Sample& sample);

/// A figure of each valid run of a cell.
ByRound by_round(const SummarySource& source, std::size_t cell,
                 const std::function<double(const Sample& sample)>& figure);

}  // namespace bench
