// Why: every loop does with a connection what this says; a wrong answer is a hang, a lost reply or a descriptor that is
// never closed, under one model or under all.
#include "models/talk/connection_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/conversation.h"
#include "tests/support/scripted_session.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Patience patience{.idle_ticks = 10, .linger_ticks = 3};

// The test plays the owner of the connection: it has the socket, the time and the output.
class ConnectionStateTest : public testing::Test {
 protected:
  static constexpr std::uint32_t start = 100;

  // Where replies go: to the owner's output, or behind those that are unsent.
  Output& output() { return state.has_unsent() ? unsent : out; }

  Todo receive(std::string_view bytes, std::uint32_t now = start) {
    return state.received(bytes_of(bytes), output(), now);
  }
  Todo peer_ends(std::uint32_t now = start) { return state.peer_ended(output(), now); }
  Todo resume(std::uint32_t now = start) { return state.resumed(output(), now); }
  Todo mail_comes(std::uint32_t now = start) { return state.mail_came(output(), now); }
  Todo late(std::uint32_t now) { return state.too_late(service.run(), output(), now); }

  // The socket takes everything.
  Todo send_all() {
    sent += take(out);
    return state.tried_to_send(Attempt::done, out);
  }

  // The socket takes nothing.
  Todo block() {
    std::swap(out, unsent);
    return state.tried_to_send(Attempt::would_block, out);
  }

  // There is room again for all.
  Todo make_room(std::uint32_t now = start) {
    sent += take(unsent);
    return state.all_sent(out, now);
  }

  // Has the session say `what` in answer to some bytes.
  Todo has_said(const Says& what) {
    service.will_say({what});
    return receive("ask");
  }

  void expect_late_from(std::uint32_t tick) {
    EXPECT_FALSE(state.is_late(tick - 1, patience));
    EXPECT_TRUE(state.is_late(tick, patience));
    EXPECT_TRUE(state.is_late(tick + 1000, patience));
    EXPECT_EQ(state.late_from(patience), tick);
  }

  ScriptedService service;
  ConnectionState state{service.run(), start};
  Output out;
  Output unsent;
  std::string sent;
};

// ---- Reading ----

TEST_F(ConnectionStateTest, WantsBytesAtFirst) {
  EXPECT_TRUE(state.wants_bytes());
  EXPECT_FALSE(state.has_unsent());
  EXPECT_FALSE(state.is_waiting());
  EXPECT_FALSE(state.is_closed());
}

TEST_F(ConnectionStateTest, SendsAReplyAndReadsOn) {
  EXPECT_EQ(has_said({"reply"}), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_EQ(sent, "reply");
  EXPECT_TRUE(state.wants_bytes());
  EXPECT_FALSE(state.has_unsent());
  EXPECT_THAT(service.take_told(), ElementsAre("data ask"));
}

TEST_F(ConnectionStateTest, SendsNothingWhereThereIsNoReplyYet) {
  EXPECT_EQ(has_said({}), Todo::watch);
  EXPECT_TRUE(state.wants_bytes());
}

TEST_F(ConnectionStateTest, HandsOverWhatWasNotConsumedInFrontOfWhatFollows) {
  EXPECT_EQ(has_said({.bytes = "", .unconsumed = 2}), Todo::watch);
  EXPECT_EQ(receive("more"), Todo::watch);
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "data skmore"));
}

TEST_F(ConnectionStateTest, ReadsOnWhileALittleIsUnsent) {
  has_said({"reply"});
  EXPECT_EQ(block(), Todo::watch);
  EXPECT_TRUE(state.has_unsent());
  EXPECT_TRUE(state.wants_bytes());
  service.will_say({{" and another"}});
  EXPECT_EQ(receive("more"), Todo::watch) << "it would be sent out of turn";
  EXPECT_EQ(make_room(), Todo::watch);
  EXPECT_EQ(sent, "reply and another");
  EXPECT_FALSE(state.has_unsent());
  EXPECT_TRUE(state.wants_bytes());
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "data more"));
}

// ---- Draining ----

TEST_F(ConnectionStateTest, StopsReadingWhileTooMuchIsUnsent) {
  EXPECT_EQ(has_said({std::string(high_water_bytes + 1, 'x')}), Todo::send);
  EXPECT_EQ(block(), Todo::watch);
  EXPECT_FALSE(state.wants_bytes());
  EXPECT_TRUE(state.has_unsent());
  service.take_told();
  service.will_say({{"the rest"}});
  EXPECT_EQ(make_room(), Todo::send);
  EXPECT_THAT(service.take_told(), ElementsAre("drained "));
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_TRUE(state.wants_bytes());
}

