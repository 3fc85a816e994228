#include "harness/load/worker_report.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace bench {

void stretch(std::array<std::uint64_t, window_slices>& replies, std::chrono::nanoseconds lasted,
             std::chrono::nanoseconds planned) {
  const double share = static_cast<double>(lasted.count()) / static_cast<double>(planned.count());
  std::array<double, window_slices + 1> before{};  // how many came before each old slice
  for (std::size_t slice = 0; slice < window_slices; ++slice) {
    before[slice + 1] = before[slice] + static_cast<double>(replies[slice]);
  }
  const auto old = replies;
  std::uint64_t given = 0;
  for (std::size_t slice = 0; slice < window_slices; ++slice) {
    const bool is_last = slice + 1 == window_slices;
    const double end = is_last ? double{window_slices} : static_cast<double>(slice + 1) * share;
    const auto whole = std::min(static_cast<std::size_t>(end), window_slices - 1);
    const double until = before[whole] + (end - static_cast<double>(whole)) * static_cast<double>(old[whole]);
    const auto so_far = static_cast<std::uint64_t>(std::llround(until));
    replies[slice] = so_far - given;
    given = so_far;
  }
}

void merge(LoadReport& report, const WorkerReport& worker) {
  report.connections_established += worker.connections_established;
  report.connections_begun += worker.connections_begun;
  for (std::size_t kind = 0; kind < load_error_kinds; ++kind) report.errors[kind] += worker.errors[kind];
  if (report.error_text.empty()) report.error_text = worker.error_text;
  report.connect_time->merge(worker.connect_time);

  const WorkerReport::Window& window = worker.window;
  report.reconnects += window.reconnects;
  report.messages_pushed += window.messages_pushed;
  report.idle_closes += window.idle_closes;
  report.connections_broken += window.connections_broken;
  report.requests_completed += window.requests_completed;
  report.requests_drained += window.requests_drained;
  report.requests_unfinished += window.requests_unfinished;
  report.requests_failed += window.requests_failed;
  report.requests_timed_out += window.requests_timed_out;
  report.backlog_at_end += window.backlog_at_end;
  report.in_flight_at_end += window.in_flight_at_end;
  report.received_bytes += window.received_bytes;
  report.sent_bytes += window.sent_bytes;
  report.idle_ns += window.idle_ns;
  report.cpu_ns += window.cpu_ns;
  report.in_flight_integral_ns += window.in_flight_integral_ns;
  report.in_flight_to_stop_ns += window.in_flight_to_stop_ns;
  report.failed_in_flight_ns += window.failed_in_flight_ns;
  std::ranges::transform(report.replies_by_slice, window.replies_by_slice, report.replies_by_slice.begin(),
                         std::plus());
  report.kept_off_ns += window.kept_off_ns;
  report.longest_absence_ns = std::max(report.longest_absence_ns, window.longest_absence_ns);
  report.active_established += window.active_established;
  report.active_served += window.active_served;
  report.active_at_end += window.active_at_end;
  report.replies_per_connection_max = std::max(report.replies_per_connection_max, window.replies_per_connection_max);
  report.replies_per_connection_sum += window.replies_per_connection_sum;
  report.replies_per_connection_squares += window.replies_per_connection_squares;
  report.latency->merge(worker.latency);
  report.send_lag->merge(worker.send_lag);

  report.class_latency.resize(report.class_count);
  for (std::uint32_t index = 0; index < report.class_count; ++index) {
    const auto& [counts, latency] = worker.classes[index];
    report.classes[index].completed += counts.completed;
    report.classes[index].drained += counts.drained;
    report.classes[index].unfinished += counts.unfinished;
    report.classes[index].failed += counts.failed;
    report.class_latency[index]->merge(latency);
  }
}

}  // namespace bench
