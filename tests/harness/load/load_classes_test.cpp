// Why: requests of unlike weight, and messages that nobody asked for, are told apart in one load; what is counted twice
// or in the wrong class misleads just where the tail is looked for.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <thread>

#include "harness/load/load_generator.h"
#include "measure/shared_mapping.h"
#include "tests/support/echo_load.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace bench
