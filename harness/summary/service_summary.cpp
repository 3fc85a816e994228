#include "harness/summary/service_summary.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace bench {

ServiceSummary summarize_service(const std::vector<Sample>& samples) {
  const auto estimate = [&](auto field) {
    return median_estimate(column(samples, [&](const Sample& sample) { return std::invoke(field, *sample.service); }));
  };
  ServiceSummary row;
  row.rate = estimate(&ServiceSample::rate);
  row.offered_rate = estimate(&ServiceSample::offered_rate);
  row.server_busy = estimate(&ServiceSample::server_busy);
  row.others_busy = estimate(&ServiceSample::others_busy);
  row.generator_busy = estimate(&ServiceSample::generator_busy);
  row.fairness = estimate([](const ServiceSample& sample) { return sample.load.fairness(); });
  row.littles_law_ratio = estimate(&ServiceSample::littles_law_ratio);
  row.send_lag_p99_ns = estimate(&ServiceSample::send_lag_p99_ns);
  row.light_p99_ns = estimate([](const ServiceSample& sample) { return sample.light_latency_ns[2]; });
  row.heavy_p99_ns = estimate([](const ServiceSample& sample) { return sample.heavy_latency_ns[2]; });
  row.establishment_rate = estimate([](const ServiceSample& sample) {
    const auto phase_s = static_cast<double>(sample.load.connect_phase_ns) / 1e9;
    return phase_s > 0 ? static_cast<double>(sample.load.connections_established) / phase_s : 0;
  });
  const LoadCounts& first = samples.front().service->load;
  row.connections_asked = first.connections_asked;
  row.active_asked = first.active_asked;
  row.connections_established = first.connections_established;
  row.connections_served = first.active_served;
  std::map<Limit, std::size_t> limits;
  for (const Sample& sample : samples) {
    const ServiceSample& service = *sample.service;
    ++limits[service.judgement.limit];
    if (!service.judgement.valid && row.invalid++ == 0) row.why_invalid = service.judgement.why_invalid;
    row.connections_established = std::min(row.connections_established, service.load.connections_established);
    if (service.load.active_served <= row.connections_served) {
      row.connections_served = service.load.active_served;
      row.active_due = service.load.active_due();
    }
    for (std::size_t kind = 0; kind < row.errors.size(); ++kind) row.errors[kind] += service.load.errors[kind];
    row.requests_failed += service.load.requests_failed;
    row.requests_unfinished += service.load.requests_unfinished;
    if (row.error_text.empty()) row.error_text = service.error_text;
  }
  row.limit = std::ranges::max_element(limits, {}, [](const auto& pair) { return pair.second; })->first;
  if (samples.front().service->knee) {
    row.knee_rate = estimate([](const ServiceSample& sample) { return sample.knee->rate; });
    const auto nearest = std::ranges::min_element(samples, {}, [&](const Sample& sample) {
      return std::abs(sample.service->knee->rate - row.knee_rate->median);
    });
    row.knee = nearest->service->knee;
  }
  return row;
}

}  // namespace bench
