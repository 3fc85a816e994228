// Why: in an open loop a request counts from when it was due, whatever the server does meanwhile; a load that waits for
// the server hides its worst.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "harness/load/load_generator.h"
#include "measure/shared_mapping.h"
#include "tests/support/echo_load.h"
#include "tests/support/scripted_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

TEST(Load, SendsWhatIsDueAndNoMore) {
  CountingEcho server;
  for (const std::uint32_t threads : {1U, 2U}) {
    LoadPlan plan = echo_plan(server.target(), 4);
    plan.rate = 1000;
    plan.threads = threads;
    const LoadReport report = run_load(plan, server.at_edge());
    expect_good(report, server);
    EXPECT_NEAR(static_cast<double>(report.requests_answered()), 300, 1);
    EXPECT_EQ(report.send_lag->count(), report.requests_answered());
  }
}

// No more requests than connections: none has two.
TEST(Load, GivesEachConnectionItsTurnInOpenLoop) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 1000);
  plan.rate = 20'000;
  plan.duration = 49ms;
  plan.silence = 60s;  // some of a thousand threads may have to wait for their turn
  const LoadReport report = run_load(plan, server.at_edge());
  expect_good(report, server);
  EXPECT_GT(report.requests_answered(), 900U);
  EXPECT_EQ(report.active_served, report.requests_answered());
  EXPECT_EQ(report.replies_per_connection_max, 1U);
}

TEST(Load, SendsAtRandomTimesAtTheRightRate) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 4);
  plan.rate = 1000;
  plan.arrivals = Arrivals::poisson;
  const LoadReport report = run_load(plan, server.at_edge());
  expect_good(report, server);
  EXPECT_NEAR(static_cast<double>(report.requests_answered()), 300, 100);  // more than five standard deviations
}

std::uint64_t samples_from(const Histogram& histogram, std::int64_t least_ns) {
  std::uint64_t count = 0;
  for (const Histogram::Bucket& bucket : histogram.buckets()) count += bucket.low_ns >= least_ns ? bucket.count : 0;
  return count;
}

// A server that stalls once. Closed loop has one sample of it for each connection; open loop has all the requests that
// would have come meanwhile.
TEST(Load, ShowsAStallInOpenLoop) {
  constexpr std::int64_t stall_ns = 400'000'000;
  const SharedArray<std::atomic<bool>> shared(1);
  std::atomic<bool>& stall = *shared.data();
  std::mutex one_at_a_time;
  const ScriptedServer server([&](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      const std::scoped_lock lock(one_at_a_time);
      if (stall.exchange(false)) std::this_thread::sleep_for(std::chrono::nanoseconds(stall_ns));
      if (!write_all(fd, echo_reply(*message))) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.duration = 1s;
  const auto at_edge = [&](Edge edge) {
    if (edge == Edge::begin) stall = true;
  };

  const LoadReport closed = run_load(plan, at_edge);
  EXPECT_GE(closed.latency->max_ns(), stall_ns);
  // Each connection's requests come one after the other, and so at most 5 of a second can take 200 ms or more, and one
  // that ends in the drain.
  EXPECT_LE(samples_from(*closed.latency, stall_ns / 2), 2U * 6U);

  plan.rate = 1000;
  const LoadReport open = run_load(plan, at_edge);
  EXPECT_GE(open.latency->max_ns(), stall_ns);
  EXPECT_GE(samples_from(*open.latency, stall_ns / 2), 190U);
  EXPECT_GE(open.latency->percentile_ns(99), stall_ns / 2);
  EXPECT_EQ(open.requests_answered(), 1000U);
  EXPECT_EQ(open.errors_total(), 0U);
}

// What is due at the stop is still sent, be it over connections that have to be made first.
TEST(Load, SendsTheBacklogInTheDrain) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      std::this_thread::sleep_for(3ms);
      if (!write_all(fd, echo_reply(*message))) return;
    }
  });
  for (const std::uint64_t requests_per_connection : {0U, 1U}) {
    LoadPlan plan = echo_plan(server.target(), 1);
    plan.rate = 1000;
    plan.drain = 60s;
    plan.requests_per_connection = requests_per_connection;
    const LoadReport report = run_load(plan);
    EXPECT_GT(report.backlog_at_end, 0U);
    EXPECT_GE(report.requests_drained, report.backlog_at_end);
    EXPECT_EQ(report.requests_answered(), 300U);
    EXPECT_EQ(report.requests_unfinished, 0U);
    EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  }
}

// One connection of four is never answered. Its requests wait for it alone, and their ages are in the percentiles; or
// they find another connection, as if nothing were wrong.
TEST(Load, KeepsForAConnectionWhatIsDueToIt) {
  for (const Dispatch dispatch : {Dispatch::each, Dispatch::any}) {
    const ScriptedServer server([](int fd, std::uint64_t connection) {
      while (const auto message = read_message(fd)) {
        if (connection != 0 && !write_all(fd, echo_reply(*message))) return;
      }
    });
    LoadPlan plan = echo_plan(server.target(), 4);
    plan.rate = 1000;
    plan.warmup = 0ms;
    plan.dispatch = dispatch;
    const LoadReport report = run_load(plan);
    EXPECT_EQ(report.requests_answered() + report.requests_unfinished, 300U);
    EXPECT_EQ(report.active_served, 3U);
    if (dispatch == Dispatch::any) {
      EXPECT_EQ(report.requests_unfinished, 1U);
      continue;
    }
    EXPECT_EQ(report.requests_unfinished, 75U);
    EXPECT_GE(report.backlog_at_end, 74U);
    // A server that answers others is waited for no longer than a second.
    EXPECT_GE(report.latency->percentile_ns(80), 1'000'000'000);
    EXPECT_GE(report.latency->max_ns(), 1'290'000'000);
  }
}

}  // namespace
}  // namespace bench
