// Why: a load generator that miscounts, hangs or believes a wrong reply spoils every figure of a service. Here, and in
// the other tests of a load, each way a server may behave is acted out on real sockets. Nothing depends on how fast the
// machine is: bounds on time are lower bounds, or follow from the plan.
#include "harness/load/load_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "measure/clock.h"
#include "measure/shared_mapping.h"
#include "measure/usage.h"
#include "tests/support/echo_load.h"
#include "tests/support/scripted_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- Servers that are right ----

TEST(Load, CountsWhatTheServerAnswered) {
  CountingEcho server;
  const LoadReport report = run_load(echo_plan(server.target(), 4), server.at_edge());
  expect_good(report, server);
  EXPECT_EQ(report.connections_established, 4U);
  EXPECT_EQ(server.connections(), 4U);
  EXPECT_EQ(report.connect_time->count(), 4U);
  EXPECT_EQ(report.active_served, 4U);
  EXPECT_EQ(report.wall_ns, std::chrono::nanoseconds(300ms).count());
  EXPECT_EQ(report.processes, 1U);
  EXPECT_EQ(report.workers, 1U);
  EXPECT_EQ(report.reconnects, 0U);
  EXPECT_EQ(report.class_count, 0U);
  EXPECT_THAT(report.class_latency, IsEmpty());
  EXPECT_GT(report.fairness(), 0.25);
  EXPECT_GT(report.cpu_ns, 0);
  EXPECT_GT(report.idle_ns, 0);
  EXPECT_GE(report.received_bytes, report.requests_completed * 68);
  EXPECT_EQ(report.sent_bytes % 68, 0U);
}

TEST(Load, CallsItsEdgesOnceInTheirOrder) {
  CountingEcho server;
  std::vector<Edge> edges;
  run_load(echo_plan(server.target(), 1), [&](Edge edge) { edges.push_back(edge); });
  EXPECT_THAT(edges, ElementsAre(Edge::begin, Edge::stop, Edge::end));
}

TEST(Load, LeavesIdleConnectionsAlone) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 6);
  plan.active = 2;
  const LoadReport report = run_load(plan, server.at_edge());
  expect_good(report, server);
  EXPECT_EQ(server.connections(), 6U);
  EXPECT_EQ(report.connections_established, 6U);
  EXPECT_EQ(report.active_established, 2U);
  EXPECT_EQ(report.active_served, 2U);
}

TEST(Load, RunsInSeveralThreads) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 5);
  plan.threads = 2;
  const LoadReport report = run_load(plan, server.at_edge());
  expect_good(report, server);
  EXPECT_EQ(report.processes, 1U);
  EXPECT_EQ(report.workers, 2U);
  EXPECT_EQ(report.active_served, 5U);
}

TEST(Load, RunsInSeveralProcesses) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 5);
  plan.max_connections_per_process = 2;
  const LoadReport report = run_load(plan, server.at_edge());
  expect_good(report, server);
  EXPECT_EQ(report.processes, 3U);
  EXPECT_EQ(report.workers, 3U);
  EXPECT_EQ(report.active_served, 5U);
}

// The server answers nothing before it has read eight requests, twice.
TEST(Load, KeepsAPipelineFull) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    std::vector<Bytes> replies;
    for (int i = 0; i < 8; ++i) {
      const auto message = read_message(fd);
      if (!message) return;
      replies.push_back(echo_reply(*message));
    }
    for (const Bytes& reply : replies) write_all(fd, reply);
    serve_echo(fd);
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.pipeline = 8;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_EQ(report.active_served, 2U);
  EXPECT_EQ(report.requests_unfinished, 0U);
}

// Far more than socket buffers hold, in both directions.
TEST(Load, StreamsLargeMessages) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 2, 8'000'000);
  plan.warmup = 0ms;  // a message may take longer than a warm-up is waited for
  plan.pipeline = 2;
  plan.drain = 2min;
  plan.request_timeout = 2min;
  const LoadReport report = run_load(plan, server.at_edge());
  expect_good(report, server);
}

TEST(Load, TakesRepliesInPieces) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      for (const std::byte& part : echo_reply(*message)) {
        if (!write_all(fd, std::span(&part, 1))) return;
      }
    }
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2, 10));
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_GT(report.requests_answered(), 0U);
}

TEST(Load, ReplacesConnectionsUnderChurn) {
  const SharedArray<std::atomic<std::uint64_t>> shared(1);
  std::atomic<std::uint64_t>& longest = *shared.data();
  const ScriptedServer server([&](int fd, std::uint64_t) {
    std::uint64_t messages = 0;
    while (const auto message = read_message(fd)) {
      if (++messages > longest) longest = messages;
      if (!write_all(fd, echo_reply(*message))) return;
    }
  });
  for (const double rate : {0.0, 1000.0}) {
    LoadPlan plan = echo_plan(server.target(), 3);
    plan.requests_per_connection = 4;
    plan.duration = 500ms;
    plan.rate = rate;
    const LoadReport report = run_load(plan);
    EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
    EXPECT_GT(report.reconnects, 0U);
    EXPECT_EQ(report.idle_closes, 0U);
    EXPECT_EQ(longest, 4U);
  }
}

