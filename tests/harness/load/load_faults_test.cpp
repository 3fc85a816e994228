// Why: a server that is silent, slow or wrong must cost a load neither its end nor its count.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "harness/load/load_generator.h"
#include "measure/clock.h"
#include "tests/support/echo_load.h"
#include "tests/support/scripted_server.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

// ---- Servers that do not answer ----

void read_only(int fd) {
  while (read_message(fd)) {
  }
}

TEST(Load, EndsWithoutAnyAnswer) {
  const ScriptedServer server([](int fd, std::uint64_t) { read_only(fd); });
  LoadPlan plan = echo_plan(server.target(), 3);
  plan.drain = 200ms;
  const std::int64_t begin_ns = now_ns();
  const LoadReport report = run_load(plan);
  EXPECT_LT(now_ns() - begin_ns, 20'000'000'000);
  EXPECT_EQ(report.errors_total(), 0U);
  EXPECT_EQ(report.requests_answered(), 0U);
  EXPECT_EQ(report.requests_unfinished, 3U);
  EXPECT_EQ(report.active_established, 3U);
  EXPECT_EQ(report.active_served, 0U);
  EXPECT_EQ(report.fairness(), 0);
  // Their age at the end of the drain; they were sent in the warm-up, unless the generator came late to it.
  EXPECT_GE(report.latency->min_ns(), 250'000'000);
}

TEST(Load, CountsEveryDueRequestThatIsNotAnswered) {
  const ScriptedServer server([](int fd, std::uint64_t) { read_only(fd); });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.warmup = 0ms;
  plan.drain = 100ms;
  plan.rate = 1000;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.requests_unfinished, 300U);
  EXPECT_EQ(report.backlog_at_end, 298U);
  EXPECT_EQ(report.in_flight_at_end, 2U);
  EXPECT_GE(report.latency->max_ns(), 395'000'000);
  EXPECT_GE(report.latency->min_ns(), 100'000'000);
}

TEST(Load, CountsNoReplyThatComesAfterTheDrain) {
  CountingEcho server;
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.warmup = 0ms;
  plan.drain = 50ms;
  const LoadReport report = run_load(plan, [&](Edge edge) {
    if (edge == Edge::begin) server.stop();
    if (edge != Edge::end) return;
    server.resume();
    while (server.messages() < 2) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(50ms);  // so that the replies come, which would go unnoticed if it were too short
  });
  EXPECT_EQ(report.requests_answered(), 0U);
  EXPECT_EQ(report.requests_unfinished, 2U);
  EXPECT_EQ(report.active_served, 0U);
}

TEST(Load, CountsTimeouts) {
  const ScriptedServer server([](int fd, std::uint64_t) { read_only(fd); });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.duration = 600ms;
  plan.request_timeout = 100ms;
  const LoadReport report = run_load(plan);
  expect_only(report, LoadError::timeout);
  EXPECT_GT(report.requests_failed, 0U);
  EXPECT_EQ(report.requests_timed_out, report.requests_failed);
  // They are in the percentiles: each took at least so long.
  EXPECT_EQ(report.latency->count(), report.requests_failed + report.requests_unfinished);
  EXPECT_GE(report.latency->percentile_ns(100.0 * static_cast<double>(report.requests_unfinished + 1) /
                                          static_cast<double>(report.latency->count())),
            99'000'000);
  EXPECT_GT(report.reconnects, 0U);
}

// It is looked for what has taken too long as often as that takes; a generator that is kept from its CPU may find a few
// replies there none the less.
TEST(Load, TakesNoReplyThatComesLate) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      std::this_thread::sleep_for(50ms);
      if (!write_all(fd, echo_reply(*message))) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.request_timeout = 10ms;
  for (const std::chrono::nanoseconds window : {300ms, 1000ms, 5000ms, 25'000ms}) {
    plan.duration = window;
    const LoadReport report = run_load(plan);
    EXPECT_EQ(report.requests_timed_out, report.requests_failed);
    if (report.requests_timed_out > 10 * report.requests_answered()) return;
  }
  FAIL() << "most replies took 50 ms, and were taken";
}