TEST_F(ConnectionStateTest, DrainsAtOnceWhereTheSocketTakesAll) {
  has_said({"first", Next::drain});
  service.will_say({{"second", Next::drain}, {}});
  EXPECT_EQ(send_all(), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_EQ(sent, "firstsecond");
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "drained ", "drained "));
  EXPECT_TRUE(state.wants_bytes());
}

TEST_F(ConnectionStateTest, DrainsAtOnceWhereNothingIsUnsent) {
  service.will_say({{.bytes = "", .next = Next::drain}, {.bytes = "", .next = Next::drain}, {"reply"}});
  EXPECT_EQ(receive("ask"), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "drained ", "drained "));
}

TEST_F(ConnectionStateTest, DrainsWhatIsUnsentAlready) {
  has_said({"reply"});
  block();
  service.will_say({{"another", Next::drain}});
  EXPECT_EQ(receive("more"), Todo::watch);
  EXPECT_FALSE(state.wants_bytes());
  EXPECT_EQ(make_room(), Todo::watch);
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "data more", "drained "));
  EXPECT_TRUE(state.wants_bytes());
}

// ---- Waiting and computing ----

TEST_F(ConnectionStateTest, WaitsUntilTheTimerIsOver) {
  EXPECT_EQ(has_said({.bytes = "", .next = Next::wait, .amount = 2000}), Todo::start_timer);
  EXPECT_EQ(state.amount(), 2000U);
  EXPECT_TRUE(state.is_waiting());
  EXPECT_FALSE(state.wants_bytes());
  service.will_say({{"reply"}});
  EXPECT_EQ(resume(), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_FALSE(state.is_waiting());
  EXPECT_TRUE(state.wants_bytes());
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "resumed "));
}

TEST_F(ConnectionStateTest, SendsBeforeItWaits) {
  EXPECT_EQ(has_said({"part", Next::wait, 2000}), Todo::send);
  EXPECT_EQ(send_all(), Todo::start_timer);
  EXPECT_EQ(state.amount(), 2000U);
}

TEST_F(ConnectionStateTest, SendsOnWhileItWaits) {
  has_said({"part", Next::wait, 2000});
  EXPECT_EQ(block(), Todo::start_timer);
  EXPECT_TRUE(state.has_unsent());
  EXPECT_EQ(make_room(), Todo::watch);
  EXPECT_TRUE(state.is_waiting());
  EXPECT_EQ(resume(), Todo::watch);
}

