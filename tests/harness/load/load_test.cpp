// Why: a load generator that miscounts, hangs or believes a wrong reply spoils every figure of a service. Each way a
// server may behave is acted out on real sockets. Nothing here depends on how fast the machine is: bounds on time are
// lower bounds, or follow from the plan.
#include "harness/load/load_generator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "harness/load/tls.h"
#include "measure/clock.h"
#include "measure/shared_mapping.h"
#include "measure/usage.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_server.h"
#include "tests/support/tls_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A load of echo messages; short, since every test runs one.
LoadPlan echo_plan(const Target& target, std::uint32_t connections, std::uint64_t message_bytes = 64) {
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

// Carries `plan` out, and checks what holds of every load.
LoadReport run_load(
    const LoadPlan& plan, const std::function<void(Edge)>& at_edge = [](Edge) {}) {
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

// `besides` may have been counted too.
void expect_only(const LoadReport& report, LoadError kind, std::optional<LoadError> besides = std::nullopt) {
  EXPECT_GT(report.error_count(kind), 0U) << name_of(kind);
  for (std::size_t index = 0; index < load_error_kinds; ++index) {
    const auto other = static_cast<LoadError>(index);
    if (other == kind || other == besides) continue;
    EXPECT_EQ(report.errors[index], 0U) << name_of(other);
  }
}

// Of connections that are tried again until the deadline, which may come in the middle of a try.
void expect_only_until_the_deadline(const LoadReport& report, LoadError kind) {
  expect_only(report, kind, LoadError::connect_timeout);
}

// An echo server that counts, so that both sides can be held against each other. It is a process of its own: thread
// sanitizer takes it ill when a process with threads forks one that starts some, as a generator with threads does.
class CountingEcho {
 public:
  CountingEcho() {
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
  ~CountingEcho() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  CountingEcho(const CountingEcho&) = delete;
  CountingEcho& operator=(const CountingEcho&) = delete;

  Target target() const { return target_; }
  std::uint64_t connections() const { return counts_[0].connections; }
  std::uint64_t messages() const { return counts_[0].messages; }
  void stop() const { kill(process_, SIGSTOP); }
  void resume() const { kill(process_, SIGCONT); }

  // For LoadGenerator::run: what was answered between the edges.
  std::function<void(Edge)> at_edge() {
    return [this](Edge edge) {
      const std::uint64_t now = counts_[0].messages;
      if (edge == Edge::begin) begun_with_ = now;
      if (edge == Edge::end) in_window_ = now - begun_with_;
    };
  }
  std::uint64_t in_window() const { return in_window_; }

 private:
  struct Counts {
    std::atomic<std::uint64_t> connections;
    std::atomic<std::uint64_t> messages;
  };

  void serve(int fd) {
    ++counts_[0].connections;
    while (const auto message = read_message(fd)) {
      ++counts_[0].messages;
      if (!write_all(fd, echo_reply(*message))) return;
    }
  }

  SharedArray<Counts> counts_{1};
  Target target_;
  pid_t process_ = -1;
  std::uint64_t begun_with_ = 0;
  std::uint64_t in_window_ = 0;
};

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

// A connection of which the server says more than it is asked: each reply is followed by a message.
class PushedTo final : public Exchange {
 public:
  explicit PushedTo(std::uint64_t connection)
      : echo_(service_named("echo").exchange({.message_bytes = 8}, connection, false)) {}
  ClassIndex request(Output& out) override { return echo_->request(out); }
  bool may_speak_unasked() const override { return true; }
  Reply reply(std::span<const std::byte> in) override {
    if (!within_ && static_cast<char>(in[0]) == '!') return {1, Verdict::pushed, ""};
    const Reply reply = echo_->reply(in);
    within_ = reply.verdict == Verdict::more && (within_ || reply.consumed != 0);
    return reply;
  }

 private:
  std::unique_ptr<Exchange> echo_;
  bool within_ = false;  // a reply, whose length does not begin with a '!'
};

TEST(Load, CountsWhatNoRequestAskedFor) {
  const SharedArray<std::atomic<std::uint64_t>> shared(1);
  std::atomic<std::uint64_t>& pushed = *shared.data();
  const ScriptedServer server([&](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      Bytes reply = echo_reply(*message);
      reply.push_back(std::byte{'!'});
      ++pushed;
      if (!write_all(fd, reply)) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.warmup = 0ms;
  plan.make_exchange = [](std::uint64_t connection, bool) { return std::make_unique<PushedTo>(connection); };
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_GT(report.messages_pushed, 0U);
  EXPECT_LE(report.messages_pushed, pushed);  // the last of each connection may come when nobody listens any more
  EXPECT_GE(report.messages_pushed + 2, report.requests_answered());
}

// The same, where a message comes of the oldest request of which none has come.
class StampedPushes final : public Exchange {
 public:
  explicit StampedPushes(std::uint64_t connection) : right_(connection) {}
  void stamp(std::int64_t number) override { stamps_.push_back(number); }
  ClassIndex request(Output& out) override { return right_.request(out); }
  bool may_speak_unasked() const override { return true; }
  Reply reply(std::span<const std::byte> in) override {
    Reply reply = right_.reply(in);
    if (reply.verdict != Verdict::pushed) return reply;
    reply.stamp = stamps_.front();
    reply.kind = 1;
    stamps_.pop_front();
    return reply;
  }

 private:
  PushedTo right_;
  std::deque<std::int64_t> stamps_;
};

TEST(Load, CountsFromTheDueTimeWhatOthersArePushed) {
  constexpr auto delay = 10ms;
  const ScriptedServer server([&](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      if (!write_all(fd, echo_reply(*message))) return;
      std::this_thread::sleep_for(delay);
      if (!write_all(fd, std::array{std::byte{'!'}})) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.warmup = 0ms;
  plan.classes = 2;
  plan.make_exchange = [](std::uint64_t connection, bool) { return std::make_unique<StampedPushes>(connection); };
  const LoadReport report = LoadGenerator(plan, {}).run([](Edge) {});
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_EQ(report.classes[0].completed + report.classes[0].drained, report.requests_answered());
  const std::uint64_t deliveries = report.classes[1].completed + report.classes[1].drained;
  EXPECT_EQ(deliveries, report.messages_pushed);
  EXPECT_GT(deliveries, 0U);
  EXPECT_EQ(report.class_latency[1]->count(), deliveries);
  EXPECT_GE(report.class_latency[1]->min_ns(), std::chrono::nanoseconds(delay).count());
  EXPECT_EQ(report.latency->count(), report.requests_answered()) << "messages are no requests";
  EXPECT_NEAR(report.littles_law_ratio(), 1, 0.02);
}

// The exchange knows that the peer closes after each reply, as with "Connection: close".
class ClosingExchange final : public Exchange {
 public:
  explicit ClosingExchange(std::uint64_t connection)
      : echo_(service_named("echo").exchange({.message_bytes = 8}, connection, false)) {}
  ClassIndex request(Output& out) override { return echo_->request(out); }
  Reply reply(std::span<const std::byte> in) override {
    Reply reply = echo_->reply(in);
    reply.peer_closes = reply.verdict == Verdict::complete;
    return reply;
  }

 private:
  std::unique_ptr<Exchange> echo_;
};

TEST(Load, ExpectsTheEndThatWasAnnounced) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    if (const auto message = read_message(fd)) write_all(fd, echo_reply(*message));
  });
  LoadPlan plan = echo_plan(server.target(), 2);
  plan.make_exchange = [](std::uint64_t number, bool) { return std::make_unique<ClosingExchange>(number); };
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_GT(report.reconnects, 0U);
  EXPECT_EQ(report.idle_closes, 0U);
}

// A body that lasts until the connection ends is only then seen to be another one than the first.
TEST(Load, CountsAnotherBodyAsAWrongReplyWhereItLastsUntilTheEnd) {
  const ScriptedServer server([](int fd, std::uint64_t connection) {
    std::array<char, 1024> request;
    if (recv(fd, request.data(), request.size(), 0) <= 0) return;
    const std::string reply = fmt::format("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{:08}", connection);
    write_all(fd, std::as_bytes(std::span(reply)));
  });
  LoadPlan plan = echo_plan(server.target(), 1);
  const MakeForeignExchange make = service_named("http").scheme.exchanges({.host = "localhost"});
  plan.make_exchange = [&](std::uint64_t, bool) { return make(); };
  const LoadReport report = run_load(plan);
  expect_only(report, LoadError::wrong_reply);
  EXPECT_EQ(report.error_text, "a body of other bytes than the first reply's, of the same length (8)");
}

TEST(Load, ExpectsTheEndThatWasAnnouncedInOpenLoopToo) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    if (const auto message = read_message(fd)) write_all(fd, echo_reply(*message));
    std::this_thread::sleep_for(5ms);  // in which several requests become due
  });
  LoadPlan plan = echo_plan(server.target(), 1);
  plan.make_exchange = [](std::uint64_t number, bool) { return std::make_unique<ClosingExchange>(number); };
  plan.warmup = 0ms;
  plan.rate = 500;
  plan.pipeline = 2;
  const LoadReport report = run_load(plan);
  EXPECT_GT(report.reconnects, 0U);
  // A request behind the one that the peer closes after is lost, but none is sent to a peer that is known to close.
  EXPECT_EQ(report.requests_failed, report.errors_total());
}

// Sixty connections one after the other. The server ends none of them: whoever waited for that would wait in vain.
TEST(Load, DoesNotWaitForAnAnnouncedEndThatNeverComes) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) write_all(fd, echo_reply(*message));
  });
  LoadPlan plan = echo_plan(server.target(), 1);
  plan.make_exchange = [](std::uint64_t number, bool) { return std::make_unique<ClosingExchange>(number); };
  plan.warmup = 0ms;
  plan.rate = 200;
  plan.drain = 60s;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.requests_answered(), 60U);
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
}