// ---- An end that comes early ----

TEST(Load, EndsItsWindowWhenThatIsEnough) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.rate = 200;
  plan.duration = 1h;
  plan.warmup = 0ms;
  std::int64_t begun_ns = 0;
  const LoadReport report = LoadGenerator(plan, {}).run(
      [&](Edge edge) {
        if (edge == Edge::begin) begun_ns = now_ns();
      },
      [&] { return begun_ns != 0 && now_ns() - begun_ns > 400'000'000; });
  EXPECT_GT(report.wall_ns, 400'000'000);
  EXPECT_LT(report.wall_ns, std::chrono::nanoseconds(1h).count());
  EXPECT_NEAR(static_cast<double>(report.requests_answered()), static_cast<double>(report.wall_ns) / 1e9 * 200, 1.5);
  EXPECT_EQ(std::accumulate(report.replies_by_slice.begin(), report.replies_by_slice.end(), std::uint64_t{0}),
            report.requests_completed);
  EXPECT_NEAR(report.littles_law_ratio(), 1, 0.02);
}

std::string why_it_ended(const LoadPlan& plan, const std::function<bool()>& is_enough,
                         Connecting* connecting = nullptr) {
  try {
    LoadGenerator(plan, {}).run([](Edge) { FAIL(); }, is_enough, connecting);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Load, SaysThatItWasInterruptedBeforeItsWindow) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.warmup = 1h;
  std::uint64_t asked = 0;
  const std::string why = why_it_ended(plan, [&] { return server.messages() != 0 && ++asked > 1; });
  EXPECT_EQ(why, "was interrupted while it warmed up");
}

// Nobody listens, and there is a day left for somebody to begin: it tells what it meets, and ends when that is enough.
TEST(Load, TellsOfConnectionsThatItCannotMakeAndCanBeInterrupted) {
  const auto [socket, target] = bound_socket(Transport::tcp);
  LoadPlan plan = echo_plan(target, 2);
  plan.connect_deadline = 24h;
  const SharedArray<Connecting> connecting(1);
  const std::atomic<std::uint64_t>& refused = connecting[0].errors[static_cast<std::size_t>(LoadError::refused)];
  const std::string why = why_it_ended(
      plan, [&] { return refused.load() > 4; }, connecting.data());
  EXPECT_EQ(why, "was interrupted while its connections were made");
  EXPECT_EQ(connecting[0].established.load(), 0U);
}

// ---- The generator itself ----

TEST(Load, EndsWhenItIsNotRun) {
  const auto [socket, target] = bound_socket(Transport::tcp);
  { const LoadGenerator generator(echo_plan(target, 2), {}); }
  EXPECT_THAT(living_descendants(getpid()), IsEmpty());
}

TEST(Load, SaysWhenAProcessOfItDies) {
  const ScriptedServer server([](int fd, std::uint64_t) { serve_echo(fd); });
  LoadGenerator generator(echo_plan(server.target(), 2), {});
  const auto kill_it = [](Edge) {
    for (const pid_t pid : living_descendants(getpid())) kill(pid, SIGKILL);
  };
  try {
    generator.run(kill_it);
    ADD_FAILURE() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("was killed by signal 9"));
  }
}

TEST(Load, EndsAProcessThatDoesNotEndByItself) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.patience = 100ms;
  LoadGenerator generator(plan, {});
  const std::vector<pid_t> processes = living_descendants(getpid());
  const LoadReport report = generator.run([&](Edge edge) {
    if (edge != Edge::end) return;
    for (const pid_t pid : processes) {
      if (pid != server.process()) kill(pid, SIGSTOP);
    }
  });
  EXPECT_GT(report.requests_answered(), 0U);
  EXPECT_THAT(living_descendants(getpid()), ElementsAre(server.process()));
}

TEST(Load, SaysWhatAWorkerThrew) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.make_exchange = [](std::uint64_t, bool) -> std::unique_ptr<Exchange> { throw std::runtime_error("deliberate"); };
  LoadGenerator generator(plan, {});
  try {
    generator.run([](Edge) {});
    ADD_FAILURE() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ended with exit status 1: deliberate"));
  }
}

TEST(Load, PassesOnWhatAnEdgeThrows) {
  CountingEcho server;
  LoadGenerator generator(echo_plan(server.target(), 2), {});
  EXPECT_THROW(generator.run([](Edge) { throw std::logic_error("deliberate"); }), std::logic_error);
}

// The generator does not keep a server's listener open: here it was made before the generator, and is closed.
TEST(Load, HoldsNoDescriptorOfTheServer) {
  auto [listener, target] = bound_socket(Transport::tcp);
  ASSERT_EQ(listen(listener.get(), 10), 0);
  LoadPlan plan = echo_plan(target, 1);
  plan.connect_deadline = 200ms;
  LoadGenerator generator(plan, {});
  const pid_t child = living_descendants(getpid()).at(0);
  // Its connection is made only in run(); by then the child has long closed what it inherited, or does so first.
  listener.reset();
  const LoadReport report = generator.run([](Edge) {});
  expect_only(report, LoadError::refused);
  EXPECT_EQ(kill(child, 0), -1);
}

}  // namespace
}  // namespace bench
