#include "harness/ranks/merge.h"

#include <algorithm>
#include <cstring>

#include "harness/ranks/messages.h"
#include "harness/summary/sample.h"

namespace bench {
namespace {

template <std::size_t N>
void keep_first(char (&into)[N], const char (&other)[N]) {
  if (into[0] == '\0') std::memcpy(into, other, N);
}

}  // namespace

void merge(ServiceMeasurement& into, const ServiceMeasurement& other) {
  merge(into.load, other.load);
  keep_first(into.error_text, other.error_text);
  into.latency.merge(other.latency);
  into.send_lag.merge(other.send_lag);
  into.connect_time.merge(other.connect_time);
  into.usage += other.usage;
  into.usage_to_stop += other.usage_to_stop;
  keep_first(into.server_cpu_unknown, other.server_cpu_unknown);
  into.server_switches_unknown = into.server_switches_unknown || other.server_switches_unknown;
  into.server_user_ns += other.server_user_ns;
  into.server_system_ns += other.server_system_ns;
  into.generator_cpus += other.generator_cpus;
  into.server_cpus += other.server_cpus;
  into.bare_request_ns += other.bare_request_ns;
  into.computation_ns += other.computation_ns;
  into.littles_law_ratio = littles_law_ratio(into.load, into.latency);
}

GeneratorFindings findings_of(const RunReport& report, std::uint32_t rank, const std::string& host, double rate) {
  // Of the server it knows nothing: that one is taken to be idle.
  const Sample sample = make_service_sample(report, 0, rate, {});
  const ServiceSample& service = *sample.service;
  GeneratorFindings findings{.rank = rank,
                             .requests_completed = service.load.requests_completed,
                             .rate = service.rate,
                             .latency_p50_ns = sample.latency_ns[Shown::p50],
                             .latency_p99_ns = sample.latency_ns[Shown::p99],
                             .busy = service.generator_busy,
                             .idle = service.generator_idle,
                             .kept_off = service.generator_kept_off,
                             .littles_law_ratio = service.littles_law_ratio};
  copy_text(host, findings.host);
  copy_text(limit_name(service.judgement.limit), findings.limit);
  // Of few requests none may have been due to it, which says nothing against the others.
  const LoadCounts& load = service.load;
  const bool was_idle = load.requests_answered() + load.requests_unfinished + load.requests_failed == 0;
  if (!was_idle || load.errors_total() != 0) copy_text(service.judgement.why_invalid, findings.why_invalid);
  return findings;
}

}  // namespace bench