// A server that ends connections as it likes, between requests.
TEST(Load, ReplacesWhatThePeerClosesIdle) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    for (int i = 0; i < 3; ++i) {
      const auto message = read_message(fd);
      if (!message || !write_all(fd, echo_reply(*message))) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 4);
  plan.rate = 200;
  plan.duration = 500ms;
  const LoadReport report = run_load(plan);
  EXPECT_GT(report.idle_closes, 0U);
  EXPECT_GT(report.reconnects, 0U);
  EXPECT_EQ(report.error_count(LoadError::other), 0U) << report.error_text;
  EXPECT_EQ(report.error_count(LoadError::wrong_reply), 0U) << report.error_text;
}

// What a server says when it closes a connection that has asked for nothing yet is no error.
TEST(Load, TakesAFarewellForAnIdleClose) {
  const ScriptedServer server([](int fd, std::uint64_t connection) {
    if (connection < 2) {
      serve_echo(fd);
      return;
    }
    constexpr std::string_view farewell = "bye";
    write_all(fd, std::as_bytes(std::span(farewell)));
  });
  class ToldToGo final : public Exchange {
   public:
    explicit ToldToGo(std::uint64_t connection)
        : echo_(service_named("echo").exchange({.message_bytes = 8}, connection, false)) {}
    ClassIndex request(Output& out) override { return echo_->request(out); }
    Reply reply(std::span<const std::byte> in) override {
      if (in.front() == std::byte{'b'}) return {.consumed = in.size(), .verdict = Verdict::farewell, .why = {}};
      return echo_->reply(in);
    }
    bool may_speak_unasked() const override { return true; }

   private:
    std::unique_ptr<Exchange> echo_;
  };
  LoadPlan plan = echo_plan(server.target(), 6);
  plan.active = 2;
  plan.make_exchange = [](std::uint64_t connection, bool) { return std::make_unique<ToldToGo>(connection); };
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_GT(report.idle_closes, 0U);
}