TEST_F(ConnectionStateTest, TransfersBeforeItReadsOn) {
  Operation operation;
  EXPECT_EQ(has_said({"part", Next::transfer, 0, 0, &operation}), Todo::send);
  EXPECT_EQ(send_all(), Todo::transfer);
  EXPECT_EQ(&state.operation(), &operation);
  EXPECT_TRUE(state.is_waiting());
  EXPECT_FALSE(state.wants_bytes());
  service.will_say({{"reply"}});
  EXPECT_EQ(resume(), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_TRUE(state.wants_bytes());
}

TEST_F(ConnectionStateTest, TellsOfMail) {
  EXPECT_EQ(mail_comes(), Todo::watch) << "nothing was published";
  service.hub().publish(bytes_of("news"));
  service.will_say({{"news"}});
  EXPECT_EQ(mail_comes(), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_EQ(mail_comes(), Todo::watch) << "it has been told";
  EXPECT_THAT(service.take_told(), ElementsAre("message "));
}

TEST_F(ConnectionStateTest, TellsOfMailWhenItReadsAgain) {
  has_said({.bytes = "", .next = Next::wait, .amount = 2000});
  service.hub().publish(bytes_of("news"));
  EXPECT_EQ(mail_comes(), Todo::watch);
  service.take_told();
  service.will_say({{"", Next::wait, 10}});  // it could have looked, and had no time
  EXPECT_EQ(resume(), Todo::start_timer);
  service.hub().publish(bytes_of("more"));
  service.will_say({{"reply"}, {"all the news"}});
  service.hub().publish(bytes_of("and more"));
  EXPECT_EQ(resume(), Todo::send);
  service.hub().publish(bytes_of("the latest"));
  EXPECT_EQ(send_all(), Todo::send);
  EXPECT_EQ(sent, "reply");
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_THAT(service.take_told(), ElementsAre("resumed ", "resumed ", "message "));
}

// An owner that was told of mail while it sent may have no other occasion to look.
TEST_F(ConnectionStateTest, TellsOfMailWhenAllHasGoneOut) {
  service.will_say({{"reply"}});
  receive("ask");
  EXPECT_EQ(block(), Todo::watch);
  service.hub().publish(bytes_of("news"));
  service.will_say({{"news"}});
  EXPECT_EQ(make_room(), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "message "));
}

// What a peer is told, it takes: it is not silent.
TEST_F(ConnectionStateTest, CountsMailAsALifeSign) {
  service.hub().publish(bytes_of("news"));
  service.will_say({{"news"}});
  mail_comes(start + 8);
  send_all();
  expect_late_from(start + 8 + patience.idle_ticks + 1);
}

TEST_F(ConnectionStateTest, DrainsMailThatIsTooMuch) {
  service.hub().publish(bytes_of("news"));
  service.will_say({{std::string(high_water_bytes + 1, 'x')}});
  EXPECT_EQ(mail_comes(), Todo::send);
  EXPECT_EQ(block(), Todo::watch);
  EXPECT_FALSE(state.wants_bytes());
  EXPECT_EQ(make_room(), Todo::watch);
  EXPECT_THAT(service.take_told(), ElementsAre("message ", "drained "));
}

TEST_F(ConnectionStateTest, HasStepsComputed) {
  EXPECT_EQ(has_said({.bytes = "", .next = Next::compute, .amount = 30}), Todo::compute);
  EXPECT_EQ(state.amount(), 30U);
  service.will_say({{.bytes = "", .next = Next::wait, .amount = 40}, {"reply"}});
  EXPECT_EQ(resume(), Todo::start_timer);
  EXPECT_EQ(state.amount(), 40U);
  EXPECT_EQ(resume(), Todo::send);
}

TEST_F(ConnectionStateTest, SendsBeforeItComputes) {
  EXPECT_EQ(has_said({"part", Next::compute, 30}), Todo::send);
  EXPECT_EQ(send_all(), Todo::compute);
  EXPECT_EQ(state.amount(), 30U);
}

// ---- The end, said by the session ----

TEST_F(ConnectionStateTest, ShutsDownAndLingersUntilThePeerEnds) {
  EXPECT_EQ(has_said({"bye", Next::close}), Todo::send);
  EXPECT_EQ(send_all(), Todo::shut_down);
  EXPECT_EQ(state.shut_down(true, start), Todo::watch);
  EXPECT_TRUE(state.wants_bytes());
  service.take_told();
  EXPECT_EQ(receive("what nobody reads"), Todo::watch);
  EXPECT_THAT(service.take_told(), IsEmpty());
  EXPECT_EQ(peer_ends(), Todo::close);
  EXPECT_TRUE(state.is_closed());
  EXPECT_THAT(service.take_told(), IsEmpty());
}

TEST_F(ConnectionStateTest, ClosesAfterWhatIsUnsent) {
  has_said({"bye", Next::close});
  EXPECT_EQ(block(), Todo::watch);
  EXPECT_FALSE(state.wants_bytes());
  EXPECT_TRUE(state.has_unsent());
  EXPECT_FALSE(state.is_closed());
  EXPECT_EQ(make_room(), Todo::shut_down);
  EXPECT_EQ(sent, "bye");
}

TEST_F(ConnectionStateTest, ShutsDownAtOnceWithoutALastWord) {
  EXPECT_EQ(has_said({.bytes = "", .next = Next::close}), Todo::shut_down);
}

TEST_F(ConnectionStateTest, ClosesWhatCannotBeShutDown) {
  has_said({.bytes = "", .next = Next::close});
  EXPECT_EQ(state.shut_down(false, start), Todo::close);
  EXPECT_TRUE(state.is_closed());
}

// ---- The end, said by the peer ----

TEST_F(ConnectionStateTest, AnswersTheEndAndClosesWithoutLingering) {
  service.will_say({{"bye"}});
  EXPECT_EQ(peer_ends(), Todo::send);
  EXPECT_EQ(send_all(), Todo::close);
  EXPECT_EQ(sent, "bye");
  EXPECT_THAT(service.take_told(), ElementsAre("end "));
}

TEST_F(ConnectionStateTest, ClosesAtTheEndAfterWhatIsUnsent) {
  has_said({"reply"});
  block();
  EXPECT_EQ(peer_ends(), Todo::watch);
  EXPECT_FALSE(state.wants_bytes());
  EXPECT_EQ(make_room(), Todo::close);
  EXPECT_EQ(sent, "reply");
}

TEST_F(ConnectionStateTest, TellsAnEndThatCameWhileDrainingAfterwards) {
  has_said({"much", Next::drain});
  block();
  EXPECT_EQ(peer_ends(), Todo::watch);
  EXPECT_FALSE(state.is_end_due());
  service.will_say({{"more", Next::read}});
  EXPECT_EQ(make_room(), Todo::send);
  EXPECT_EQ(send_all(), Todo::watch);
  EXPECT_TRUE(state.is_end_due());
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "drained "));
  service.will_say({{"bye"}});
  EXPECT_EQ(state.tell_end(out), Todo::send);
  EXPECT_FALSE(state.is_end_due()) << "it has been told";
  EXPECT_EQ(send_all(), Todo::close);
  EXPECT_EQ(sent, "muchmorebye");
  EXPECT_THAT(service.take_told(), ElementsAre("end "));
}

