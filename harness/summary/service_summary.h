// What the samples of a service say beyond what those of every workload do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/summary/sample.h"
#include "harness/summary/statistics.h"

namespace bench {

/// What other processes may use of the CPUs before both sides are slow and tails long.
inline constexpr double disturbing_share = 0.1;

/// Requests of one class.
struct ClassSummary {
  Estimate latency_p99_ns{};     ///< Median of the runs; 0 where there was no request.
  std::uint64_t failed = 0;      ///< Of all runs together.
  std::uint64_t unfinished = 0;  ///< Of all runs together.
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
  Estimate establishment_rate{};  ///< Connections established per second of the connect phase.
  std::uint64_t connections_asked = 0;
  std::uint64_t connections_established = 0;  ///< The fewest of any run.
  std::uint64_t connections_served = 0;       ///< The fewest of any run; of the active ones.
  std::uint64_t active_asked = 0;
  std::uint64_t active_due = 0;       ///< Of them, those that had a request to send in the run with the fewest served.
  LoadErrorCounts errors{};           ///< Of all runs together.
  std::uint64_t requests_failed = 0;  ///< Of all runs together.
  std::uint64_t requests_unfinished = 0;  ///< Of all runs together.
  std::vector<ClassSummary> classes;      ///< As ServiceSample has them.
  std::string error_text;                 ///< The first there was.
  std::optional<Knee> knee;               ///< Where the rate was searched: that of the median rate.
  std::optional<Estimate> knee_rate;
};

/// Sums up the samples of one cell, of which there is at least one.
ServiceSummary summarize_service(const std::vector<Sample>& samples);

}  // namespace bench
