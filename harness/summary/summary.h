// What the samples of a plan say: medians, intervals, ratios, and the sentence that closes a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/summary/ranking.h"
#include "harness/summary/regime.h"
#include "harness/summary/runs_used.h"
#include "harness/summary/sample.h"
#include "harness/summary/service_summary.h"
#include "harness/summary/statistics.h"

namespace bench {

/// What a primitive's samples say beyond what every cell's do.
struct PrimitiveSummary {
  Estimate user_bytes{};  ///< Of a unit that waits; 0 where that is not what is measured.
  Estimate kernel_bytes{};
};

/// What a job counts of what happens in a batch: "9 oversold".
struct Tally {
  std::string_view name;
  Estimate count;
};

/// A cell's samples in one row. Costs are per batch of a job, per request of a service, per operation of a primitive.
struct CellSummary {
  std::size_t cell = 0;
  RunsUsed runs;
  Estimate wall_ns{};
  Estimate cpu_ns{};
  Estimate voluntary_switches{};
  Estimate involuntary_switches{};
  Estimate minor_faults{};
  Estimate major_faults{};
  Estimate units_peak{};
  double others_busy = 0;              ///< What other processes used of the CPUs of its runs, as a share.
  double user_share = 0;               ///< User time as a fraction of the CPU time of the runs' whole lives.
  Percentiles<Estimate> latency_ns{};  ///< Medians of the runs' shown_percentiles; never averages of percentiles.
  Percentiles<Estimate> start_delay_ns{};
  Percentiles<Estimate> task_time_ns{};
  std::vector<Tally> tallies{};     ///< As Job::tallies.
  std::string remark{};             ///< Of the first run that has one.
  std::optional<Ratio> over_ideal;  ///< Wall time (of a service: server CPU) as a multiple of the same run's ideal.
  std::optional<Ratio> speedup;     ///< Over serial, round by round, each run's time over its own ideal first.
  std::optional<Estimate> checkpoint_ns;  ///< What one checkpoint adds to the plain loop's CPU time.
  std::optional<ServiceSummary> service;
  std::optional<PrimitiveSummary> primitive;
};

struct GroupSummary {
  std::size_t group = 0;
  std::uint32_t rounds = 0;            ///< That any of its cells has a sample of.
  Ruler best;                          ///< The best readings of the plan, which regimes go by.
  std::optional<Regime> regime;        ///< Figures rest on runs in it alone: every cell has enough of them, and they
                                       ///< give intervals about as narrow as any; else on all valid ones.
  double others_busy = 0;              ///< What other processes used of the CPUs: the median over all runs used.
  std::vector<CellSummary> cells;      ///< Those with samples.
  double ideal_ns = 0;                 ///< Median over all samples; 0 without any.
  std::optional<Estimate> compute_ns;  ///< The plain loop's CPU time of a batch, over all samples.
  Ranking ranking;                     ///< Empty for a primitive.
  std::string verdict;                 ///< Which models are best and which the data cannot tell apart.
  std::vector<std::string> warnings;
  bool machine_disturbs = false;  ///< Some of the warnings are about the machine.
};

/// Sums up every group.
std::vector<GroupSummary> summarize(const Plan& plan, const Results& results);

/// The warning that other processes used from `least` to `most` of the CPUs, as shares; empty where that disturbs
/// nothing.
std::string disturbance_text(double least, double most);

/// The time that no model can beat, for a batch of the group: the longest task, or all computation spread evenly over
/// the CPUs that it may use, or as many as its quota has the time of, whichever is longer. `compute_ns` is the CPU time
/// of the batch as a plain loop, 0 without computation.
double ideal_ns(const Group& group, double compute_ns);

}  // namespace bench