TEST_F(ConnectionStateTest, TellsAnEndThatCameWhileWaitingAfterBytesThatCameBefore) {
  has_said({.bytes = "", .next = Next::wait, .amount = 1});
  EXPECT_EQ(peer_ends(), Todo::watch);
  EXPECT_FALSE(state.is_end_due()) << "the timer goes first";
  EXPECT_TRUE(state.is_waiting());
  EXPECT_EQ(resume(), Todo::watch);
  EXPECT_TRUE(state.is_end_due());
  service.take_told();
  service.will_say({{.bytes = "", .next = Next::wait, .amount = 1}});
  EXPECT_EQ(receive("kept"), Todo::start_timer);
  EXPECT_FALSE(state.is_end_due());
  EXPECT_EQ(resume(), Todo::watch);
  EXPECT_TRUE(state.is_end_due());
  EXPECT_EQ(state.tell_end(out), Todo::close);
  EXPECT_THAT(service.take_told(), ElementsAre("data kept", "resumed ", "end "));
}

TEST_F(ConnectionStateTest, ClosesWithoutLingeringWhereThePeerEndedBeforeTheSessionDid) {
  has_said({.bytes = "", .next = Next::wait, .amount = 1});
  peer_ends();
  service.will_say({{"bye", Next::close}});
  EXPECT_EQ(resume(), Todo::send);
  EXPECT_EQ(send_all(), Todo::close);
}

TEST_F(ConnectionStateTest, WaitsForAReplyThatIsDueAfterTheEnd) {
  service.will_say({{.bytes = "", .next = Next::wait, .amount = 5}});
  EXPECT_EQ(peer_ends(), Todo::start_timer);
  service.will_say({{"late reply"}});
  EXPECT_EQ(resume(), Todo::send);
  EXPECT_EQ(send_all(), Todo::close);
  EXPECT_THAT(service.take_told(), ElementsAre("end ", "end "));
}

// ---- What breaks ----

TEST_F(ConnectionStateTest, ClosesWhereSendingFails) {
  has_said({"reply"});
  EXPECT_EQ(state.tried_to_send(Attempt::failed, out), Todo::close);
  EXPECT_TRUE(state.is_closed());
  EXPECT_FALSE(state.wants_bytes());
}

TEST_F(ConnectionStateTest, ClosesWhereThePeerVanishesInAnyState) {
  EXPECT_EQ(ConnectionState(service.run(), start).failed(), Todo::close);
  has_said({.bytes = "", .next = Next::wait, .amount = 1});
  EXPECT_EQ(state.failed(), Todo::close);
  EXPECT_TRUE(state.is_closed());
  EXPECT_FALSE(state.is_waiting());
  EXPECT_FALSE(state.is_late(start + 1000, patience));
}

// ---- Deadlines ----

TEST_F(ConnectionStateTest, IsLateMoreThanTheIdleTicksAfterTheLastBytes) {
  expect_late_from(start + 11);
  receive("half of a", start + 5);
  expect_late_from(start + 16);
  has_said({"reply"});
  block();
  expect_late_from(start + 11);
  state.moved(start + 7);
  expect_late_from(start + 18);
  make_room(start + 8);
  expect_late_from(start + 19);
}

TEST_F(ConnectionStateTest, IsNeverLateWhileATimerGoesFirst) {
  has_said({.bytes = "", .next = Next::wait, .amount = 1});
  EXPECT_FALSE(state.is_late(start + 1000, patience));
  resume(start + 500);
  expect_late_from(start + 511);
}

TEST_F(ConnectionStateTest, CountsFromTheEndOfAComputation) {
  has_said({.bytes = "", .next = Next::compute, .amount = 1});
  resume(start + 50);
  expect_late_from(start + 61);
}

