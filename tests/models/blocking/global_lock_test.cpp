// Why: whoever hands the lock over waits until somebody has taken it, so somebody must be there who will.
#include "models/blocking/global_lock.h"

#include <gtest/gtest.h>

#include <thread>

namespace bench {
namespace {

const auto at_once = [] { return true; };

void wait_until_wanted(const GlobalLock& lock) {
  while (!lock.wanted()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(GlobalLock, GoesToTheOneThatAskedAndComesBack) {
  GlobalLock lock;
  lock.take();
  bool had_it = false;
  std::thread asker([&] {
    lock.take();
    had_it = true;
    lock.drop();
  });
  wait_until_wanted(lock);
  EXPECT_FALSE(had_it);
  lock.hand_over();
  EXPECT_TRUE(had_it);
  EXPECT_FALSE(lock.wanted());
  EXPECT_FALSE(lock.take_unless(at_once)) << "its holder has it again";
  asker.join();
  lock.drop();
}

TEST(GlobalLock, IsKeptWhereTheOneThatAskedHasGivenUp) {
  GlobalLock lock;
  lock.take();
  std::atomic<bool> over = false;
  bool taken = true;
  std::thread asker([&] { taken = lock.take_unless([&] { return over.load(); }); });
  wait_until_wanted(lock);
  over = true;
  asker.join();
  EXPECT_FALSE(taken);
  EXPECT_FALSE(lock.wanted());
  lock.hand_over();  // as a holder does that saw the request just before: nobody would come
  EXPECT_FALSE(lock.take_unless(at_once)) << "its holder has kept it";
  lock.drop();
  EXPECT_TRUE(lock.take_unless(at_once));
  lock.drop();
}

}  // namespace
}  // namespace bench
