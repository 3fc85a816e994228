// Why: servers close connections, speak TLS and let in some addresses only; none of it is an error where it was to be
// expected.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "harness/load/load_generator.h"
#include "harness/load/tls.h"
#include "measure/shared_mapping.h"
#include "tests/support/echo_load.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_server.h"
#include "tests/support/tls_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

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

}  // namespace
}  // namespace bench
