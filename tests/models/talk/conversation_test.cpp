// Why: what lies between a session and every model's socket decides which bytes a session sees twice or never.
#include "models/talk/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/conversation.h"
#include "tests/support/scripted_session.h"

namespace bench {
namespace {

using testing::ElementsAre;

class ConversationTest : public testing::Test {
 protected:
  Wanted receive(std::string_view bytes) { return conversation.receive(bytes_of(bytes), out); }

  ScriptedService service;
  Conversation conversation{service.run()};
  Output out;
};

TEST_F(ConversationTest, CountsAsOpenWhileItExists) {
  EXPECT_EQ(service.counters().open.load(), 1);
  {
    const Conversation another(service.run());
    EXPECT_EQ(service.counters().open.load(), 2);
  }
  EXPECT_EQ(service.counters().open.load(), 1);
  EXPECT_EQ(service.counters().accepted.load(), 2U);
}

TEST_F(ConversationTest, HandsOnWhatTheSessionSaysAndWants) {
  service.will_say({{"reply", Next::wait, 30}});
  const Wanted wanted = receive("ask");
  EXPECT_EQ(wanted.next, Next::wait);
  EXPECT_EQ(wanted.amount, 30U);
  EXPECT_EQ(take(out), "reply");
}

TEST_F(ConversationTest, KeepsWhatWasNotConsumedForTheNextCall) {
  service.will_say({{.bytes = "", .unconsumed = 3}, {.bytes = "", .unconsumed = 5}, {.bytes = "", .unconsumed = 2}});
  receive("abcd");
  receive("ef");
  receive("g");
  receive("h");
  EXPECT_THAT(service.take_told(), ElementsAre("data abcd", "data bcdef", "data bcdefg", "data fgh"));
}

TEST_F(ConversationTest, ShowsWhatWasNotConsumedWhateverHappens) {
  service.will_say({{.bytes = "", .next = Next::wait, .unconsumed = 2},
                    {.bytes = "", .next = Next::drain, .unconsumed = 2},
                    {.bytes = "", .unconsumed = 1}});
  receive("abc");
  EXPECT_EQ(conversation.tell(Why::resumed, out).next, Next::drain);
  EXPECT_EQ(conversation.tell(Why::drained, out).next, Next::read);
  receive("d");
  EXPECT_THAT(service.take_told(), ElementsAre("data abc", "resumed bc", "drained bc", "data cd"));
}

TEST_F(ConversationTest, ClosesOnASessionThatLeavesTooMuch) {
  const std::string most(max_unconsumed, 'x');
  service.will_say({{.bytes = "", .unconsumed = most.size()}, {.bytes = "", .unconsumed = most.size() + 1}});
  EXPECT_EQ(receive(most).next, Next::read);
  EXPECT_EQ(receive("y").next, Next::close);
}

TEST_F(ConversationTest, TakesMoreThanThatFromASessionThatWantsSomethingElseFirst) {
  const std::string much(max_unconsumed + 1, 'x');
  service.will_say({{.bytes = "", .next = Next::wait, .unconsumed = much.size()}});
  EXPECT_EQ(receive(much).next, Next::wait);
}

// A flood of datagrams whose answers take time is bounded: what finds no room is dropped, and counted.
TEST(DatagramConversation, IsDroppedWhereThoseThatWaitFillAllRoom) {
  ScriptedService service(Transport::udp);
  const std::string datagram(60'000, 'x');
  const auto converse = [&](Conversation& conversation) {
    service.will_say({{.bytes = "", .next = Next::wait, .amount = 1, .unconsumed = datagram.size()}});
    Output out;
    return conversation.receive(bytes_of(datagram), out).next;
  };
  std::vector<std::unique_ptr<Conversation>> waiting;
  for (std::size_t held = 0; held + datagram.size() + 1024 <= (64U << 20U); held += datagram.size() + 1024) {
    waiting.push_back(std::make_unique<Conversation>(service.run()));
    ASSERT_EQ(converse(*waiting.back()), Next::wait) << waiting.size();
  }
  EXPECT_EQ(service.counters().refused.load(), 0U);
  {
    Conversation too_much(service.run());
    EXPECT_EQ(converse(too_much), Next::close);
  }
  EXPECT_EQ(service.counters().refused.load(), 1U);

  waiting.pop_back();
  Conversation next(service.run());
  EXPECT_EQ(converse(next), Next::wait);
  waiting.clear();
  EXPECT_GT(service.counters().held_bytes.load(), 0);
}

TEST_F(ConversationTest, DrainsBeforeItReadsWhereTooMuchIsPending) {
  service.will_say({{std::string(high_water_bytes, 'x')}, {"x"}, {"", Next::wait, 1}});
  EXPECT_EQ(receive("a").next, Next::read);
  EXPECT_EQ(receive("b").next, Next::drain);
  EXPECT_EQ(conversation.tell(Why::drained, out).next, Next::wait);
}

TEST_F(ConversationTest, EndsWhereTheSessionWantsToReadAndNothingComesAnyMore) {
  service.will_say({{"bye"}});
  EXPECT_EQ(conversation.tell(Why::end, out).next, Next::close);
  EXPECT_EQ(take(out), "bye");
}

TEST_F(ConversationTest, SaysTheEndAgainAfterWhatWasAskedForMeanwhile) {
  service.will_say({{.bytes = "", .unconsumed = 1},
                    {.bytes = "", .next = Next::wait, .unconsumed = 1},
                    {.bytes = "", .next = Next::drain, .unconsumed = 1}});
  receive("a");
  EXPECT_EQ(conversation.tell(Why::end, out).next, Next::wait);
  EXPECT_EQ(conversation.tell(Why::resumed, out).next, Next::drain);
  EXPECT_EQ(conversation.tell(Why::drained, out).next, Next::close);
  EXPECT_THAT(service.take_told(), ElementsAre("data a", "end a", "end a", "end a"));
}

TEST_F(ConversationTest, SaysThatTimeIsUpEvenAfterTheEnd) {
  service.will_say({{.bytes = "", .next = Next::wait}});
  conversation.tell(Why::end, out);
  conversation.tell(Why::timed_out, out);
  EXPECT_THAT(service.take_told(), ElementsAre("end ", "timed_out "));
}

}  // namespace
}  // namespace bench