// Replies that take longer than warm-up, window and a second together: whatever is sent is waited for, and counts from
// when it was sent.
TEST(Load, WaitsForSlowRepliesAsLongAsTheDrainAllows) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      std::this_thread::sleep_for(1500ms);
      if (!write_all(fd, echo_reply(*message))) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.warmup = 50ms;
  plan.duration = 100ms;
  plan.drain = 60s;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.requests_drained, 2U);
  EXPECT_EQ(report.requests_unfinished, 0U);
  EXPECT_GE(report.latency->min_ns(), 1'490'000'000);
}

// Of two connections the second gets its first reply late, or never.
TEST(Load, WaitsForTheNeverAnsweredUntilItHasBeenSilentAsLongAsItIsTold) {
  const ScriptedServer late([](int fd, std::uint64_t connection) {
    const auto first = read_message(fd);
    if (connection == 1) std::this_thread::sleep_for(1500ms);
    if (first && write_all(fd, echo_reply(*first))) serve_echo(fd);
  });
  LoadPlan plan = echo_plan(late.target(), 2);
  plan.warmup = 0ms;
  plan.drain = 100s;
  plan.silence = 100s;
  EXPECT_EQ(run_load(plan).requests_unfinished, 0U);

  const ScriptedServer never(
      [](int fd, std::uint64_t connection) { connection == 1 ? read_only(fd) : serve_echo(fd); });
  plan.target = never.target();
  plan.silence = 100ms;
  const std::int64_t begun_ns = now_ns();
  EXPECT_EQ(run_load(plan).requests_unfinished, 1U);
  EXPECT_LT(std::chrono::nanoseconds(now_ns() - begun_ns), plan.drain);
}

// What an earlier phase left under way has been so for longer than window and drain together (how much longer goes by
// when the generator came to send it).
TEST(Load, CountsWhatIsUnderWayFromWhenItWasSent) {
  const ScriptedServer server([](int fd, std::uint64_t) { read_only(fd); });
  LoadPlan plan = echo_plan(server.target(), 1);
  plan.warmup = 400ms;
  plan.duration = 10ms;
  plan.drain = 10ms;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.requests_unfinished, 1U);
  EXPECT_GE(report.latency->min_ns(), 100'000'000);
  EXPECT_NEAR(report.littles_law_ratio(), 1, 0.01);
}

// The iterative server: whoever is accepted second waits until the first has gone, which is never.
TEST(Load, ShowsWhoIsStarved) {
  const ScriptedServer server([](int fd, std::uint64_t) { serve_echo(fd); }, ScriptedServer::Accepts::one_at_a_time);
  const LoadReport report = run_load(echo_plan(server.target(), 4));
  EXPECT_EQ(report.connections_established, 4U);
  EXPECT_EQ(report.active_served, 1U);
  EXPECT_EQ(report.requests_unfinished, 3U);
  EXPECT_DOUBLE_EQ(report.fairness(), 0.25);
  EXPECT_EQ(report.errors_total(), 0U);
}

// ---- Servers that are wrong ----

TEST(Load, CountsRefusedConnections) {
  const auto [socket, target] = bound_socket(Transport::tcp);
  LoadPlan plan = echo_plan(target, 2);
  plan.connect_deadline = 200ms;
  bool called = false;
  const LoadReport report = run_load(plan, [&](Edge) { called = true; });
  expect_only_until_the_deadline(report, LoadError::refused);
  EXPECT_EQ(report.connections_failed, 2U);
  EXPECT_EQ(report.wall_ns, 0);
  EXPECT_FALSE(called);
}

