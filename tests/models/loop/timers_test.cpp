// Why: an event loop that wakes a timer early cuts a wait short, and one that forgets a timer hangs.
#include "models/loop/timers.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bench {
namespace {

std::vector<int> take_all_due(Timers<int>& timers, std::int64_t now_ns) {
  std::vector<int> taken;
  for (int waiter = 0; timers.take_due(now_ns, waiter);) taken.push_back(waiter);
  return taken;
}

TEST(Timers, AreEmptyAtFirst) {
  Timers<int> timers;
  EXPECT_TRUE(timers.empty());
  EXPECT_EQ(timers.next_deadline_ns(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(take_all_due(timers, 1'000'000), std::vector<int>());
}

TEST(Timers, WakeNobodyBeforeTheDeadlineAndAllAtIt) {
  Timers<int> timers;
  timers.arm(30, 3);
  timers.arm(10, 1);
  timers.arm(20, 2);
  EXPECT_EQ(timers.next_deadline_ns(), 10);
  EXPECT_EQ(take_all_due(timers, 9), std::vector<int>());
  EXPECT_EQ(take_all_due(timers, 20), (std::vector{1, 2}));
  EXPECT_EQ(timers.next_deadline_ns(), 30);
  EXPECT_EQ(take_all_due(timers, 29), std::vector<int>());
  EXPECT_EQ(take_all_due(timers, 1000), (std::vector{3}));
  EXPECT_TRUE(timers.empty());
}

TEST(Timers, WakeEqualDeadlinesInTheOrderTheyWereArmed) {
  Timers<int> timers;
  std::vector<int> armed;
  for (int waiter = 0; waiter < 100; ++waiter) {
    timers.arm(5, waiter);
    armed.push_back(waiter);
  }
  EXPECT_EQ(take_all_due(timers, 5), armed);
}

TEST(Timers, WakeInTheOrderOfTheirDeadlines) {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same numbers every time
  Timers<int> timers;
  std::vector<std::pair<std::int64_t, int>> armed;
  for (int waiter = 0; waiter < 2000; ++waiter) {
    armed.emplace_back(random() % 500, waiter);
    timers.arm(armed.back().first, waiter);
  }
  std::ranges::sort(armed);
  std::vector<int> expected;
  for (const auto& [deadline_ns, waiter] : armed) expected.push_back(waiter);
  EXPECT_EQ(take_all_due(timers, 500), expected);
}

}  // namespace
}  // namespace bench