// ---- TLS, Unix sockets, sources ----

class TlsEcho {
 public:
  Target target(bool verify, const std::string& host = "localhost") const {
    Target target = server_.target();
    target.tls = std::make_shared<TlsClient>(host, verify);
    return target;
  }
  const TlsIdentity& identity() const { return identity_; }

 private:
  TlsIdentity identity_;
  ScriptedServer server_{[this](int fd, std::uint64_t) { identity_.serve_echo(fd); }};
};

TEST(Load, SpeaksTls) {
  const TlsEcho server;
  for (const std::uint64_t message_bytes : {64U, 100'000U}) {
    LoadPlan plan = echo_plan(server.target(false), 3, message_bytes);
    plan.pipeline = 2;
    const LoadReport report = run_load(plan);
    EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
    EXPECT_EQ(report.connections_established, 3U);
    EXPECT_GT(report.requests_answered(), 0U);
  }
}

TEST(Load, MakesTlsConnectionsAnewUnderChurn) {
  const TlsEcho server;
  LoadPlan plan = echo_plan(server.target(false), 2);
  plan.requests_per_connection = 2;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_GT(report.reconnects, 0U);
}

// Whom this system does not trust is refused at once, and not asked until the deadline.
TEST(Load, RefusesACertificateThatNobodyVouchesFor) {
  const TlsEcho server;
  LoadPlan plan = echo_plan(server.target(true), 2);
  plan.connect_deadline = 1h;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.connections_established, 0U);
  expect_only(report, LoadError::tls);
  EXPECT_EQ(report.error_text,
            "TLS: the server's certificate is not accepted: self-signed certificate; --insecure does without");
}

