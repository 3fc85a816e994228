// What the samples of a plan say: medians, intervals, ratios, and the sentence that closes a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan.h"
#include "harness/sample.h"
#include "harness/statistics.h"

namespace bench {

/// The machine's regime while a round ran, by the rulers before and after it.
enum class Regime : std::uint8_t {
  usual,     ///< Near the plan's best readings.
  slow,      ///< Cache-line trips or computation took much longer than at the plan's best.
  changing,  ///< The two rulers lie far apart.
  unknown,   ///< A ruler is missing.
};

/// What a service's samples say beyond what every cell's do. Medians, unless it says otherwise.
struct ServiceSummary {
  Estimate rate{};               ///< Requests answered per second.
  Estimate offered_rate{};       ///< 0: closed loop.
  Limit limit = Limit::latency;  ///< The commonest.
  std::size_t invalid = 0;       ///< Samples whose figures may not be believed; any makes the row invalid.
  std::string why_invalid;       ///< Of the first of them.
  Estimate server_busy{};        ///< Shares, as ServiceSample has them.
  Estimate others_busy{};
  Estimate generator_busy{};
  Estimate fairness{};
  Estimate littles_law_ratio{};
  Estimate send_lag_p99_ns{};
  Estimate light_p99_ns{};  ///< 0 where there are no light connections apart.
  std::uint64_t connections_asked = 0;
  std::uint64_t connections_established = 0;  ///< The fewest of any run.
  std::uint64_t connections_served = 0;       ///< The fewest of any run; of the active ones.
  std::uint64_t active_asked = 0;
  LoadErrorCounts errors{};               ///< Of all runs together.
  std::uint64_t requests_failed = 0;      ///< Of all runs together.
  std::uint64_t requests_unfinished = 0;  ///< Of all runs together.
  std::string error_text;                 ///< The first there was.
  std::optional<Knee> knee;               ///< Where the rate was searched: that of the median rate.
  std::optional<Estimate> knee_rate;
};

/// A cell's samples in one row. Costs are per batch of a job, per request of a service.
struct CellSummary {
  std::size_t cell = 0;
  Estimate wall_ns{};
  Estimate cpu_ns{};
  Estimate voluntary_switches{};
  Estimate involuntary_switches{};
  Estimate minor_faults{};
  Estimate major_faults{};
  Estimate units_peak{};
  double user_share = 0;                 ///< User time as a fraction of the CPU time of the runs' whole lives.
  std::array<Estimate, 4> latency_ns{};  ///< Medians of the runs' shown_percentiles; never averages of percentiles.
  std::array<Estimate, 4> start_delay_ns{};
  std::array<Estimate, 4> service_ns{};
  std::optional<Ratio> over_ideal;  ///< Wall time (of a service: server CPU) as a multiple of the same run's ideal.
  std::optional<Ratio> speedup;     ///< Over serial, round by round, each run's time over its own ideal first.
  std::optional<Estimate> checkpoint_ns;                ///< What one checkpoint adds to the plain loop's CPU time.
  std::vector<std::pair<Regime, std::size_t>> regimes;  ///< How many samples were taken in which.
  std::optional<ServiceSummary> service;
};

struct GroupSummary {
  std::size_t group = 0;
  std::vector<CellSummary> cells;      ///< Those with samples.
  double ideal_ns = 0;                 ///< Median over all samples; 0 without any.
  std::optional<Estimate> compute_ns;  ///< The plain loop's CPU time of a batch, over all samples.
  std::string verdict;                 ///< Which models are best and which the data cannot tell apart.
  std::vector<std::string> warnings;
};

/// Sums up every group.
std::vector<GroupSummary> summarize(const Plan& plan, const Results& results);

/// The regime of each round of a workload, from the plan's rulers.
std::vector<Regime> regimes_of(const Results& results, std::size_t workload, std::uint32_t rounds);

/// The name of a regime in reports.
std::string_view regime_name(Regime regime);

/// The time that no model can beat, for a batch of the group: the longest task, or all computation spread evenly over
/// the CPUs, whichever is longer. `compute_ns` is the CPU time of the batch as a plain loop, 0 without computation.
double ideal_ns(const Group& group, double compute_ns);

/// The index of `group`'s workload among the plan's workloads, as RulerReading counts them.
std::size_t workload_index(const Plan& plan, const Group& group);

}  // namespace bench
