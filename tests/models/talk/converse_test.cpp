// Why: threads, processes and fibers serve every connection by this; what it forgets to say or to send is never said.
#include "models/talk/converse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
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
  // Bytes that come ("" is the end), or how the attempt to receive goes.
  struct Sends {
    std::string bytes;
    Attempt attempt = Attempt::done;
  };

  void will_send(std::initializer_list<Sends> script) { script_.insert(script_.end(), script); }

  Output& out() { return out_; }
  Attempt send() {
    const Attempt attempt = takes;
    log.push_back("took " + take(out_));
    return attempt;
  }
  Attempt receive(std::span<const std::byte>& bytes) {
    EXPECT_TRUE(out_.empty()) << "replies go out before anything is waited for";
    received_ = script_.empty() ? Sends{} : std::move(script_.front());
    if (!script_.empty()) script_.pop_front();
    bytes = bytes_of(received_.bytes);
    return received_.attempt;
  }
  void sleep(std::chrono::nanoseconds duration) {
    EXPECT_TRUE(out_.empty());
    log.push_back("slept " + std::to_string(duration.count()));
  }
  void compute(std::uint64_t steps) {
    EXPECT_TRUE(out_.empty());
    log.push_back("computed " + std::to_string(steps));
  }
  void close_after_last_word() {
    EXPECT_TRUE(out_.empty());
    log.emplace_back("closed");
  }

  std::vector<std::string> log;
  Attempt takes = Attempt::done;

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

TEST_F(ConverseTest, ClosesAfterTheLastWord) {
  peer.will_send({{"quit"}});
  service.will_say({{"bye", Next::close}});
  run();
  EXPECT_THAT(peer.log, ElementsAre("took bye", "closed"));
}

TEST_F(ConverseTest, GivesUpAConnectionThatFails) {
  peer.will_send({{"", Attempt::failed}});
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
  peer.will_send({{"", Attempt::would_block}});
  service.will_say({{"too late", Next::wait, 5}});
  run();
  EXPECT_THAT(service.take_told(), ElementsAre("timed_out "));
  EXPECT_THAT(peer.log, ElementsAre("took too late", "closed"));
  EXPECT_EQ(service.counters().timed_out.load(), 1U);
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
