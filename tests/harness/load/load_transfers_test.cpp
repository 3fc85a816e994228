// Why: a load of transfers over UDP speaks to another port after each first reply, and has to get over what is lost.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "harness/load/load_generator.h"
#include "measure/shared_mapping.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

Target target_of(const TestServer& server) {
  const UniqueFd connected = server.connect();
  Target target{.transport = Transport::udp_transfers, .text = "the test's"};
  target.address_size = sizeof target.address;
  EXPECT_EQ(getpeername(connected.get(), reinterpret_cast<sockaddr*>(&target.address), &target.address_size), 0);
  return target;
}

LoadPlan transfers_plan(const TestServer& server) {
  LoadPlan plan;
  plan.target = target_of(server);
  plan.make_exchange = [&server](std::uint64_t connection, bool heavy) { return server.exchange(connection, heavy); };
  plan.connections = plan.active = 4;
  plan.classes = 2;
  plan.warmup = 20ms;
  plan.duration = 300ms;
  return plan;
}

void expect_both_classes(const LoadReport& report) {
  EXPECT_EQ(report.errors_total(), 0U) << report.error_text;
  EXPECT_EQ(report.requests_failed, 0U);
  EXPECT_EQ(report.requests_unfinished, 0U);
  for (std::uint32_t index = 0; index < 2; ++index) {
    EXPECT_GT(report.classes[index].completed + report.classes[index].drained, 0U);
  }
}

TEST(LoadOfTransfers, GetsAndPuts) {
  TestServer server(model_named("epoll"), service_named("tftp"), {.message_bytes = 3000});
  expect_both_classes(LoadGenerator(transfers_plan(server), {}).run([](Edge) {}));
  server.process().stop();
}

TEST(LoadOfTransfers, KeepsToAnOfferedRate) {
  TestServer server(model_named("epoll"), service_named("tftp"), {.message_bytes = 3000});
  LoadPlan plan = transfers_plan(server);
  plan.rate = 100;
  const LoadReport report = LoadGenerator(plan, {}).run([](Edge) {});
  expect_both_classes(report);
  EXPECT_EQ(report.requests_answered(), 30U);
  server.process().stop();
}

// Of its datagrams every seventh that comes and every eleventh that goes is lost.
struct Losses {
  std::atomic<std::uint64_t> came;
  std::atomic<std::uint64_t> went;
};
const SharedArray<Losses> losses(1);

class LossySession final : public Session {
 public:
  explicit LossySession(std::unique_ptr<Session> inner) : inner_(std::move(inner)) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    // A first datagram that is lost has opened no session.
    if (why == Why::data && ++losses[0].came % 7 == 0) return {in.size(), begun_ ? Next::read : Next::close};
    begun_ = true;
    const Step step = inner_->advance(why, in, out);
    // Not the last acknowledgement of a put, for which the session does not stay.
    if (step.next == Next::read && !out.empty() && ++losses[0].went % 11 == 0) out.clear();
    return step;
  }

 private:
  std::unique_ptr<Session> inner_;
  bool begun_ = false;
};

TEST(LoadOfTransfers, SaysAgainWhatWasLost) {
  Service lossy = service_named("tftp");
  lossy.open = [](const ServiceContext& context) -> std::unique_ptr<Session> {
    return std::make_unique<LossySession>(service_named("tftp").open(context));
  };
  TestServer server(model_named("epoll"), lossy, {.message_bytes = 3000}, 50ms);
  LoadPlan plan = transfers_plan(server);
  // Before the server does; and only after it has said its last acknowledgement again, which the load passes over.
  for (const auto resend_after : {30ms, 60ms}) {
    plan.resend_after = resend_after;
    LoadReport report;
    // A load that is kept from its CPU for as long as all tries of the server last finds it gone.
    std::uint64_t given_up = 0;
    int tries = 0;
    do {
      given_up = server.counters().timed_out.load();
      losses[0].came = losses[0].went = 0;
      report = LoadGenerator(plan, {}).run([](Edge) {});
    } while (report.errors_total() != 0 && server.counters().timed_out.load() > given_up && ++tries < 20);
    expect_both_classes(report);
    EXPECT_GE(losses[0].came.load(), 7U);
    EXPECT_GE(losses[0].went.load(), 11U);
  }
  server.process().stop();
}

// Whoever says all again at once, and so also what has been answered already: the last answer is followed by a server
// that is gone, and counts all the same.
TEST(LoadOfTransfers, HearsTheLastAnswerOfAServerThatIsGone) {
  TestServer server(model_named("epoll"), service_named("tftp"), {.message_bytes = 600});
  LoadPlan plan = transfers_plan(server);
  plan.connections = plan.active = 50;
  plan.resend_after = 1us;
  expect_both_classes(LoadGenerator(plan, {}).run([](Edge) {}));
  server.process().stop();
}

// Nobody answers.
TEST(LoadOfTransfers, GivesUpWhatIsNeverAnswered) {
  Service mute = service_named("tftp");
  class MuteSession final : public Session {
    Step advance(Why, std::span<const std::byte> in, Output&) override { return {in.size(), Next::close}; }
  };
  mute.open = [](const ServiceContext&) -> std::unique_ptr<Session> { return std::make_unique<MuteSession>(); };
  TestServer server(model_named("epoll"), mute, {.message_bytes = 3000});
  LoadPlan plan = transfers_plan(server);
  plan.request_timeout = 150ms;
  const LoadReport report = LoadGenerator(plan, {}).run([](Edge) {});
  EXPECT_GT(report.error_count(LoadError::timeout), 0U);
  EXPECT_EQ(report.errors_total(), report.error_count(LoadError::timeout));
  EXPECT_EQ(report.requests_answered(), 0U);
  server.process().stop();
}

TEST(LoadOfTransfers, CountsTheServersErrorAsAWrongReply) {
  TestServer server(model_named("epoll"), service_named("tftp"), {.message_bytes = 3000});
  LoadPlan plan = transfers_plan(server);
  plan.make_exchange = [](std::uint64_t connection, bool heavy) {
    return service_named("tftp").exchange({.message_bytes = std::uint64_t{1} << 40}, connection, heavy);
  };
  const LoadReport report = LoadGenerator(plan, {}).run([](Edge) {});
  EXPECT_GT(report.error_count(LoadError::wrong_reply), 0U);
  EXPECT_EQ(std::string(report.error_text).substr(0, 6), "error ");
  server.process().stop();
}

}  // namespace
}  // namespace bench