// A server may come up on another address of its name, and later. What failed until then is no fault of the window.
TEST(Load, TriesEveryAddressOfAName) {
  const auto [socket, nobody] = bound_socket(Transport::tcp);
  CountingEcho server;
  LoadPlan plan = echo_plan(nobody, 3);
  plan.target.others = {{.address = nobody.address, .size = nobody.address_size},
                        {.address = server.target().address, .size = server.target().address_size}};
  const LoadReport report = run_load(plan, server.at_edge());
  EXPECT_EQ(report.connections_established, 3U);
  EXPECT_GT(report.error_count(LoadError::refused), 0U);
  EXPECT_EQ(report.errors_total(), report.error_count(LoadError::refused));
  EXPECT_EQ(report.connections_broken, 0U);
  EXPECT_EQ(report.requests_answered(), server.in_window());
  EXPECT_GT(report.requests_answered(), 0U);
}

TEST(Load, SaysThatABacklogIsFull) {
  const TempFolder folder;
  const std::string path = folder.file("full.sock");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 0), 0);
  const UniqueFd first(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  Target target{.address_size = sizeof address, .text = path};
  std::memcpy(&target.address, &address, sizeof address);
  LoadPlan plan = echo_plan(target, 2);
  plan.connect_deadline = 100ms;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.error_count(LoadError::other), 2U);
  EXPECT_EQ(report.errors_total(), 2U);
  EXPECT_EQ(report.error_text, "the socket's backlog is full");
}

Bytes beginning_of(Bytes reply) {
  reply.resize(reply.size() / 2);
  return reply;
}

TEST(Load, CountsAResetInAReply) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    if (const auto message = read_message(fd)) write_all(fd, beginning_of(echo_reply(*message)));
    reset_at_close(fd);
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  expect_only(report, LoadError::reset);
  EXPECT_EQ(report.requests_answered(), 0U);
}

TEST(Load, CountsAReplyThatEndsTooSoon) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    if (const auto message = read_message(fd)) write_all(fd, beginning_of(echo_reply(*message)));
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  expect_only(report, LoadError::short_reply);
  EXPECT_EQ(report.requests_answered(), 0U);
}

TEST(Load, CountsAnEndWithoutAReply) {
  const ScriptedServer server([](int fd, std::uint64_t) { read_message(fd); });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  expect_only(report, LoadError::closed);
}

TEST(Load, CountsAWrongByte) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      Bytes reply = echo_reply(*message);
      reply.back() ^= std::byte{1};
      if (!write_all(fd, reply)) return;
    }
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  expect_only(report, LoadError::wrong_reply);
  EXPECT_EQ(report.error_text, "wrong payload");
  EXPECT_EQ(report.requests_answered(), 0U);
}

TEST(Load, CountsAStaleReply) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    auto message = read_message(fd);
    if (!message) return;
    const Bytes first = echo_reply(*message);
    do {
      if (!write_all(fd, first)) return;
    } while ((message = read_message(fd)));
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  expect_only(report, LoadError::wrong_reply);
  EXPECT_EQ(report.error_text, "wrong payload");
}

TEST(Load, CountsBytesThatNobodyAskedFor) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      Bytes reply = echo_reply(*message);
      reply.push_back(std::byte{0});
      if (!write_all(fd, reply)) return;
    }
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  expect_only(report, LoadError::wrong_reply);
  EXPECT_EQ(report.error_text, "bytes that no request asked for");
}

// The server says that it sends nothing more and goes on reading.
TEST(Load, NoticesAHalfClose) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    if (const auto message = read_message(fd)) write_all(fd, echo_reply(*message));
    shutdown(fd, SHUT_WR);
    read_only(fd);
  });
  const LoadReport report = run_load(echo_plan(server.target(), 2));
  EXPECT_EQ(report.errors_total(), report.error_count(LoadError::closed));
  EXPECT_GT(report.error_count(LoadError::closed) + report.idle_closes, 0U);
  EXPECT_GT(report.reconnects, 0U);
}

}  // namespace
}  // namespace bench
