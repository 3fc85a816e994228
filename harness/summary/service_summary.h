// What the samples of a service say beyond what those of every workload do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/summary/sample.h"
#include "harness/summary/statistics.h"

namespace bench {

/// Requests of one class.
struct ClassSummary {
  Estimate latency_p99_ns{};     ///< Median of the runs; 0 where there was no request.
  Estimate rate{};               ///< Completed per second; likewise.
  std::uint64_t failed = 0;      ///< Of all runs together.
  std::uint64_t unfinished = 0;  ///< Of all runs together.
};

/// What a service's samples say beyond what every cell's do. Medians, unless it says otherwise.
struct ServiceSummary {
  Estimate rate{};               ///< Requests answered per second.
  Estimate offered_rate{};       ///< 0: closed loop.
  Limit limit = Limit::latency;  ///< The commonest.
  Estimate server_busy{};        ///< Shares, as ServiceSample has them.
  Estimate generator_busy{};
  Estimate generator_kept_off{};
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
  std::uint64_t refused = 0;          ///< How often the server could not take a connection; of all runs together.
  std::uint64_t requests_failed = 0;  ///< Of all runs together.
  std::uint64_t requests_unfinished = 0;  ///< Of all runs together.
  double unanswered_share = 0;            ///< Of the requests, whose latency is not known but by their age: the median.
  std::vector<ClassSummary> classes;      ///< As ServiceSample has them.
  std::string error_text;                 ///< The first there was.
  std::string server_cpu_unknown;  ///< Why the usage of the server is not known in all runs, of the first it is not.
  bool server_switches_unknown = false;  ///< In any run.
  std::optional<Knee> knee;              ///< Where the rate was searched: that of the median rate.
  std::optional<Estimate> knee_rate;
};

/// Whether what a server costs is known, and its context switches too: where it is ours or of a process that was given,
/// unless the runs say otherwise. `Service` is a sample or a summary of samples.
template <typename Service>
bool knows_costs(const Group& group, const Service& service) {
  return !group.foreign || (group.foreign->pid > 0 && service.server_cpu_unknown.empty());
}
template <typename Service>
bool knows_switches(const Group& group, const Service& service) {
  return knows_costs(group, service) && !service.server_switches_unknown;
}

/// Whether so many requests were not answered that a percentile of their latencies is an age, which is a lower bound.
inline bool is_lower_bound(const ServiceSummary& service, double percentile) {
  return service.unanswered_share > 1 - percentile / 100;
}

/// Sums up samples of one cell, of which there is at least one.
ServiceSummary summarize_service(const Samples& samples);

}  // namespace bench
