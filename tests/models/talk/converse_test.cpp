// Why: threads, processes and fibers serve every connection by this; what it forgets to say or to send is never said.
#include "models/talk/converse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>

#include "tests/support/conversation.h"
#include "tests/support/scripted_session.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A peer that sends what the test has written down, and then ends; and writes down what is done to it.
class ScriptedPeer {
 public:
  // Bytes that come ("" is the end), or what comes in their place.
  struct Sends {
    std::string bytes;
    Received received = Received::bytes;
  };

  void will_send(std::initializer_list<Sends> script) { script_.insert(script_.end(), script); }

  Output& out() { return out_; }
  Attempt send() {
    const Attempt attempt = takes;
    log.push_back("took " + take(out_));
    return attempt;
  }
  Received receive(std::span<const std::byte>& bytes) {
    EXPECT_TRUE(out_.empty()) << "replies go out before anything is waited for";
    received_ = script_.empty() ? Sends{} : std::move(script_.front());
    if (!script_.empty()) script_.pop_front();
    bytes = bytes_of(received_.bytes);
    return received_.received;
  }
  void sleep(std::chrono::nanoseconds duration) {
    EXPECT_TRUE(out_.empty());
    log.push_back("slept " + std::to_string(duration.count()));
    if (while_asleep) while_asleep();
  }
  void compute(std::uint64_t steps) {
    EXPECT_TRUE(out_.empty());
    log.push_back("computed " + std::to_string(steps));
  }
  void transfer(Operation& operation) {
    EXPECT_TRUE(out_.empty());
    log.push_back("transferred " + std::to_string(operation.transfer.fd));
    operation.result = 5;
  }
  void close_after_last_word() {
    EXPECT_TRUE(out_.empty());
    log.emplace_back("closed");
  }

  std::vector<std::string> log;
  Attempt takes = Attempt::done;
  std::function<void()> while_asleep;

 private:
  Output out_;
  std::deque<Sends> script_;
  Sends received_;
};
static_assert(Peer<ScriptedPeer>);

class ConverseTest : public testing::Test {
 protected:
  void run() { converse(service.run(), peer); }

  ScriptedService service;
  ScriptedPeer peer;
};

TEST_F(ConverseTest, AnswersUntilThePeerEnds) {
  peer.will_send({{"one"}, {"two"}, {""}});
  service.will_say({{"ONE"}, {"TWO"}});
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("data one", "data two", "end "));
  EXPECT_THAT(peer.log, ElementsAre("took ONE", "took TWO")) << "a peer that has ended is not waited for";
}

TEST_F(ConverseTest, SendsWhatIsSaidAtTheEnd) {
  service.will_say({{"bye"}});
  run();
  EXPECT_THAT(peer.log, ElementsAre("took bye"));
}

TEST_F(ConverseTest, ComputesWaitsAndDrainsInTheOrderThatIsAskedFor) {
  peer.will_send({{"ask"}});
  service.will_say({{"a", Next::compute, 10}, {"b", Next::wait, 20}, {"c", Next::drain}, {"d"}});
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "resumed ", "resumed ", "drained ", "end "));
  EXPECT_THAT(peer.log, ElementsAre("took a", "computed 10", "took b", "slept 20", "took c", "took d"));
}

TEST_F(ConverseTest, TransfersAfterWhatWasSaidBefore) {
  Operation operation{.verb = Verb::transfer, .transfer = {.fd = 3}};
  peer.will_send({{"ask"}});
  service.will_say({{"a", Next::transfer, 0, 0, &operation}, {"b"}});
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "resumed ", "end "));
  EXPECT_THAT(peer.log, ElementsAre("took a", "transferred 3", "took b"));
  EXPECT_EQ(operation.result, 5);
}

TEST_F(ConverseTest, TellsOfMailBetweenBytes) {
  peer.will_send({{"ask"}, {"", Received::mail}, {"more"}});
  service.will_say({{"reply"}, {"news"}, {"reply"}});
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "message ", "data more", "end "));
  EXPECT_THAT(peer.log, ElementsAre("took reply", "took news", "took reply"));
}

// What is published while the session is busy is told before anything is waited for.
TEST_F(ConverseTest, TellsOfMailThatCameBeforeItReads) {
  peer.will_send({{"ask"}});
  service.will_say({{"", Next::wait, 5}, {"reply"}, {"news"}});
  peer.while_asleep = [&] { service.hub().publish(bytes_of("news")); };
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "resumed ", "end "));
  EXPECT_THAT(peer.log, ElementsAre("slept 5", "took reply", "took news"));
}

TEST_F(ConverseTest, ClosesAfterTheLastWord) {
  peer.will_send({{"quit"}});
  service.will_say({{"bye", Next::close}});
  run();
  EXPECT_THAT(peer.log, ElementsAre("took bye", "closed"));
}

TEST_F(ConverseTest, GivesUpAConnectionThatFails) {
  peer.will_send({{"", Received::failed}});
  run();
  EXPECT_THAT(service.take_told(), IsEmpty());
  EXPECT_THAT(peer.log, IsEmpty());
}

TEST_F(ConverseTest, GivesUpAPeerThatTakesNothing) {
  peer.will_send({{"ask"}});
  peer.takes = Attempt::would_block;
  service.will_say({{"reply"}});
  run();
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
  EXPECT_THAT(peer.log, ElementsAre("took reply"));
}

TEST_F(ConverseTest, SaysALastWordToASilentPeer) {
  peer.will_send({{"", Received::nothing}});
  service.will_say({{"too late", Next::wait, 5}});
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("timed_out "));
  EXPECT_THAT(peer.log, ElementsAre("took too late", "closed"));
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
}

TEST_F(ConverseTest, BeginsATransferWithItsFirstDatagramAndSaysAgainWhatWasLost) {
  ScriptedService transfers(Transport::udp_transfers);
  peer.will_send({{"", Received::nothing}, {"go on"}, {"", Received::nothing}});
  transfers.will_say({{"one"}, {"one"}, {"two"}, {"", Next::close}});
  converse(transfers.run(), peer, bytes_of("ask"));
  EXPECT_THAT(transfers.take_told(), ElementsAre("data ask", "timed_out ", "data go on", "timed_out "));
  EXPECT_THAT(peer.log, ElementsAre("took one", "took one", "took two")) << "and does not linger";
  EXPECT_EQ(transfers.counters().timed_out.load(), 1U) << "only where the session gives up";
}

TEST_F(ConverseTest, EndsWhenTheServerIsToStop) {
  service.run().stop();
  run();
  EXPECT_THAT(service.take_told(), IsEmpty());
}

TEST_F(ConverseTest, AnswersADatagram) {
  service.will_say({{"", Next::compute, 10}, {"", Next::wait, 20}, {"reply", Next::close}});
  Output out;
  answer(service.run(), bytes_of("ask"), peer, out);
  EXPECT_EQ(take(out), "reply");
  EXPECT_THAT(service.take_told(), ElementsAre("data ask", "resumed ", "resumed "));
  EXPECT_THAT(peer.log, ElementsAre("computed 10", "slept 20"));
}

}  // namespace
}  // namespace bench
