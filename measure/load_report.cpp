#include "measure/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace bench {

std::string_view name_of(LoadError kind) {
  constexpr std::array<std::string_view, load_error_kinds> names{
      "refused",         "reset", "timeout",       "wrong_reply", "short_reply", "closed",
      "connect_timeout", "lost",  "no_descriptor", "tls",         "other"};
  return names[static_cast<std::size_t>(kind)];
}

std::string text_of(LoadError kind, std::uint64_t count) {
  struct Words {
    std::string_view one, many;
  };
  constexpr std::array<Words, load_error_kinds> words{{{"refused", "refused"},
                                                       {"reset", "reset"},
                                                       {"timeout", "timeouts"},
                                                       {"wrong reply", "wrong replies"},
                                                       {"reply cut short", "replies cut short"},
                                                       {"closed", "closed"},
                                                       {"not connected in time", "not connected in time"},
                                                       {"lost", "lost"},
                                                       {"without a descriptor", "without a descriptor"},
                                                       {"TLS failure", "TLS failures"},
                                                       {"with another error", "with another error"}}};
  const auto& [one, many] = words[static_cast<std::size_t>(kind)];
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::uint64_t LoadCounts::errors_total() const {
  return std::accumulate(errors.begin(), errors.end(), std::uint64_t{0});
}

double LoadCounts::rate_per_second() const {
  return wall_ns > 0 ? static_cast<double>(requests_completed) * 1e9 / static_cast<double>(wall_ns) : 0;
}

std::string describe_errors(const LoadErrorCounts& errors, std::string_view first) {
  std::string text;
  for (std::size_t kind = 0; kind < errors.size(); ++kind) {
    if (errors[kind] == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", text_of(static_cast<LoadError>(kind), errors[kind]));
  }
  if (text.empty()) return "no errors";
  return first.empty() ? text : fmt::format("{} ({})", text, first);
}

void merge(LoadCounts& counts, const LoadCounts& other) {
  const double rate = counts.rate_per_second() + other.rate_per_second();
  counts.wall_ns =
      rate > 0 ? std::llround(static_cast<double>(counts.requests_completed + other.requests_completed) * 1e9 / rate)
               : std::max(counts.wall_ns, other.wall_ns);
  const auto add = [&]<typename... Members>(Members... members) { ((counts.*members += other.*members), ...); };
  add(&LoadCounts::processes, &LoadCounts::workers, &LoadCounts::connections_asked,
      &LoadCounts::connections_established, &LoadCounts::connections_failed, &LoadCounts::connections_begun,
      &LoadCounts::reconnects, &LoadCounts::messages_pushed, &LoadCounts::idle_closes, &LoadCounts::connections_broken,
      &LoadCounts::requests_completed, &LoadCounts::requests_drained, &LoadCounts::requests_unfinished,
      &LoadCounts::requests_failed, &LoadCounts::requests_timed_out, &LoadCounts::backlog_at_end,
      &LoadCounts::in_flight_at_end, &LoadCounts::received_bytes, &LoadCounts::sent_bytes, &LoadCounts::idle_ns,
      &LoadCounts::cpu_ns, &LoadCounts::in_flight_integral_ns, &LoadCounts::in_flight_to_stop_ns,
      &LoadCounts::failed_in_flight_ns, &LoadCounts::kept_off_ns, &LoadCounts::active_asked,
      &LoadCounts::active_established, &LoadCounts::active_served, &LoadCounts::active_at_end,
      &LoadCounts::replies_per_connection_sum, &LoadCounts::replies_per_connection_squares);
  const auto keep_most = [&]<typename... Members>(Members... members) {
    ((counts.*members = std::max(counts.*members, other.*members)), ...);
  };
  keep_most(&LoadCounts::connect_phase_ns, &LoadCounts::longest_absence_ns, &LoadCounts::replies_per_connection_max,
            &LoadCounts::class_count);
  std::ranges::transform(counts.replies_by_slice, other.replies_by_slice, counts.replies_by_slice.begin(), std::plus());
  std::ranges::transform(counts.errors, other.errors, counts.errors.begin(), std::plus());
  for (std::size_t index = 0; index < counts.classes.size(); ++index) {
    counts.classes[index].completed += other.classes[index].completed;
    counts.classes[index].drained += other.classes[index].drained;
    counts.classes[index].unfinished += other.classes[index].unfinished;
    counts.classes[index].failed += other.classes[index].failed;
  }
}

double littles_law_ratio(const LoadCounts& counts, const Histogram& latency) {
  const double in_flight_ns =
      static_cast<double>(latency.count()) * latency.mean_ns() + static_cast<double>(counts.failed_in_flight_ns);
  if (in_flight_ns > 0) return static_cast<double>(counts.in_flight_integral_ns) / in_flight_ns;
  return counts.in_flight_integral_ns == 0 ? 1 : 0;
}

double LoadCounts::fairness() const {
  const double sum = replies_per_connection_sum;
  if (sum <= 0) return 0;
  return sum * sum / (static_cast<double>(active_established) * replies_per_connection_squares);
}

}  // namespace bench
