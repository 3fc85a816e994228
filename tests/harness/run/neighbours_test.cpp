// Why: a plan on a busy machine is told from one on a quiet machine before it begins, and can wait.
#include "harness/run/neighbours.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Neighbours, AreDescribedByWhatTheyUseAndWho) {
  EXPECT_EQ(describe({.busy = 0.87, .busiest = {{"cc1plus", 1.52}, {"ninja", 0.12}}}),
            "other processes use 87% of the CPUs (cc1plus 1.52, ninja 0.12 CPUs)");
  EXPECT_EQ(describe({.busy = 0.2, .busiest = {}}), "other processes use 20% of the CPUs");
  EXPECT_TRUE(are_disturbing({.busy = 0.11, .busiest = {}}));
  EXPECT_FALSE(are_disturbing({.busy = 0.09, .busiest = {}}));
}

// A child that computes is among the busiest once it has done so for long enough, however busy the machine is.
TEST(Neighbours, NameAProcessThatComputes) {
  const pid_t child = fork();
  if (child == 0) {
    for (std::atomic<std::uint64_t> count = 0;;) count.fetch_add(1, std::memory_order_relaxed);
  }
  bool seen = false;
  for (int look = 0; look < 100 && !seen; ++look) {
    const Neighbours found = look_at_neighbours(200ms);
    EXPECT_LE(found.busiest.size(), 3U);
    EXPECT_LE(found.busy, 1);
    for (const auto& [command, cpus] : found.busiest) seen |= command == "unit_tests" || command == "model_tests";
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(seen);
}

TEST(WaitForQuiet, EndsWhenNobodyDisturbsOrItsTimeIsUp) {
  int looks = 0;
  const auto quiet_at = [&](int when) {
    return [&looks, when](std::chrono::nanoseconds) {
      return Neighbours{.busy = ++looks >= when ? 0.01 : 0.5, .busiest = {}};
    };
  };
  const auto never = [] { return false; };
  EXPECT_FALSE(are_disturbing(wait_for_quiet(10s, quiet_at(3), never)));
  EXPECT_EQ(looks, 3);
  looks = 0;
  EXPECT_TRUE(are_disturbing(wait_for_quiet(2s, quiet_at(100), never)));
  EXPECT_EQ(looks, 4);
  looks = 0;
  EXPECT_TRUE(are_disturbing(wait_for_quiet(10s, quiet_at(100), [] { return true; })));
  EXPECT_EQ(looks, 1);
}

}  // namespace
}  // namespace bench
