#include "measure/load_report.h"

#include <fmt/format.h>

#include <numeric>

namespace bench {

std::string_view name_of(LoadError kind) {
  constexpr std::array<std::string_view, load_error_kinds> names{
      "refused",         "reset", "timeout",       "wrong_reply", "short_reply", "closed",
      "connect_timeout", "lost",  "no_descriptor", "tls",         "other"};
  return names[static_cast<std::size_t>(kind)];
}

std::uint64_t LoadCounts::errors_total() const {
  return std::accumulate(errors.begin(), errors.end(), std::uint64_t{0});
}

double LoadCounts::rate_per_second() const {
  constexpr double second_ns = 1e9;
  return wall_ns > 0 ? static_cast<double>(requests_completed) * second_ns / static_cast<double>(wall_ns) : 0;
}

std::string describe_errors(const LoadCounts& counts) {
  std::string text;
  for (std::size_t kind = 0; kind < counts.errors.size(); ++kind) {
    if (counts.errors[kind] == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", counts.errors[kind], name_of(static_cast<LoadError>(kind)));
  }
  return text.empty() ? "no errors" : text;
}

double LoadReport::littles_law_ratio() const {
  const double in_flight_ns =
      static_cast<double>(latency->count()) * latency->mean_ns() + static_cast<double>(failed_in_flight_ns);
  if (in_flight_ns > 0) return static_cast<double>(in_flight_integral_ns) / in_flight_ns;
  return in_flight_integral_ns == 0 ? 1 : 0;
}

double LoadCounts::fairness() const {
  const double sum = replies_per_connection_sum;
  if (sum <= 0) return 0;
  return sum * sum / (static_cast<double>(active_established) * replies_per_connection_squares);
}

}  // namespace bench
