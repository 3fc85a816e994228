// Why: costs per request and per connection are divisions, and a divisor may be 0.
#include "harness/summary/sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace bench {
namespace {

// Per connection 5,000 bytes and 12,000 bytes, on top of 1 MB and 2 MB that do not grow with them.
TEST(MemorySlope, LeavesOutWhatDoesNotGrowWithTheConnections) {
  const UnitMemory memory =
      memory_slope({{1000, 6'000'000, 14'000'000}, {2000, 11'000'000, 26'000'000}, {3000, 16'000'000, 38'000'000}});
  EXPECT_DOUBLE_EQ(memory.user_bytes, 5000);
  EXPECT_DOUBLE_EQ(memory.kernel_bytes, 12'000);
}

// x - 2000: -1000, 0, 1000. User: sum of products 1000·(9 - 5)·10^6 = 4·10^9 over 2·10^6. Kernel: 1000·(1 - 3)·10^6.
TEST(MemorySlope, IsThatOfTheLeastSquares) {
  const UnitMemory memory =
      memory_slope({{1000, 5'000'000, 3'000'000}, {2000, 7'900'000, 9'000'000}, {3000, 9'000'000, 1'000'000}});
  EXPECT_DOUBLE_EQ(memory.user_bytes, 2000);
  EXPECT_DOUBLE_EQ(memory.kernel_bytes, -1000);
}

TEST(MemorySlope, NeedsTwoCounts) {
  EXPECT_EQ(memory_slope({}).user_bytes, 0);
  EXPECT_EQ(memory_slope({{1000, 5, 5}}).user_bytes, 0);
  EXPECT_EQ(memory_slope({{1000, 5, 5}, {1000, 9, 9}}).kernel_bytes, 0);
}

class ServiceReport : public testing::Test {
 protected:
  ServiceReport() {
    report.clear();
    ServiceMeasurement& service = report.service;
    service.littles_law_ratio = 1;
    service.to_stop_ns = 2'000'000'000;
    service.generator_cpus = 1;
    service.bare_request_ns = 1500;
    LoadCounts& load = service.load;
    load.workers = 1;
    load.wall_ns = 2'000'000'000;
    load.active_asked = load.connections_asked = 4;
  }

  static std::unique_ptr<RunReport> make_report() { return std::make_unique<RunReport>(); }

  const std::unique_ptr<RunReport> owned = make_report();
  RunReport& report = *owned;
};

// Before the window a server may not have been there yet.
TEST_F(ServiceReport, IsJudgedByTheErrorsOfItsWindow) {
  LoadCounts& load = report.service.load;
  load.requests_completed = 1000;
  load.active_established = load.active_served = load.active_at_end = 4;
  load.errors[static_cast<std::size_t>(LoadError::refused)] = 16;
  const auto limit = [&] { return make_service_sample(report, 0, 0, {}).service->judgement.limit; };
  EXPECT_NE(limit(), Limit::errors);
  load.connections_broken = 16;
  EXPECT_EQ(limit(), Limit::errors);
}

TEST_F(ServiceReport, DividesCostsByAllRequestsAnsweredBetweenTheReadings) {
  report.service.usage.cpu_ns = 1'000'000'000;
  report.service.usage_to_stop.cpu_ns = 800'000'000;  // the rest in the drain
  report.service.usage.voluntary_switches = 500;
  report.service.load.requests_completed = 990;
  report.service.load.requests_drained = 10;
  report.service.load.active_served = 4;
  report.service.latency.record(1'000'000, 1000);
  const Sample sample = make_service_sample(report, 3, 0, {.usable = 2, .given = 2});
  EXPECT_EQ(sample.round, 3U);
  EXPECT_DOUBLE_EQ(sample.cpu_ns, 1e6);
  EXPECT_DOUBLE_EQ(sample.voluntary_switches, 0.5);
  EXPECT_DOUBLE_EQ(sample.ideal_cpu_ns, 1500);
  EXPECT_DOUBLE_EQ(sample.service->rate, 495);  // completed in the two seconds of the window
  EXPECT_DOUBLE_EQ(sample.service->server_busy, 0.2);
  EXPECT_NEAR(sample.wall_ns, 1e6, 1e3);
  EXPECT_TRUE(sample.service->judgement.valid || sample.service->judgement.limit == Limit::generator);
}

// A wait that began before the window, or ends behind it.
TEST_F(ServiceReport, IsKeptOffForNoMoreThanTheWindow) {
  report.service.load.kept_off_ns = 500'000'000;
  EXPECT_DOUBLE_EQ(make_service_sample(report, 0, 0, {}).service->generator_kept_off, 0.25);
  report.service.load.kept_off_ns = 4'000'000'000;
  EXPECT_DOUBLE_EQ(make_service_sample(report, 0, 0, {}).service->generator_kept_off, 1);
}

TEST_F(ServiceReport, CarriesWhatIsUnknownAndWhatAQuotaDid) {
  std::string("process 7 ended").copy(report.service.server_cpu_unknown, 20);
  report.service.server_switches_unknown = true;
  report.throttling = {.times = 3, .ns = 500};
  const Sample sample = make_service_sample(report, 0, 0, {});
  EXPECT_EQ(sample.service->server_cpu_unknown, "process 7 ended");
  EXPECT_TRUE(sample.service->server_switches_unknown);
  EXPECT_EQ(sample.throttling.times, 3);
  EXPECT_EQ(make_sample(report, 0, 0, 0).throttling.ns, 500);
  EXPECT_EQ(make_primitive_sample(report, 0, 0, 0).throttling.ns, 500);
}

// Two CPUs for both: what the load has used is not there for the server, but only where they share.
TEST_F(ServiceReport, TakesAServerForTheLimitThatUsesAllTheLoadHasLeft) {
  report.service.usage_to_stop.cpu_ns = 2'900'000'000;  // of four seconds
  report.service.load.cpu_ns = 1'000'000'000;
  report.service.load.idle_ns = 900'000'000;
  report.service.load.requests_completed = 1000;
  report.service.load.active_established = report.service.load.active_served = 4;
  report.service.latency.record(1'000'000, 1000);
  const auto limit = [&](const ServerCpus& cpus) {
    return make_service_sample(report, 0, 0, cpus).service->judgement.limit;
  };
  EXPECT_EQ(limit({.usable = 2, .given = 2, .shared = true}), Limit::server);
  EXPECT_EQ(limit({.usable = 2, .given = 2, .shared = false}), Limit::latency);
  EXPECT_EQ(limit({.usable = 2, .given = 2, .shared = true, .load_own = 1}), Limit::latency);  // it ran elsewhere
  report.service.usage_to_stop.cpu_ns = 1'900'000'000;  // a model of one thread leaves the other CPU to the load
  EXPECT_EQ(limit({.usable = 1, .given = 2, .shared = true}), Limit::server);
}

// 51 workers of 1.7% each on one CPU: that CPU is busy, whatever a mean of the workers says.
TEST_F(ServiceReport, JudgesTheGeneratorByTheCpusThatItMayUse) {
  report.service.load.workers = 51;
  report.service.load.cpu_ns = 1'780'000'000;
  report.service.load.idle_ns = 51 * std::int64_t{1'960'000'000};
  report.service.load.requests_completed = 1000;
  report.service.load.active_established = report.service.load.active_served = 4;
  report.service.latency.record(1'000'000, 1000);
  const Sample sample = make_service_sample(report, 0, 0, {.usable = 1, .given = 1});
  EXPECT_DOUBLE_EQ(sample.service->generator_busy, 0.89);
  EXPECT_EQ(sample.service->judgement.limit, Limit::generator);
  EXPECT_FALSE(sample.service->judgement.valid);
}

TEST_F(ServiceReport, HoldsFiniteNumbersWithoutASingleAnswer) {
  for (const bool with_window : {true, false}) {
    if (!with_window) report.service.load.wall_ns = report.service.to_stop_ns = 0;
    report.service.usage.cpu_ns = 1000;
    const Sample sample = make_service_sample(report, 0, 1000, {});
    const ServiceSample& service = *sample.service;
    for (const double value : {sample.wall_ns, sample.cpu_ns, sample.voluntary_switches, sample.minor_faults,
                               sample.latency_ns[Shown::p99_9], service.rate, service.server_busy,
                               service.generator_busy, service.load.fairness(), service.send_lag_p99_ns}) {
      EXPECT_TRUE(std::isfinite(value));
    }
    EXPECT_FALSE(service.judgement.valid);
  }
}

}  // namespace
}  // namespace bench
