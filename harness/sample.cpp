#include "harness/sample.h"

#include <algorithm>

namespace bench {
namespace {

std::array<double, 4> percentiles(const Histogram& histogram) {
  std::array<double, 4> values{};
  std::ranges::transform(shown_percentiles, values.begin(),
                         [&](double percentile) { return static_cast<double>(histogram.percentile_ns(percentile)); });
  return values;
}

}  // namespace

Sample make_sample(const RunReport& report, std::uint32_t round, std::int64_t user_ns, std::int64_t system_ns) {
  const JobMeasurement& job = report.job;
  const auto per_batch = [&](std::int64_t total) { return static_cast<double>(total) / job.batches; };
  return {
      .round = round,
      .batches = job.batches,
      .warmup_batches = job.warmup_batches,
      .wall_ns = per_batch(job.wall_ns),
      .cpu_ns = per_batch(job.usage.cpu_ns),
      .compute_ns = report.compute_ns,
      .voluntary_switches = per_batch(job.usage.voluntary_switches),
      .involuntary_switches = per_batch(job.usage.involuntary_switches),
      .minor_faults = per_batch(job.usage.minor_faults),
      .major_faults = per_batch(job.usage.major_faults),
      .run_user_ns = std::max<std::int64_t>(user_ns - report.plain_loop_ns, 0),
      .run_system_ns = system_ns,
      .units_peak = report.units_peak.load(),
      .latency_ns = percentiles(job.latency),
      .start_delay_ns = percentiles(job.start_delay),
      .service_ns = percentiles(job.service),
      .latency = job.latency.encode(),
  };
}

}  // namespace bench
