#include "harness/ranks/lifeline.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

#include "harness/text/addresses.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

in_addr address(const char* text) {
  in_addr parsed{};
  inet_pton(AF_INET, text, &parsed);
  return parsed;
}

TEST(Lifeline, TheFirstAddressThatAnswersIsTaken) {
  const Token token = make_token();
  Meeting meeting(token);
  auto way = std::async(std::launch::async, [&] {
    // Nobody answers at the first, which is kept for documentation (RFC 5737).
    return find_way({address("192.0.2.1"), address("127.0.0.9"), address("127.0.0.1")}, meeting.port(), token, 5);
  });
  const std::optional<Meeting::Guest> guest = meeting.next_guest(2min);
  const std::optional<Way> found = way.get();
  ASSERT_TRUE(guest);
  ASSERT_TRUE(found);
  EXPECT_EQ(guest->rank, 5U);
  EXPECT_EQ(text_of(found->address), "127.0.0.9") << "all of 127.0.0.0/8 is this machine";
}

TEST(Lifeline, AStrangerAtTheSamePortIsNotTaken) {
  Meeting stranger(make_token());
  auto way = std::async(std::launch::async,
                        [&] { return find_way({address("127.0.0.1")}, stranger.port(), make_token(), 1).has_value(); });
  EXPECT_FALSE(stranger.next_guest(1s));
  EXPECT_FALSE(way.get());
}

// Some connect and say nothing, such as who looks for open ports.
TEST(Lifeline, WhoSaysNothingHoldsUpNobody) {
  const Token token = make_token();
  Meeting meeting(token);
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(meeting.port());
  target.sin_addr = address("127.0.0.1");
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 20; ++i) {
    silent.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(silent.back().get(), reinterpret_cast<const sockaddr*>(&target), sizeof target), 0);
  }
  auto way =
      std::async(std::launch::async, [&] { return find_way({target.sin_addr}, meeting.port(), token, 3).has_value(); });
  const std::optional<Meeting::Guest> guest = meeting.next_guest(2min);
  ASSERT_TRUE(guest);
  EXPECT_EQ(guest->rank, 3U);
  EXPECT_TRUE(way.get()) << "it was answered in the time that one of them may take";
}

TEST(Lifeline, NobodyAnswersWhereNobodyListens) {
  std::uint16_t port = 0;
  {
    const Meeting gone(make_token());
    port = gone.port();
  }
  EXPECT_FALSE(find_way({address("127.0.0.1")}, port, make_token(), 1));
}

TEST(Lifeline, NobodyComes) {
  Meeting meeting(make_token());
  EXPECT_FALSE(meeting.next_guest(1ms));
}

TEST(Lifeline, TheEndOfAProcessIsSeenAtItsConnection) {
  const Token token = make_token();
  Meeting meeting(token);
  auto way = std::async(std::launch::async,
                        [&] { return find_way({address("127.0.0.1")}, meeting.port(), token, 1).has_value(); });
  std::optional<Meeting::Guest> guest = meeting.next_guest(2min);
  ASSERT_TRUE(guest);
  ASSERT_TRUE(way.get());  // and closed
  char byte = 0;
  for (int tries = 0; tries < 1000 && recv(guest->connection.get(), &byte, 1, MSG_DONTWAIT) < 0; ++tries) {
    usleep(1000);
  }
  EXPECT_EQ(recv(guest->connection.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST(Lifeline, OwnAddressesEndWithThatWhichNobodyElseReaches) {
  const std::vector<in_addr> addresses = own_addresses();
  ASSERT_FALSE(addresses.empty());
  EXPECT_EQ(ntohl(addresses.back().s_addr) >> 24, 127U);
}

}  // namespace
}  // namespace bench