TEST(Load, TakesACertificateOfAnAuthorityThatNamesTheServer) {
  const TlsEcho server;
  setenv("SSL_CERT_FILE", server.identity().file().c_str(), 1);
  const LoadReport by_name = run_load(echo_plan(server.target(true), 2));
  EXPECT_EQ(by_name.errors_total(), 0U) << by_name.error_text;
  EXPECT_GT(by_name.requests_completed, 0U);
  const LoadReport by_address = run_load(echo_plan(server.target(true, "127.0.0.1"), 2));
  EXPECT_EQ(by_address.errors_total(), 0U) << by_address.error_text;
  const LoadReport another = run_load(echo_plan(server.target(true, "example.org"), 2));
  EXPECT_EQ(another.connections_established, 0U);
  EXPECT_THAT(another.error_text, HasSubstr("hostname mismatch"));
  unsetenv("SSL_CERT_FILE");
}

TEST(Load, SaysThatAServerSpeaksNoTls) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    constexpr std::string_view refusal = "HTTP/1.1 400 Bad Request\r\n\r\n";
    write_all(fd, std::as_bytes(std::span(refusal)));
    std::array<char, 1024> ignored{};
    while (read(fd, ignored.data(), ignored.size()) > 0) continue;  // to close with something unread would be a reset
  });
  LoadPlan plan = echo_plan(server.target(), 1);
  plan.target.tls = std::make_shared<TlsClient>("localhost", true);
  plan.connect_deadline = 300ms;
  const LoadReport report = run_load(plan);
  expect_only_until_the_deadline(report, LoadError::tls);
  EXPECT_EQ(report.error_text, "TLS: the server does not speak it (wrong version number)");
}

// The first 10,000 connections come from wherever the kernel says; a server that lets in only 127.0.0.1 takes them.
TEST(Load, ComesFromOneAddressWhereItsPortsAreEnough) {
  const auto strangers = [](Sources sources) {
    const SharedArray<std::atomic<std::uint64_t>> count(1);
    const ScriptedServer server([&](int fd, std::uint64_t) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size);
      if (peer.sin_addr.s_addr != htonl(INADDR_LOOPBACK)) ++*count.data();
      serve_echo(fd);
    });
    LoadPlan plan = echo_plan(server.target(), 4);
    plan.sources = sources;
    EXPECT_EQ(run_load(plan).errors_total(), 0U);
    return count.data()->load();
  };
  EXPECT_EQ(strangers(Sources::automatic), 0U);
  EXPECT_EQ(strangers(Sources::one), 0U);
  EXPECT_EQ(strangers(Sources::spread), 4U);
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

