#include "harness/ranks/lifeline.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

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
    Meeting nobody(make_token());  // it has no port that anybody knows
    return find_way({address("127.0.0.9"), address("127.0.0.1")}, meeting.port(), token, 5);
  });
  const std::optional<Meeting::Guest> guest = meeting.accept_one(5s);
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
  EXPECT_FALSE(stranger.accept_one(5s));
  EXPECT_FALSE(way.get());
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
  EXPECT_FALSE(meeting.accept_one(1ms));
}

TEST(Lifeline, TheEndOfAProcessIsSeenAtItsConnection) {
  const Token token = make_token();
  Meeting meeting(token);
  auto way = std::async(std::launch::async,
                        [&] { return find_way({address("127.0.0.1")}, meeting.port(), token, 1).has_value(); });
  std::optional<Meeting::Guest> guest = meeting.accept_one(5s);
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