TEST_F(ConnectionStateTest, LingersForTheLingerTicksWhateverComes) {
  has_said({.bytes = "", .next = Next::close});
  state.shut_down(true, start + 20);
  expect_late_from(start + 23);
  receive("and", start + 22);
  expect_late_from(start + 23);
}

TEST_F(ConnectionStateTest, CountsOnWhereTheClockWrapsAround) {
  ConnectionState wrapping(service.run(), 0xFFFFFFFA);
  EXPECT_EQ(wrapping.late_from(patience), 5U);
  EXPECT_FALSE(wrapping.is_late(0xFFFFFFFF, patience));
  EXPECT_FALSE(wrapping.is_late(4, patience));
  EXPECT_TRUE(wrapping.is_late(5, patience));
}

TEST_F(ConnectionStateTest, LetsTheSessionSayALastWordToASilentPeer) {
  service.will_say({{"too late", Next::read}});
  EXPECT_EQ(late(start + 11), Todo::send);
  EXPECT_EQ(send_all(), Todo::shut_down);
  EXPECT_EQ(sent, "too late");
  EXPECT_THAT(service.take_told(), ElementsAre("timed_out "));
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(ConnectionStateTest, ShutsDownASilentPeerThatThereIsNothingToSayTo) {
  EXPECT_EQ(late(start + 11), Todo::shut_down);
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(ConnectionStateTest, ClosesOnAPeerThatTakesNoLastWordAndCountsItOnce) {
  service.will_say({{"too late"}});
  late(start + 11);
  EXPECT_EQ(block(), Todo::watch);
  expect_late_from(start + 22);
  EXPECT_EQ(late(start + 22), Todo::close);
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(ConnectionStateTest, ClosesOnAPeerThatTakesNoReply) {
  has_said({"reply"});
  block();
  service.take_told();
  EXPECT_EQ(late(start + 11), Todo::close);
  EXPECT_TRUE(state.is_closed());
  EXPECT_THAT(service.take_told(), IsEmpty());
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(ConnectionStateTest, ClosesOnAPeerThatDoesNotDrain) {
  has_said({"much", Next::drain});
  block();
  EXPECT_EQ(late(start + 11), Todo::close);
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(ConnectionStateTest, CountsNobodyWhoseConnectionWasAtItsEnd) {
  has_said({"bye", Next::close});
  block();
  EXPECT_EQ(late(start + 11), Todo::close);
  ConnectionState lingering(service.run(), start);
  lingering.shut_down(true, start);
  EXPECT_EQ(lingering.too_late(service.run(), out, start + 3), Todo::close);
  EXPECT_EQ(service.counters().timed_out.load(), 0U);
}

class TransferState : public testing::Test {
 protected:
  static constexpr std::uint32_t start = 100;
  ScriptedService service{Transport::udp_transfers};
  ConnectionState state{service.run(), start};
  Output out;
};

TEST_F(TransferState, GoesOnAfterASilenceUntilTheSessionGivesUp) {
  service.will_say({{"one"}, {"one"}, {"", Next::close}});
  EXPECT_EQ(state.received(bytes_of("ask"), out, start), Todo::send);
  out.clear();
  EXPECT_EQ(state.tried_to_send(Attempt::done, out), Todo::watch);
  EXPECT_EQ(state.too_late(service.run(), out, start + 11), Todo::send);
  EXPECT_EQ(take(out), "one");
  EXPECT_EQ(state.tried_to_send(Attempt::done, out), Todo::watch);
  EXPECT_FALSE(state.is_late(start + 21, patience));
  EXPECT_EQ(service.counters().timed_out.load(), 0U);
  EXPECT_EQ(state.too_late(service.run(), out, start + 22), Todo::close);
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(TransferState, ClosesWithoutLingering) {
  service.will_say({{"bye", Next::close}});
  EXPECT_EQ(state.received(bytes_of("ask"), out, start), Todo::send);
  out.clear();
  EXPECT_EQ(state.tried_to_send(Attempt::done, out), Todo::close);
}

// Or the answers to two datagrams would be sent as one.
TEST_F(TransferState, WantsNoDatagramWhileAnAnswerIsUnsent) {
  service.will_say({{"one"}});
  EXPECT_TRUE(state.wants_bytes());
  state.received(bytes_of("ask"), out, start);
  EXPECT_EQ(state.tried_to_send(Attempt::would_block, out), Todo::watch);
  EXPECT_FALSE(state.wants_bytes());
  out.clear();
  EXPECT_EQ(state.all_sent(out, start), Todo::watch);
  EXPECT_TRUE(state.wants_bytes());
}

}  // namespace
}  // namespace bench
