// A plan of one service and what its runs have left, made by hand: every figure is known beforehand.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/summary/sample.h"
#include "harness/summary/summary.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/told.h"

namespace bench {

/// Cell i is of model i: `echo` over four connections, the server on CPU 0 and the load on CPU 1, windows of a second.
class ServiceExample {
 public:
  explicit ServiceExample(const std::vector<std::string_view>& models, RateMode mode = RateMode::closed,
                          double rate = 0) {
    using namespace std::chrono_literals;
    plan.cpu_split = {.server = {0}, .client = {1}};
    plan.services.rate_mode = mode;
    plan.services.client.duration = 1s;
    plan.services.client.warmup = 100ms;
    Group& group = plan.groups.emplace_back();
    group.service = &all_services().front();
    tell(group, {});
    group.load.connections = group.load.active = 4;
    group.load.mode = mode;
    group.load.rate = mode == RateMode::fixed ? rate : 0;
    group.cpus = 1;
    group.title = "example";
    for (const std::string_view model : models) {
      group.cells.push_back(plan.cells.size());
      Cell& cell = plan.cells.emplace_back();
      cell.model = &model_named(model);
      cell.name = service_cell_name(cell, group);
      cell.label = model;
    }
    results.cells.resize(plan.cells.size());
    results.common_rates = {mode == RateMode::common ? rate : 0};
    offered_ = rate;
  }

  /// Adds a run of the next round: so many requests in a second, at so much CPU time of the server each. All of them
  /// took a millisecond, were answered and cost the bare system calls of 1 us.
  Sample& add(std::size_t cell, double rate, double cpu_ns, Limit limit) {
    constexpr double latency_ns = 1e6;
    std::vector<Sample>& samples = results.cells[cell].samples;
    Sample& sample = samples.emplace_back();
    sample.round = static_cast<std::uint32_t>(samples.size() - 1);
    sample.batches = 1;
    sample.wall_ns = rate > 0 ? latency_ns : 0;
    sample.cpu_ns = cpu_ns;
    sample.ideal_cpu_ns = 1000;
    sample.units_peak = 1;
    const auto requests = static_cast<std::uint64_t>(std::llround(rate));
    Histogram latency{};
    latency.record(static_cast<std::int64_t>(latency_ns), requests);
    sample.latency_ns.fill(sample.wall_ns);
    sample.latency = latency.encode();
    ServiceSample& service = sample.service.emplace();
    service.offered_rate = offered_;
    service.rate = rate;
    service.judgement.limit = limit;
    service.server_busy = 0.5;
    service.generator_busy = 0.25;
    LoadCounts& load = service.load;
    load.workers = 1;
    load.wall_ns = 1'000'000'000;
    load.idle_ns = 600'000'000;
    load.requests_completed = requests;
    load.connections_asked = load.connections_established = 4;
    load.active_asked = load.active_established = load.active_served = 4;
    load.replies_per_connection_sum = rate;
    load.replies_per_connection_squares = rate * rate / 4;
    return sample;
  }

  /// Six rounds, which are enough for an interval.
  void add_six(std::size_t cell, double rate, double cpu_ns, Limit limit) {
    for (int round = 0; round < 6; ++round) add(cell, rate, cpu_ns, limit);
  }

  GroupSummary summary() const { return summarize(plan, results).front(); }

  Plan plan;
  Results results;

 private:
  double offered_ = 0;
};

}  // namespace bench
