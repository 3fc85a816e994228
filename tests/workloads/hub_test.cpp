// Why: every session of a server reads the same log, at its own pace; what it is told must be whole and in order.
#include "workloads/hub.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace bench {
namespace {

int rings = 0;

class HubTest : public testing::Test {
 protected:
  HubTest() { rings = 0; }

  bool publish(std::string_view text) { return hub.publish(std::as_bytes(std::span(text))); }

  // The next message, or "(nothing)" or "(lost)".
  std::string next(Hub::Place& place) {
    switch (hub.next(place, message_)) {
      case Hub::Mail::nothing: return "(nothing)";
      case Hub::Mail::lost: return "(lost)";
      case Hub::Mail::message: break;
    }
    return {reinterpret_cast<const char*>(message_.data()), message_.size()};
  }

  static constexpr std::size_t room = 32;
  std::array<std::byte, room> log{};
  Hub hub{log, [](Hub&) { ++rings; }};

 private:
  std::vector<std::byte> message_;
};

TEST_F(HubTest, GivesEveryReaderAllMessagesInOrder) {
  Hub::Place one = hub.end();
  EXPECT_EQ(next(one), "(nothing)");
  EXPECT_TRUE(publish("first"));
  EXPECT_TRUE(publish(""));
  Hub::Place late = hub.end();
  EXPECT_TRUE(publish("third"));
  EXPECT_EQ(next(one), "first");
  EXPECT_EQ(next(one), "");
  EXPECT_EQ(next(one), "third");
  EXPECT_EQ(next(one), "(nothing)");
  EXPECT_EQ(next(late), "third");
  EXPECT_EQ(one, late);
  EXPECT_EQ(rings, 3);
}

TEST_F(HubTest, GoesRoundItsLogAtEveryOffset) {
  Hub::Place place = hub.end();
  for (int i = 0; i < 200; ++i) {
    const std::string text(static_cast<std::size_t>(i) % 13, static_cast<char>('a' + i % 26));
    EXPECT_TRUE(publish(text));
    EXPECT_EQ(next(place), text) << i;
  }
}

TEST_F(HubTest, TellsOneThatFellBehind) {
  Hub::Place behind = hub.end();
  EXPECT_TRUE(publish("0123456789"));
  Hub::Place second = hub.end();
  EXPECT_TRUE(publish("abcdefghij"));
  EXPECT_TRUE(publish("ABCDEFGHIJ"));  // 14 bytes each: the first goes
  EXPECT_EQ(next(behind), "(lost)");
  EXPECT_EQ(next(behind), "(lost)");
  EXPECT_EQ(next(second), "abcdefghij");
  EXPECT_EQ(next(second), "ABCDEFGHIJ");
}

TEST_F(HubTest, TakesWhatFitsAndNoMore) {
  Hub::Place place = hub.end();
  const std::string largest(room - 4, 'x');
  EXPECT_TRUE(publish(largest));
  EXPECT_EQ(next(place), largest);
  EXPECT_FALSE(publish(largest + 'x'));
  EXPECT_EQ(next(place), "(nothing)");
  EXPECT_EQ(rings, 1);
}

}  // namespace
}  // namespace bench
