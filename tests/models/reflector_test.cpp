#include "models/reflector.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "tests/support/test_server.h"
#include "workloads/reflect.h"

namespace bench {
namespace {

std::vector<std::byte> requests_of(Exchange& exchange, int count) {
  Output out;
  for (int request = 0; request < count; ++request) exchange.request(out);
  std::vector<std::byte> bytes(out.pending());
  std::array<iovec, 16> vectors{};
  std::size_t at = 0;
  for (const iovec& part : out.gather(vectors)) {
    const auto* from = static_cast<const std::byte*>(part.iov_base);
    std::copy_n(from, part.iov_len, bytes.begin() + static_cast<std::ptrdiff_t>(at));
    at += part.iov_len;
  }
  return bytes;
}

std::unique_ptr<Exchange> exchange_of(const Service& service, std::uint64_t bytes) {
  return service.exchange({.message_bytes = bytes}, 0, false);
}

TEST(Reflected, TakesWhatItSentInAnyPieces) {
  const auto exchange = exchange_of(reflected_stream, 5);
  const std::vector<std::byte> sent = requests_of(*exchange, 2);
  ASSERT_EQ(sent.size(), 10U);
  const std::span<const std::byte> bytes(sent);
  EXPECT_EQ(exchange->reply(bytes.first(3)).verdict, Verdict::more);
  const Reply first = exchange->reply(bytes.subspan(3));
  EXPECT_EQ(first.verdict, Verdict::complete);
  EXPECT_EQ(first.consumed, 2U) << "it stops after one";
  EXPECT_EQ(exchange->reply(bytes.subspan(5)).verdict, Verdict::complete);
}

TEST(Reflected, NoticesWhatIsLostOrDoubled) {
  const auto exchange = exchange_of(reflected_stream, 5);
  const std::vector<std::byte> sent = requests_of(*exchange, 2);
  EXPECT_EQ(exchange->reply(std::span(sent).subspan(5)).verdict, Verdict::wrong);
}

TEST(Reflected, DatagramsMayComeInAnotherOrderOrNotAtAll) {
  const auto exchange = exchange_of(reflected_datagrams, 4);
  const std::vector<std::byte> sent = requests_of(*exchange, 3);
  const std::span<const std::byte> bytes(sent);
  const Reply second = exchange->reply(bytes.subspan(4, 4));
  EXPECT_EQ(second.verdict, Verdict::complete);
  EXPECT_EQ(second.place, 1U);
  EXPECT_EQ(exchange->reply(bytes.subspan(4, 4)).verdict, Verdict::stale) << "doubled";
  exchange->give_up();
  EXPECT_EQ(exchange->reply(bytes.first(4)).verdict, Verdict::stale) << "given up";
  EXPECT_EQ(exchange->reply(bytes.subspan(8, 4)).verdict, Verdict::complete);
  EXPECT_EQ(exchange->reply(bytes.first(3)).verdict, Verdict::wrong);
}

TEST(Reflector, SendsBackWhatComesUntilItIsToStop) {
  constexpr std::uint64_t larger_than_a_buffer = 1'000'000;
  TestServer server(reflector, reflected_stream, {.message_bytes = larger_than_a_buffer});
  const UniqueFd one = server.connect();
  const UniqueFd other = server.connect();
  EXPECT_EQ(converse(one.get(), *server.exchange(0), 3), "");
  EXPECT_EQ(converse(other.get(), *server.exchange(1), 3), "");
  EXPECT_EQ(server.counters().accepted.load(), 2U);
  server.process().stop();
}

TEST(Reflector, SendsBackDatagrams) {
  TestServer server(reflector, reflected_datagrams, {.message_bytes = 1000});
  const UniqueFd socket = server.connect();
  EXPECT_EQ(converse(socket.get(), *server.exchange(0), 3), "");
  server.process().stop();
}

TEST(Reflector, IsNoModelOfTheTable) {
  EXPECT_TRUE(reflector.is_ideal);
  for (const Model& model : all_models()) EXPECT_FALSE(model.is_ideal) << model.name;
}

}  // namespace
}  // namespace bench
