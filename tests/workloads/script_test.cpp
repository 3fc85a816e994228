// Why: every workload is a script, so an operation that comes out twice or a local that is destroyed twice, as g++ 12
// does to some yielded values, would spoil all of them.
#include "workloads/script.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace bench {
namespace {

using namespace std::chrono_literals;

const std::atomic<bool> always{true};

// Counts how often it was destroyed, and owns memory so that a second time shows under the address sanitizer too.
struct Local {
  explicit Local(int& count) : destroyed(count) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { ++destroyed; }

  int& destroyed;
  std::string text = std::string(100, 'x');
};

Script waits_and_checkpoints(std::vector<int>& trace) {
  trace.push_back(0);
  co_yield wait_for(3ms);
  trace.push_back(1);
  co_yield checkpoint();
  trace.push_back(2);
  co_yield wait_for(7ns);
  trace.push_back(3);
}

Script throws_after(std::chrono::nanoseconds wait, int& destroyed) {
  const Local local(destroyed);
  co_yield wait_for(wait);
  throw std::runtime_error("from the script");
}

Script holds_a_local(int& destroyed) {
  const Local local(destroyed);
  co_yield wait_for(1ms);
  co_yield checkpoint();
  co_yield wait_for(2ms);
}

TEST(Script, StartsAtTheFirstAdvance) {
  std::vector<int> trace;
  Script script = waits_and_checkpoints(trace);
  EXPECT_TRUE(trace.empty());
}

TEST(Script, YieldsItsOperationsInOrder) {
  std::vector<int> trace;
  Script script = waits_and_checkpoints(trace);
  script.switch_when(always);

  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::wait_for);
  EXPECT_EQ(script.operation().duration, 3ms);
  EXPECT_EQ(trace, (std::vector{0}));

  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::checkpoint);
  EXPECT_EQ(trace, (std::vector{0, 1}));

  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::wait_for);
  EXPECT_EQ(script.operation().duration, 7ns);
  EXPECT_EQ(trace, (std::vector{0, 1, 2}));

  EXPECT_FALSE(script.advance());
  EXPECT_EQ(trace, (std::vector{0, 1, 2, 3}));
}

TEST(Script, PassesACheckpointThatNobodyWants) {
  std::vector<int> trace;
  Script script = waits_and_checkpoints(trace);
  ASSERT_TRUE(script.advance());
  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().duration, 7ns);
  EXPECT_EQ(trace, (std::vector{0, 1, 2}));
  EXPECT_FALSE(script.advance());
}

// The flag is read at each checkpoint, not when it was handed over.
TEST(Script, SuspendsAtACheckpointOnlyWhileTheFlagIsSet) {
  std::atomic<bool> wanted{false};
  int passed = 0;
  const auto make = [](int& count) -> Script {
    while (true) {
      co_yield checkpoint();
      if (++count % 3 == 0) {
        co_yield wait_for(1ms);
      }
    }
  };
  Script script = make(passed);
  script.switch_when(wanted);

  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::wait_for);
  EXPECT_EQ(passed, 3);

  wanted = true;
  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::checkpoint);
  EXPECT_EQ(passed, 3);
  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::checkpoint);
  EXPECT_EQ(passed, 4);

  wanted = false;
  ASSERT_TRUE(script.advance());
  EXPECT_EQ(script.operation().verb, Verb::wait_for);
  EXPECT_EQ(passed, 6);
}

TEST(Script, PassesAnExceptionThroughAdvance) {
  int destroyed = 0;
  {
    Script script = throws_after(1ms, destroyed);
    ASSERT_TRUE(script.advance());
    EXPECT_EQ(destroyed, 0);
    try {
      script.advance();
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "from the script");
    }
    EXPECT_EQ(destroyed, 1);
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(Script, DestroysItsLocalsOnceWhereverItStands) {
  for (int advances = 0; advances <= 4; ++advances) {
    int destroyed = 0;
    {
      Script script = holds_a_local(destroyed);
      script.switch_when(always);
      for (int at = 0; at < advances; ++at) EXPECT_EQ(script.advance(), at < 3);
      EXPECT_EQ(destroyed, advances == 4 ? 1 : 0);
    }
    EXPECT_EQ(destroyed, advances == 0 ? 0 : 1) << "after " << advances << " advances";
  }
}

TEST(Script, MovesWithItsFrame) {
  int destroyed = 0;
  int replaced = 0;
  {
    Script first = holds_a_local(destroyed);
    ASSERT_TRUE(first.advance());
    Script second = std::move(first);
    EXPECT_EQ(destroyed, 0);
    ASSERT_TRUE(second.advance());

    Script third = holds_a_local(replaced);
    ASSERT_TRUE(third.advance());
    third = std::move(second);
    EXPECT_EQ(third.operation().duration, 2ms);
    EXPECT_EQ(destroyed, 0);
    third = Script();
    EXPECT_EQ(destroyed, 1);
  }
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(replaced, 1);
}

}  // namespace
}  // namespace bench