TEST(Load, TellsLightRequestsFromHeavyOnes) {
  const SharedArray<std::atomic<std::uint64_t>> shared(1);
  std::atomic<std::uint64_t>& heavy = *shared.data();
  const ScriptedServer server([&](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      if ((*message)[4] == std::byte{'h'}) ++heavy;
      if (!write_all(fd, echo_reply(*message))) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 4);
  plan.heavy_share = 0.1;  // less than one of four, and yet one
  plan.classes = 2;
  std::uint64_t before = 0;
  const LoadReport report = run_load(plan, [&](Edge edge) {
    if (edge == Edge::begin) before = heavy;
  });
  EXPECT_EQ(report.class_latency[1]->count(), heavy - before);
  EXPECT_GT(heavy, before);
  EXPECT_GT(report.class_latency[0]->count(), 0U);
}

// Asks for classes 0, 1, 0 and 2 in turn; a message's payload is its class.
class MixedExchange final : public Exchange {
 public:
  ClassIndex request(Output& out) override {
    const ClassIndex kind = in_turn[sent_++ % in_turn.size()];
    const auto message = message_of(kind);
    out.append(std::as_bytes(std::span(message)));
    return kind;
  }

  Reply reply(std::span<const std::byte> in) override {
    const auto due = message_of(in_turn[answered_ % in_turn.size()]);
    if (in.size() < due.size()) return {};
    if (std::memcmp(in.data(), due.data(), due.size()) != 0) return {0, Verdict::wrong, "not the reply that is due"};
    ++answered_;
    return {due.size(), Verdict::complete, {}};
  }

 private:
  static constexpr std::array<ClassIndex, 4> in_turn{0, 1, 0, 2};
  static std::array<std::uint8_t, 5> message_of(ClassIndex kind) { return {0, 0, 0, 1, kind}; }

  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
};

TEST(Load, TellsTheClassesOfOneConnectionApart) {
  constexpr auto delay = 2ms;
  const SharedArray<std::array<std::atomic<std::uint64_t>, 3>> shared(1);
  auto& served = *shared.data();
  const ScriptedServer server([&](int fd, std::uint64_t) {
    while (const auto message = read_message(fd)) {
      const auto kind = std::to_integer<std::size_t>((*message)[4]);
      if (kind == 2) std::this_thread::sleep_for(delay);
      ++served[kind];
      if (!write_all(fd, *message)) return;
    }
  });
  LoadPlan plan = echo_plan(server.target(), 1);
  plan.make_exchange = [](std::uint64_t, bool) { return std::make_unique<MixedExchange>(); };
  plan.pipeline = 4;
  plan.classes = 3;
  std::array<std::uint64_t, 3> in_window{};
  const LoadReport report = run_load(plan, [&](Edge edge) {
    if (edge == Edge::stop) return;
    for (std::size_t kind = 0; kind < served.size(); ++kind) {
      in_window[kind] = edge == Edge::begin ? served[kind].load() : served[kind] - in_window[kind];
    }
  });
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  for (std::size_t kind = 0; kind < in_window.size(); ++kind) {
    EXPECT_EQ(report.class_latency[kind]->count(), in_window[kind]) << kind;
    EXPECT_GT(in_window[kind], 0U) << kind;
  }
  EXPECT_GT(in_window[0], in_window[1]);
  EXPECT_GE(report.class_latency[2]->min_ns(), std::chrono::nanoseconds(delay).count());
}

TEST(Load, CountsTheClassesOfWhatIsNeverAnswered) {
  const ScriptedServer server([](int fd, std::uint64_t) {
    while (read_message(fd)) {
    }
  });
  LoadPlan plan = echo_plan(server.target(), 1);
  plan.make_exchange = [](std::uint64_t, bool) { return std::make_unique<MixedExchange>(); };
  plan.pipeline = 4;
  plan.classes = 3;
  plan.rate = 1000;
  plan.warmup = 0ms;
  plan.drain = 10ms;
  const LoadReport report = run_load(plan);
  EXPECT_EQ(report.classes[0].unfinished, 2U);
  EXPECT_EQ(report.classes[1].unfinished, 1U);
  EXPECT_EQ(report.classes[2].unfinished, 1U);
  EXPECT_GT(report.backlog_at_end, 0U);
  EXPECT_EQ(report.requests_unfinished, 4 + report.backlog_at_end);
}

// ---- Open loop ----

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

// ---- UDP ----

// Datagrams of connection and sequence number; the reply has all bits the other way round.
class DatagramExchange final : public Exchange {
 public:
  explicit DatagramExchange(std::uint64_t connection) : connection_(connection) {}

  ClassIndex request(Output& out) override {
    const std::array words{connection_, sent_++};
    out.append(std::as_bytes(std::span(words)));
    return 0;
  }

  Reply reply(std::span<const std::byte> in) override {
    std::array<std::uint64_t, 2> words{};
    if (in.size() != sizeof words) return {0, Verdict::wrong, "wrong size"};
    std::memcpy(words.data(), in.data(), sizeof words);
    if (~words[0] != connection_) return {0, Verdict::wrong, "of another connection"};
    if (~words[1] < answered_) return {in.size(), Verdict::stale, {}};
    if (~words[1] > answered_) return {0, Verdict::wrong, "of a later request"};
    ++answered_;
    return {in.size(), Verdict::complete, {}};
  }

  void give_up() override { ++answered_; }

 private:
  std::uint64_t connection_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
};

TEST(Load, CountsLostDatagrams) {
  auto [socket, target] = bound_socket(Transport::udp);
  std::atomic<std::uint64_t> dropped = 0;
  std::jthread server([fd = socket.get(), &dropped] {
    std::array<std::byte, 100> datagram;
    sockaddr_storage peer{};
    for (std::uint64_t count = 1;; ++count) {
      socklen_t peer_size = sizeof peer;
      const ssize_t size =
          recvfrom(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&peer), &peer_size);
      if (size <= 0) return;
      if (count % 3 == 0) {
        ++dropped;
        continue;
      }
      for (std::byte& byte : datagram) byte = ~byte;
      sendto(fd, datagram.data(), static_cast<std::size_t>(size), 0, reinterpret_cast<sockaddr*>(&peer), peer_size);
    }
  });
  LoadPlan plan = echo_plan(target, 4);
  plan.make_exchange = [](std::uint64_t number, bool) { return std::make_unique<DatagramExchange>(number); };
  plan.duration = 1s;
  const LoadReport report = run_load(plan);
  shutdown(socket.get(), SHUT_RDWR);  // ends the server's recvfrom
  expect_only(report, LoadError::lost);
  EXPECT_GE(report.error_count(LoadError::lost), report.requests_failed);
  EXPECT_GT(report.requests_failed, 0U);
  EXPECT_GT(report.requests_answered(), 0U);
  EXPECT_EQ(report.connections_established, 4U);
  EXPECT_EQ(report.requests_unfinished, 0U);
}

