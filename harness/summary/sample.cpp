#include "harness/summary/sample.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/text/quantities.h"

namespace bench {
namespace {

Percentiles<double> percentiles(const Histogram& histogram) {
  Percentiles<double> values{};
  std::ranges::transform(shown_percentiles, values.begin(),
                         [&](double percentile) { return static_cast<double>(histogram.percentile_ns(percentile)); });
  return values;
}

std::optional<LoadFigures::Counted> counted(const RunReport& report, ServerCounts counts) {
  const LoadCounts& load = report.service.load;
  const std::uint64_t accepted = report.server.accepted.load();
  switch (counts) {
    case ServerCounts::connections:
      return LoadFigures::Counted{
          .what = "connections", .accepted = accepted, .answered = load.active_served, .begun = load.connections_begun};
    case ServerCounts::datagrams:
    case ServerCounts::transfers:
      return LoadFigures::Counted{.what = counts == ServerCounts::datagrams ? "datagrams" : "transfers",
                                  .accepted = accepted,
                                  .answered = load.requests_answered(),
                                  .begun = std::nullopt};
    case ServerCounts::nothing: break;
  }
  return std::nullopt;
}

// What one of several generators found of itself is of the whole: its share of the figures is not the server's.
void doubt_generators(ServiceSample& service) {
  if (!service.judgement.valid) return;
  for (const GeneratorFindings& generator : service.generators) {
    if (generator.why_invalid[0] == '\0') continue;
    service.judgement.valid = false;
    service.judgement.doubt = Doubt::other;
    service.judgement.why_invalid =
        fmt::format("host {} (rank {}): {}", generator.host, generator.rank, generator.why_invalid);
    if (generator.limit == limit_name(Limit::generator)) service.judgement.limit = Limit::generator;
    return;
  }
}

std::vector<double> tallies_per_batch(const JobMeasurement& job, std::size_t count) {
  std::vector<double> tallies(count);
  std::ranges::transform(std::span(job.tallies).first(count), tallies.begin(), [&](std::uint64_t total) {  //
    return static_cast<double>(total) / job.batches;
  });
  return tallies;
}

}  // namespace

Sample make_sample(const RunReport& report, std::uint32_t round, std::int64_t user_ns, std::int64_t system_ns,
                   std::size_t tallies) {
  const JobMeasurement& job = report.job;
  const auto per_batch = [&](std::int64_t total) { return static_cast<double>(total) / job.batches; };
  return {
      .round = round,
      .batches = job.batches,
      .warmup_batches = job.warmup_batches,
      .wall_ns = per_batch(job.wall_ns),
      .cpu_ns = per_batch(job.usage.cpu_ns),
      .ideal_cpu_ns = report.compute_ns,
      .voluntary_switches = per_batch(job.usage.voluntary_switches),
      .involuntary_switches = per_batch(job.usage.involuntary_switches),
      .minor_faults = per_batch(job.usage.minor_faults),
      .major_faults = per_batch(job.usage.major_faults),
      .run_user_ns = std::max<std::int64_t>(user_ns - report.plain_loop_ns, 0),
      .run_system_ns = system_ns,
      .throttling = report.throttling,
      .units_peak = report.units_peak.load(),
      .latency_ns = percentiles(job.latency),
      .start_delay_ns = percentiles(job.start_delay),
      .task_time_ns = percentiles(job.service),
      .tallies = tallies_per_batch(job, tallies),
      .remark = job.remark,
      .latency = job.latency.encode(),
      .surroundings = report.surroundings,
      .service = std::nullopt,
  };
}

Sample make_primitive_sample(const RunReport& report, std::uint32_t round, std::int64_t user_ns,
                             std::int64_t system_ns) {
  const PrimitiveMeasurement& measured = report.primitive;
  const auto operations = static_cast<double>(measured.operations);
  const auto each = [&](std::int64_t total) { return static_cast<double>(total) / operations; };
  Sample sample;
  sample.round = round;
  sample.batches = 1;
  sample.wall_ns = measured.wall_ns / operations;
  sample.cpu_ns = each(measured.usage.cpu_ns);
  sample.voluntary_switches = each(measured.usage.voluntary_switches);
  sample.involuntary_switches = each(measured.usage.involuntary_switches);
  sample.minor_faults = each(measured.usage.minor_faults);
  sample.major_faults = each(measured.usage.major_faults);
  sample.run_user_ns = user_ns;
  sample.run_system_ns = system_ns;
  sample.surroundings = report.surroundings;
  sample.throttling = report.throttling;
  sample.primitive = {.operations = measured.operations,
                      .memory = memory_slope({measured.memory.begin(), measured.memory.end()})};
  return sample;
}

Sample make_service_sample(const RunReport& report, std::uint32_t round, double offered_rate, const ServerCpus& cpus,
                           ServerCounts counts) {
  const ServiceMeasurement& measured = report.service;
  const LoadCounts& load = measured.load;
  const double answered = static_cast<double>(std::max<std::uint64_t>(load.requests_answered(), 1));
  const auto per_request = [&](std::int64_t total) { return static_cast<double>(total) / answered; };
  const auto share = [](std::int64_t part, double whole) { return whole > 0 ? static_cast<double>(part) / whole : 0; };
  const double worker_ns = static_cast<double>(load.wall_ns) * load.workers;
  // What the generator has used of CPUs that both share was not there for the server: at least what it cannot have
  // used elsewhere.
  const auto window_ns = static_cast<double>(measured.to_stop_ns);
  const double usable_ns = window_ns * cpus.usable;
  const double taken_ns =
      cpus.shared ? std::max(static_cast<double>(load.cpu_ns) - window_ns * cpus.load_own, 0.0) : 0.0;
  const double left_ns = std::min(usable_ns, window_ns * cpus.given - taken_ns);

  Sample sample;
  sample.round = round;
  sample.batches = 1;
  sample.wall_ns = measured.latency.mean_ns();
  sample.cpu_ns = per_request(measured.usage.cpu_ns);
  sample.ideal_cpu_ns = measured.bare_request_ns;
  sample.voluntary_switches = per_request(measured.usage.voluntary_switches);
  sample.involuntary_switches = per_request(measured.usage.involuntary_switches);
  sample.minor_faults = per_request(measured.usage.minor_faults);
  sample.major_faults = per_request(measured.usage.major_faults);
  sample.run_user_ns = measured.server_user_ns;
  sample.run_system_ns = measured.server_system_ns;
  sample.throttling = report.throttling;
  sample.units_peak = report.units_peak.load();
  sample.latency_ns = percentiles(measured.latency);
  sample.latency = measured.latency.encode();
  sample.surroundings = report.surroundings;

  ServiceSample& service = sample.service.emplace();
  service.load = load;
  service.offered_rate = offered_rate;
  service.rate = load.rate_per_second();
  service.littles_law_ratio = measured.littles_law_ratio;
  service.server_busy = share(measured.usage_to_stop.cpu_ns, usable_ns);
  service.generator_busy = share(load.cpu_ns, static_cast<double>(load.wall_ns) * measured.generator_cpus);
  service.generator_idle = std::min(share(load.idle_ns, worker_ns), 1 - service.generator_busy);
  // A wait for a CPU may reach beyond the window at either end.
  service.generator_kept_off = std::min(1.0, share(load.kept_off_ns, worker_ns));
  for (std::uint32_t index = 0; index < load.class_count; ++index) {
    service.classes.push_back({load.classes[index], percentiles(report.class_latency[index])});
  }
  service.send_lag_p99_ns = static_cast<double>(measured.send_lag.percentile_ns(99));
  service.connect_p99_ns = static_cast<double>(measured.connect_time.percentile_ns(99));
  service.accepted = report.server.accepted.load();
  service.refused = report.server.refused.load();
  service.timed_out = report.server.timed_out.load();
  service.open_peak = report.server.open_peak.load();
  service.error_text = measured.error_text;
  service.server_cpu_unknown = measured.server_cpu_unknown;
  service.server_switches_unknown = measured.server_switches_unknown;
  const auto load_window_ns = static_cast<double>(load.wall_ns);
  service.judgement =
      judge({.window_ns = load_window_ns,
             .offered_rate = offered_rate,
             .completed = load.requests_answered(),
             .drained = load.requests_drained,
             .failed = std::max(load.requests_failed, load.requests_timed_out + load.connections_broken),
             .timed_out = load.requests_timed_out,
             .unfinished = load.requests_unfinished,
             .wrong_replies = load.error_count(LoadError::wrong_reply),
             .waiting = load.backlog_at_end + load.in_flight_at_end,
             .mean_in_flight = share(static_cast<std::int64_t>(load.in_flight_to_stop_ns), load_window_ns),
             .asked = load.active_asked,
             .established = load.active_established,
             .served = load.active_served,
             .at_end = load.active_at_end,
             .silence_ns = silence_ns(load.replies_by_slice, load_window_ns),
             .silent_at_end_ns = silent_at_end_ns(load.replies_by_slice, load_window_ns),
             .latency_p50_ns = sample.latency_ns[Shown::p50],
             .latency_p99_ns = sample.latency_ns[Shown::p99],
             .send_lag_p99_ns = service.send_lag_p99_ns,
             .generator_idle = service.generator_idle,
             .kept_off = service.generator_kept_off,
             .workers_share = load.workers > measured.generator_cpus,
             .others_busy = sample.surroundings.others_busy,
             .server_busy = left_ns > 0 ? share(measured.usage_to_stop.cpu_ns, left_ns) : 1,
             .over_ideal = share(measured.usage.cpu_ns, answered * measured.bare_request_ns),
             .littles_law_ratio = service.littles_law_ratio,
             .counted = counted(report, counts)});
  service.generators.assign(report.generators.begin(), report.generators.begin() + report.generator_count);
  doubt_generators(service);
  return sample;
}

void slow_down(Sample& sample, double slowdown) {
  const double factor = 1 + slowdown;
  sample.wall_ns *= factor;
  sample.cpu_ns *= factor;
  for (double& latency_ns : sample.latency_ns) latency_ns *= factor;
  if (!sample.service) return;
  sample.service->rate /= factor;
  if (sample.service->knee) sample.service->knee->rate /= factor;
}

std::string why_invalid(const Sample& sample) {
  if (sample.service) return sample.service->judgement.why_invalid;
  // Clock readings and the check of its outcome lie beside each batch.
  constexpr double shortest_ns = 5'000;
  if (!sample.primitive && sample.wall_ns < shortest_ns) {
    return fmt::format("a batch takes {}, too short to be told from what lies around it; give more --tasks or --work",
                       format_duration(sample.wall_ns));
  }
  return {};
}

UnitMemory memory_slope(const std::vector<MemoryReading>& readings) {
  const auto count = static_cast<double>(readings.size());
  double mean_x = 0;
  UnitMemory mean;
  for (const MemoryReading& reading : readings) {
    mean_x += reading.count / count;
    mean.user_bytes += static_cast<double>(reading.user_bytes) / count;
    mean.kernel_bytes += static_cast<double>(reading.kernel_bytes) / count;
  }
  double squares = 0;
  UnitMemory products;
  for (const MemoryReading& reading : readings) {
    const double x = reading.count - mean_x;
    squares += x * x;
    products.user_bytes += x * (static_cast<double>(reading.user_bytes) - mean.user_bytes);
    products.kernel_bytes += x * (static_cast<double>(reading.kernel_bytes) - mean.kernel_bytes);
  }
  if (squares == 0) return {};
  return {.user_bytes = products.user_bytes / squares, .kernel_bytes = products.kernel_bytes / squares};
}

}  // namespace bench
