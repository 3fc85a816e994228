#include "harness/load/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace bench {
namespace {

LoadPlan whole() {
  LoadPlan plan;
  plan.connections = 10;
  plan.active = 7;
  plan.rate = 700;
  plan.threads = 2;
  return plan;
}

TEST(Shares, PartsOfALoadAddUpToIt) {
  std::uint32_t connections = 0;
  std::uint32_t active = 0;
  double rate = 0;
  for (std::uint32_t number = 0; number < 3; ++number) {
    const LoadPlan part = part_of(whole(), number, 3);
    connections += part.connections;
    active += part.active;
    rate += part.rate;
    EXPECT_DOUBLE_EQ(part.rate / part.active, 100) << "each connection asks as often as those of the others";
    EXPECT_LE(part.active, part.connections);
  }
  EXPECT_EQ(connections, 10U);
  EXPECT_EQ(active, 7U);
  EXPECT_DOUBLE_EQ(rate, 700);
}

TEST(Shares, NoConnectionOfAPartHasANumberOfAnother) {
  std::set<std::uint64_t> numbers;
  for (std::uint32_t number = 0; number < 3; ++number) {
    for (const auto& process : deal(part_of(whole(), number, 3), 100)) {
      for (const WorkerShare& share : process) {
        for (std::uint32_t index = 0; index < share.connections; ++index)
          numbers.insert(share.first_connection + index);
      }
    }
  }
  EXPECT_EQ(numbers.size(), 10U);
  EXPECT_EQ(*numbers.rbegin(), 9U);
}

TEST(Shares, PartsAreDueBetweenEachOther) {
  std::set<double> first_due;  // in shares of the distance between two requests of one generator
  for (std::uint32_t number = 0; number < 2; ++number) {
    LoadPlan plan = whole();
    plan.active = plan.connections;
    for (const auto& process : deal(part_of(plan, number, 2), 100)) {
      for (const WorkerShare& share : process) first_due.insert(share.phase);
    }
  }
  EXPECT_THAT(first_due, testing::ElementsAre(0, 0.25, 0.5, 0.75));
}

// 10 connections over 4 generators, of which a quarter each rounds to 1: they would be 4.
TEST(Shares, AsManyConnectionsAreHeavyAsOfTheWhole) {
  LoadPlan plan = whole();
  plan.connections = plan.active = 10;
  plan.heavy_share = 0.25;
  std::uint32_t heavy = 0;
  for (std::uint32_t number = 0; number < 4; ++number) {
    for (const auto& process : deal(part_of(plan, number, 4), 100)) {
      for (const WorkerShare& share : process) heavy += share.heavy;
    }
  }
  EXPECT_EQ(heavy, 3U);
}

TEST(Shares, RandomArrivalsOfPartsDiffer) { EXPECT_NE(part_of(whole(), 0, 2).seed, part_of(whole(), 1, 2).seed); }

TEST(Shares, NoPartIsWithoutAConnection) {
  LoadPlan plan = whole();
  plan.connections = plan.active = 2;
  EXPECT_THROW(part_of(plan, 0, 3), std::invalid_argument);
}

}  // namespace
}  // namespace bench
