#include "harness/ranks/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace bench {
namespace {

std::unique_ptr<ServiceMeasurement> measured(std::uint64_t requests, std::int64_t wall_ns, std::int64_t latency_ns) {
  auto made = std::make_unique<ServiceMeasurement>();
  made->load.requests_completed = requests;
  made->load.wall_ns = wall_ns;
  made->load.in_flight_integral_ns = requests * static_cast<std::uint64_t>(latency_ns);
  made->load.errors[0] = requests;
  made->load.replies_by_slice[3] = requests;
  made->load.longest_absence_ns = latency_ns;
  made->latency.record(latency_ns, requests);
  made->generator_cpus = 1;
  return made;
}

TEST(MergeOfRanks, AddsCountsAndHistogramsAndRates) {
  const auto one = measured(100, 100'000'000, 1'000);
  const auto other = measured(300, 200'000'000, 9'000);
  merge(*one, *other);
  EXPECT_EQ(one->load.requests_completed, 400U);
  EXPECT_EQ(one->load.errors[0], 400U);
  EXPECT_EQ(one->load.replies_by_slice[3], 400U);
  EXPECT_EQ(one->load.longest_absence_ns, 9'000);
  EXPECT_EQ(one->generator_cpus, 2U);
  // 1,000/s and 1,500/s, each over its own window.
  EXPECT_NEAR(one->load.rate_per_second(), 2'500, 0.001);
  // Of 100 times 1 µs and 300 times 9 µs, as if pooled: a mean of percentiles would be 5 µs.
  EXPECT_EQ(one->latency.percentile_ns(25), 1'000);
  EXPECT_NEAR(static_cast<double>(one->latency.percentile_ns(50)), 9'000, 9);
  EXPECT_NEAR(one->littles_law_ratio, 1, 1e-9);
}

TEST(MergeOfRanks, IsTheSameInAnyOrder) {
  const auto forth = measured(100, 100'000'000, 1'000);
  merge(*forth, *measured(300, 200'000'000, 9'000));
  merge(*forth, *measured(50, 100'000'000, 4'000));
  const auto back = measured(50, 100'000'000, 4'000);
  merge(*back, *measured(300, 200'000'000, 9'000));
  merge(*back, *measured(100, 100'000'000, 1'000));
  EXPECT_EQ(forth->latency, back->latency);
  EXPECT_NEAR(forth->load.rate_per_second(), back->load.rate_per_second(), 0.001);
}

TEST(MergeOfRanks, TakesTheServersUsageFromWhoeverHasIt) {
  const auto server = std::make_unique<ServiceMeasurement>();
  server->usage.cpu_ns = 5'000;
  server->bare_request_ns = 7;
  const auto load = measured(10, 1'000, 10);
  merge(*load, *server);
  EXPECT_EQ(load->usage.cpu_ns, 5'000);
  EXPECT_EQ(load->bare_request_ns, 7);
  EXPECT_EQ(load->load.wall_ns, 1'000) << "a server has no window of its own";
}

TEST(MergeOfRanks, KeepsWhatWasFoundWrongFirst) {
  const auto one = measured(1, 1'000, 10);
  const auto other = measured(1, 1'000, 10);
  std::string_view("wrong payload").copy(other->error_text, sizeof other->error_text - 1);
  merge(*one, *other);
  EXPECT_STREQ(one->error_text, "wrong payload");
}

}  // namespace
}  // namespace bench
