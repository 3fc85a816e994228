// Why: deadlines of all loops are counted in its ticks.
#include "models/loop/ticker.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace bench {
namespace {

using namespace std::chrono_literals;

TEST(Ticker, TicksTenTimesWithinATimeoutAndNoMoreThanOnceASecond) {
  EXPECT_EQ(Ticker(200ms).idle_ticks(), 10U);
  EXPECT_EQ(Ticker(10s).idle_ticks(), 10U);
  EXPECT_EQ(Ticker(60s).idle_ticks(), 60U);
  EXPECT_EQ(Ticker(20ms).idle_ticks(), 2U) << "nor more than a hundred times";
  EXPECT_EQ(Ticker(1ms).idle_ticks(), 1U);
}

TEST(Ticker, LingersForASecondAtLeast) {
  EXPECT_EQ(Ticker(60s).linger_ticks(), 2U);
  EXPECT_EQ(Ticker(200ms).linger_ticks(), 51U);
}

TEST(Ticker, IsReadableUntilItsTicksAreTaken) {
  Ticker ticker(1ms);
  pollfd watched{.fd = ticker.fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&watched, 1, -1), 1);
  EXPECT_GE(ticker.take(), 1U);
  while (ticker.take() != 0) {  // another may have come
  }
}

}  // namespace
}  // namespace bench
