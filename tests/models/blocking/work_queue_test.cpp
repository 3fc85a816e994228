// Why: a queue that loses an item loses a task, and one that forgets who waits leaves a worker asleep for ever.
#include "models/blocking/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace bench {
namespace {

TEST(WorkQueue, GivesTheOldestItemFirst) {
  WorkQueue<int> queue;
  for (const int item : {1, 2, 3}) queue.put(item);
  int item = 0;
  for (const int expected : {1, 2, 3}) {
    EXPECT_TRUE(queue.take(item));
    EXPECT_EQ(item, expected);
  }
}

TEST(WorkQueue, GivesWhatIsLeftWhenItIsClosedAndThenNothing) {
  WorkQueue<int> queue;
  queue.put(1);
  queue.put(2);
  queue.close();
  int item = 0;
  EXPECT_TRUE(queue.take(item));
  EXPECT_TRUE(queue.take(item));
  EXPECT_EQ(item, 2);
  EXPECT_FALSE(queue.take(item));
  EXPECT_FALSE(queue.take(item));
  EXPECT_EQ(item, 2) << "nothing was taken";
}

TEST(WorkQueue, MovesItsItems) {
  WorkQueue<std::unique_ptr<int>> queue;
  queue.put(std::make_unique<int>(7));
  std::unique_ptr<int> item;
  EXPECT_TRUE(queue.take(item));
  ASSERT_TRUE(item);
  EXPECT_EQ(*item, 7);
}

TEST(WorkQueue, WakesAThreadThatWaitsForAnItem) {
  WorkQueue<int> queue;
  int taken = 0;
  std::jthread taker([&] { queue.take(taken); });
  queue.put(5);
  taker.join();
  EXPECT_EQ(taken, 5);
}

TEST(WorkQueue, WakesEveryThreadThatWaitsWhenItIsClosed) {
  WorkQueue<int> queue;
  std::atomic<int> told{0};
  std::vector<std::jthread> takers;
  for (int i = 0; i < 4; ++i) {
    takers.emplace_back([&] {
      int item = 0;
      if (!queue.take(item)) ++told;
    });
  }
  queue.close();
  takers.clear();
  EXPECT_EQ(told, 4);
}

TEST(WorkQueue, GivesEachItemToOneThread) {
  constexpr int each = 5000;
  constexpr int threads = 3;
  WorkQueue<int> queue;
  std::vector<std::atomic<int>> taken(each * threads);
  std::vector<std::jthread> takers;
  for (int i = 0; i < threads; ++i) {
    takers.emplace_back([&] {
      for (int item = 0; queue.take(item);) ++taken[static_cast<std::size_t>(item)];
    });
  }
  {
    std::vector<std::jthread> putters;
    for (int i = 0; i < threads; ++i) {
      putters.emplace_back([&queue, i] {
        for (int item = 0; item < each; ++item) queue.put(i * each + item);
      });
    }
  }
  queue.close();
  takers.clear();
  for (std::size_t item = 0; item < taken.size(); ++item) ASSERT_EQ(taken[item], 1) << item;
}

}  // namespace
}  // namespace bench
