// Why: datagrams get lost, come late and come twice, and a load has to know which request each one answers.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <thread>

#include "harness/load/load_generator.h"
#include "tests/support/echo_load.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace bench
