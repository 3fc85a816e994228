#include "harness/compare/metric.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/text/quantities.h"

namespace bench {
namespace {

bool is_service(const JsonPlace& row) { return row.at("bench").find("limit").has_value(); }

std::optional<double> number_in(const JsonPlace& row, const std::string& key) {
  const std::optional<JsonPlace> found = row.at("bench").find(key);
  return found ? std::optional(found->number()) : std::nullopt;
}

std::optional<double> time_of(const JsonPlace& row) {
  return is_service(row) ? std::nullopt : std::optional(row.at("real_time").number());
}

std::optional<double> cpu_of(const JsonPlace& row) {
  return is_service(row) ? number_in(row, "server_cpu_ns_per_request") : std::optional(row.at("cpu_time").number());
}

std::optional<double> rate_of(const JsonPlace& row) {
  return is_service(row) ? std::optional(row.at("items_per_second").number()) : std::nullopt;
}

// A run has its search, a row of medians the median of the rates that were found.
std::optional<double> knee_of(const JsonPlace& row) {
  if (const std::optional<double> found = number_in(row, "knee_rate_per_second")) return found;
  const std::optional<JsonPlace> knee = row.at("bench").find("knee");
  return knee ? std::optional(knee->at("rate_per_second").number()) : std::nullopt;
}

template <const char* key>
std::optional<double> latency_of(const JsonPlace& row) {
  return number_in(row, key);
}
constexpr char p50_key[] = "latency_p50_ns";
constexpr char p99_key[] = "latency_p99_ns";
constexpr char p99_9_key[] = "latency_p99_9_ns";

std::string show_rate(double rate) { return format_count(rate) + "/s"; }

}  // namespace

const std::array<Metric, metric_count> metrics{
    Metric{.name = "time",
           .meaning = "time of a batch or an operation",
           .of = time_of,
           .interval_key = "real_time_interval_ns",
           .show = format_duration},
    Metric{.name = "cpu",
           .meaning = "CPU time of a batch, an operation or a request",
           .of = cpu_of,
           .interval_key = "cpu_time_interval_ns",
           .show = format_duration},
    Metric{.name = "rate",
           .meaning = "requests answered per second",
           .more_is_better = true,
           .of = rate_of,
           .interval_key = "rate_interval_per_second",
           .show = show_rate},
    Metric{.name = "knee",
           .meaning = "the highest rate that keeps the promise",
           .more_is_better = true,
           .of = knee_of,
           .interval_key = "knee_rate_interval_per_second",
           .show = show_rate},
    Metric{.name = "p50", .meaning = "median latency", .of = latency_of<p50_key>, .show = format_duration},
    Metric{.name = "p99", .meaning = "latency at 99%", .of = latency_of<p99_key>, .show = format_duration},
    Metric{.name = "p99.9", .meaning = "latency at 99.9%", .of = latency_of<p99_9_key>, .show = format_duration},
};

const Metric& metric_named(std::string_view name) { return *std::ranges::find(metrics, name, &Metric::name); }

const Metric& main_metric(std::string_view ranked_by) {
  if (ranked_by == "server_cpu_per_request") return metric_named("cpu");
  if (ranked_by == "rate") return metric_named("rate");
  if (ranked_by == "knee_rate") return metric_named("knee");
  return metric_named("time");
}

}  // namespace bench
