#include "tests/support/echo_load.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <numeric>
#include <system_error>
#include <utility>
#include <vector>

#include "measure/usage.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

// Classes have all that was sent: only a backlog is of none.
void expect_classes_to_add_up(const LoadReport& report) {
  ClassCounts sum;
  for (std::uint32_t index = 0; index < report.class_count; ++index) {
    const ClassCounts& counts = report.classes[index];
    EXPECT_EQ(report.class_latency[index]->count(), counts.completed + counts.drained + counts.unfinished);
    sum.completed += counts.completed;
    sum.drained += counts.drained;
    sum.unfinished += counts.unfinished;
    sum.failed += counts.failed;
  }
  EXPECT_EQ(sum.completed, report.requests_completed);
  EXPECT_EQ(sum.drained, report.requests_drained);
  EXPECT_EQ(sum.failed, report.requests_failed);
  EXPECT_LE(sum.unfinished, report.requests_unfinished);
  if (report.backlog_at_end == 0) {
    EXPECT_EQ(sum.unfinished, report.requests_unfinished);
  }
}

}  // namespace

LoadPlan echo_plan(const Target& target, std::uint32_t connections, std::uint64_t message_bytes) {
  LoadPlan plan;
  plan.target = target;
  plan.connections = connections;
  plan.active = connections;
  plan.make_exchange = [message_bytes](std::uint64_t connection, bool heavy) {
    return service_named("echo").exchange({.message_bytes = message_bytes}, connection, heavy);
  };
  plan.heavy_share = 0;
  plan.warmup = 50ms;
  plan.duration = 300ms;
  plan.request_timeout = plan.drain = plan.connect_deadline = 60s;
  return plan;
}

LoadReport run_load(const LoadPlan& plan, const std::function<void(Edge)>& at_edge) {
  const std::vector<pid_t> before = living_descendants(getpid());
  LoadReport report = LoadGenerator(plan, {}).run(at_edge);
  EXPECT_EQ(living_descendants(getpid()), before);
  EXPECT_EQ(report.latency->count(),
            report.requests_answered() + report.requests_unfinished + report.requests_timed_out);
  EXPECT_EQ(report.class_count, plan.classes);
  if (plan.classes != 0) expect_classes_to_add_up(report);
  EXPECT_EQ(report.connections_asked, plan.connections);
  EXPECT_EQ(report.connections_established + report.connections_failed, report.connections_asked);
  EXPECT_NEAR(report.littles_law_ratio(), 1, 0.02);
  EXPECT_LE(report.fairness(), 1.000001);
  EXPECT_LE(report.active_served, report.active_established);
  return report;
}

void expect_only(const LoadReport& report, LoadError kind, std::optional<LoadError> besides) {
  EXPECT_GT(report.error_count(kind), 0U) << name_of(kind);
  for (std::size_t index = 0; index < load_error_kinds; ++index) {
    const auto other = static_cast<LoadError>(index);
    if (other == kind || other == besides) continue;
    EXPECT_EQ(report.errors[index], 0U) << name_of(other);
  }
}

void expect_only_until_the_deadline(const LoadReport& report, LoadError kind) {
  expect_only(report, kind, LoadError::connect_timeout);
}

CountingEcho::CountingEcho() {
  auto [socket, target] = bound_socket(Transport::tcp);
  if (listen(socket.get(), SOMAXCONN) != 0) throw std::system_error(errno, std::generic_category(), "listen");
  target_ = target;
  process_ = fork();
  if (process_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const ScriptedThreads server([this](int fd, std::uint64_t) { serve(fd); }, ScriptedThreads::Accepts::all,
                               std::move(socket), target);
  while (true) pause();
}

CountingEcho::~CountingEcho() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void CountingEcho::stop() const { kill(process_, SIGSTOP); }

void CountingEcho::resume() const { kill(process_, SIGCONT); }

std::function<void(Edge)> CountingEcho::at_edge() {
  return [this](Edge edge) {
    const std::uint64_t now = counts_[0].messages;
    if (edge == Edge::begin) begun_with_ = now;
    if (edge == Edge::end) in_window_ = now - begun_with_;
  };
}

void CountingEcho::serve(int fd) {
  ++counts_[0].connections;
  while (const auto message = read_message(fd)) {
    ++counts_[0].messages;
    if (!write_all(fd, echo_reply(*message))) return;
  }
}

void expect_good(const LoadReport& report, const CountingEcho& server) {
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_EQ(report.requests_unfinished, 0U);
  EXPECT_EQ(report.requests_failed, 0U);
  EXPECT_EQ(report.requests_answered(), server.in_window());
  EXPECT_GT(report.requests_answered(), 0U);
  EXPECT_EQ(report.connections_failed, 0U);
  EXPECT_EQ(std::accumulate(report.replies_by_slice.begin(), report.replies_by_slice.end(), std::uint64_t{0}),
            report.requests_completed);
}

}  // namespace bench