// Of two requests under way the later is answered at once and the earlier after a while: that is the longer one.
TEST(Load, TellsWhichRequestADatagramAnswers) {
  auto [socket, target] = bound_socket(Transport::udp);
  static constexpr auto held = 20ms;
  std::jthread server([fd = socket.get()] {
    std::array<char, 13> datagram;  // the header of 12 bytes and one of payload
    std::array<char, 13> first;
    sockaddr_storage peer{};
    for (std::uint64_t count = 0;; ++count) {
      socklen_t peer_size = sizeof peer;
      if (recvfrom(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&peer), &peer_size) <= 0)
        return;
      datagram[12] = static_cast<char>(std::toupper(datagram[12]));
      if (count % 2 == 0) {
        first = datagram;
        continue;
      }
      sendto(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&peer), peer_size);
      std::this_thread::sleep_for(held);
      sendto(fd, first.data(), first.size(), 0, reinterpret_cast<sockaddr*>(&peer), peer_size);
    }
  });
  LoadPlan plan = echo_plan(target, 1);
  plan.make_exchange = [](std::uint64_t number, bool heavy) {
    return service_named("udp-echo").exchange({.message_bytes = 1}, number, heavy);
  };
  plan.pipeline = 2;
  plan.warmup = 0ms;
  plan.duration = 50ms;
  plan.rate = 40;  // two, 25 ms apart
  LoadReport report = run_load(plan);
  for (int more = 0; more < 10 && report.errors_total() != 0; ++more) report = run_load(plan);  // given up: too slow
  shutdown(socket.get(), SHUT_RDWR);  // ends the server's recvfrom
  EXPECT_EQ(report.requests_answered(), 2U) << report.error_text;
  EXPECT_GE(report.latency->max_ns(), std::chrono::nanoseconds(held + 25ms).count());
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
