// Why: a stack that is not reused makes every fiber cost a system call, one that is used twice at once corrupts both,
// and one without a guard lets an overflow pass for a result.
#include "models/resumable/fiber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/sanitized.h"

namespace bench {
namespace {

using testing::ElementsAre;

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
const std::size_t page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

// What /proc/self/maps says of the page at `address`: "rw-p", "---p", or nothing.
std::string permissions_at(const std::byte* address) {
  std::ifstream maps("/proc/self/maps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;
    char dash = 0;
    std::string permissions;
    fields >> std::hex >> low >> dash >> high >> permissions;
    if (low <= wanted && wanted < high) return permissions;
  }
  return {};
}

// ---- Stacks ----

TEST(StackPool, GivesTheStackThatWasGivenBackLast) {
  StackPool pool(stack_bytes);
  const StackPool::Stack first = pool.take();
  const StackPool::Stack second = pool.take();
  EXPECT_NE(first.data(), second.data());
  pool.give_back(first);
  pool.give_back(second);
  EXPECT_EQ(pool.take().data(), second.data());
  EXPECT_EQ(pool.take().data(), first.data());
  pool.give_back(first);
  pool.give_back(second);
}

TEST(StackPool, RoundsUpToPages) {
  StackPool pool(2 * page_bytes + 1);
  const StackPool::Stack stack = pool.take();
  EXPECT_EQ(stack.size(), 3 * page_bytes);
  EXPECT_EQ(permissions_at(stack.data()), "rw-p");
  EXPECT_EQ(permissions_at(&stack.back()), "rw-p");
  pool.give_back(stack);
}

TEST(StackPool, GuardsEachStackAndUnmapsAllAtItsEnd) {
  std::vector<StackPool::Stack> stacks;
  {
    StackPool pool(stack_bytes);
    for (int i = 0; i < 200; ++i) stacks.push_back(pool.take());
    for (const StackPool::Stack stack : stacks) ASSERT_EQ(permissions_at(stack.data() - 1), "---p");
    for (const StackPool::Stack stack : stacks) pool.give_back(stack);
  }
  for (const StackPool::Stack stack : stacks) EXPECT_NE(permissions_at(stack.data() - 1), "---p");
}

TEST(StackPool, SaysWhichStackTheSystemRefused) {
  StackPool pool(std::size_t{1} << 50);
  try {
    pool.take();
    FAIL() << "a petabyte was mapped";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("map stack 1 of 1125899906842624 bytes"));
  }
}

// ---- Fibers ----

TEST(Fiber, RunsUpToItsParkAndGoesOnFromThere) {
  StackPool stacks(stack_bytes);
  std::vector<int> steps;
  Fiber* parked = nullptr;
  Fiber::start(stacks, [&](Fiber& fiber) {
    parked = &fiber;
    for (int step = 1; step <= 3; ++step) {
      steps.push_back(step);
      fiber.park();
    }
    steps.push_back(4);
  });
  for (int outside = -1; outside >= -3; --outside) {
    steps.push_back(outside);
    parked->resume();
  }
  EXPECT_THAT(steps, ElementsAre(1, -1, 2, -2, 3, -3, 4));
}

TEST(Fiber, GivesItsStackBackAtItsEnd) {
  StackPool stacks(stack_bytes);
  std::set<const void*> places;
  for (int i = 0; i < 100; ++i) {
    Fiber::start(stacks, [&](Fiber& fiber) { places.insert(&fiber); });
  }
  EXPECT_EQ(places.size(), 1U);
  for (int wave = 0; wave < 2; ++wave) {
    std::vector<Fiber*> parked;
    for (int i = 0; i < 100; ++i) {
      Fiber::start(stacks, [&](Fiber& fiber) {
        places.insert(&fiber);
        parked.push_back(&fiber);
        fiber.park();
      });
    }
    for (Fiber* const fiber : parked) fiber->resume();
    EXPECT_EQ(places.size(), 100U);
  }
}

TEST(Fiber, DestroysWhatItWasGivenAndWhatIsOnItsStack) {
  StackPool stacks(stack_bytes);
  const auto counted = std::make_shared<int>(0);
  Fiber* parked = nullptr;
  Fiber::start(stacks, [&parked, given = counted](Fiber& fiber) {
    const std::vector<std::shared_ptr<int>> local{given};
    parked = &fiber;
    fiber.park();
  });
  EXPECT_EQ(counted.use_count(), 3);
  parked->resume();
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(Fiber, StartsAnotherThatOutlivesIt) {
  StackPool stacks(stack_bytes);
  std::vector<std::string> steps;
  Fiber* inner = nullptr;
  Fiber::start(stacks, [&](Fiber&) {
    steps.emplace_back("outer begins");
    Fiber::start(stacks, [&](Fiber& fiber) {
      inner = &fiber;
      steps.emplace_back("inner begins");
      fiber.park();
      steps.emplace_back("inner ends");
    });
    steps.emplace_back("outer ends");
  });
  inner->resume();
  EXPECT_THAT(steps, ElementsAre("outer begins", "inner begins", "outer ends", "inner ends"));
}

TEST(Fiber, ThrowsAndCatchesOnItsOwnStackWhileOthersAreParked) {
  StackPool stacks(stack_bytes);
  std::vector<Fiber*> parked;
  std::vector<std::string> caught;
  for (int i = 0; i < 3; ++i) {
    Fiber::start(stacks, [&, i](Fiber& fiber) {
      try {
        parked.push_back(&fiber);
        fiber.park();
        throw std::runtime_error(std::to_string(i));
      } catch (const std::runtime_error& error) {
        caught.emplace_back(error.what());
      }
    });
  }
  for (const std::size_t i : {1U, 2U, 0U}) parked[i]->resume();
  EXPECT_THAT(caught, ElementsAre("1", "2", "0"));
}

// A frame of a quarter of a kilobyte for each level, which no compiler makes a loop of.
int descend(int levels) {
  volatile char frame[256] = {};
  frame[0] = static_cast<char>(levels);
  return levels == 0 ? 0 : descend(levels - 1) + frame[0];
}

TEST(FiberDeathTest, AnOverflowEndsTheProcess) {
  if (sanitized) GTEST_SKIP() << "the sanitizer reports it in its own way";
  StackPool stacks(stack_bytes);
  [[maybe_unused]] volatile int keep = 0;
  Fiber::start(stacks, [&](Fiber&) { keep = descend(64); });
  EXPECT_EXIT(Fiber::start(stacks, [&](Fiber&) { keep = descend(1024); }), testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace bench
