// switch: control goes from one unit to another that waits for it; one way, half a round trip.
//
// Two units hand a baton to and fro, and each does nothing else. On one CPU the kernel has to switch between them; on
// two it has to wake the other's CPU, which may have halted. System calls one way: futex: a wake and a wait; condition:
// likewise, at times more for the mutex; pipe: a write and a read. coroutines: resume: a caller resumes and the
// coroutine suspends, which are two ways; scheduler: the loop takes one coroutine after the other from its queue.
// fibers: jump: likewise, by a jump to the fiber's stack and one back; scheduler: as for coroutines, with a jump to the
// loop and one from it for each way.
#include <array>
#include <condition_variable>
#include <mutex>

#include "measure/primitive_run.h"
#include "measure/shared_mapping.h"
#include "models/resumable/fiber_unit.h"
#include "primitives/park.h"
#include "primitives/partners.h"
#include "primitives/pipe.h"
#include "primitives/primitive.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

// Whose turn it is.
enum class Turn : std::uint32_t { first, second, over };

// A baton on a word of memory.
class FutexBaton {
 public:
  explicit FutexBaton(Sharing sharing) : sharing_(sharing) {}

  void pass(Turn next) const noexcept {
    word().store(static_cast<std::uint32_t>(next), std::memory_order_release);
    futex_wake_one(word(), sharing_);
  }

  /// Waits until it is no longer `turn`; returns whose it is.
  Turn wait_while(Turn turn) const noexcept {
    const auto other = static_cast<std::uint32_t>(turn);
    std::uint32_t seen = 0;
    while ((seen = word().load(std::memory_order_acquire)) == other) futex_wait(word(), other, sharing_);
    return static_cast<Turn>(seen);
  }

 private:
  FutexWord& word() const noexcept { return shared_[0]; }

  Sharing sharing_;
  SharedArray<FutexWord> shared_{1};
};

// The same with a mutex and a condition variable for each direction.
class ConditionBaton {
 public:
  void pass(Turn next) {
    {
      const std::lock_guard lock(mutex_);
      turn_ = next;
    }
    changed_[next == Turn::first ? 0 : 1].notify_one();
  }

  Turn wait_while(Turn turn) {
    std::unique_lock lock(mutex_);
    changed_[turn == Turn::second ? 0 : 1].wait(lock, [&] { return turn_ != turn; });
    return turn_;
  }

 private:
  std::mutex mutex_;
  std::array<std::condition_variable, 2> changed_;  // for the first unit, for the second
  Turn turn_ = Turn::first;
};

// The same with a pipe for each direction.
class PipeBaton {
 public:
  explicit PipeBaton(PrimitiveRun& run) : to_first_(run), to_second_(run) {}

  void pass(Turn next) { (next == Turn::first ? to_first_ : to_second_).put(static_cast<Item>(next)); }
  Turn wait_while(Turn turn) { return static_cast<Turn>((turn == Turn::second ? to_first_ : to_second_).get()); }

 private:
  Pipe to_first_;
  Pipe to_second_;
};

// The second unit hands the baton back each time it comes.
template <typename Baton>
void hand_to_and_fro(PrimitiveRun& run, Baton& baton, Sharing sharing) {
  const SharedArray<std::atomic<std::uint64_t>> returned(1);
  Partners partners(run, sharing);
  partners.start(1, [&] {
    while (baton.wait_while(Turn::first) != Turn::over) {
      returned[0].fetch_add(1, std::memory_order_relaxed);
      baton.pass(Turn::first);
    }
  });
  run.place(0);
  std::uint64_t passed = 0;
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      baton.pass(Turn::second);
      baton.wait_while(Turn::second);
    }
    passed += count;
    return 2 * count;
  });
  baton.pass(Turn::over);
  partners.join();
  run.expect_equal(returned[0].load(), passed, "hand-overs were returned");
}

// Not to be inlined, so that the compiler cannot see who resumes it.
[[gnu::noinline]] Detached step(std::uint64_t& steps, const bool& over, Handle& parked) {
  while (!over) {
    ++steps;
    const Park park{parked};
    co_await park;
  }
}

[[gnu::noinline]] Detached take_turns(CoroutineScheduler& scheduler, std::uint64_t count, std::uint64_t& turns) {
  for (std::uint64_t i = 0; i < count; ++i) {
    auto turn = scheduler.turn();
    co_await turn;
    ++turns;
  }
}

void start_turns(StackPool& stacks, FiberScheduler& scheduler, std::uint64_t count, std::uint64_t& turns) {
  Fiber::start(stacks, [&scheduler, &turns, count](Fiber& fiber) {
    const FiberUnit self(scheduler, fiber);
    for (std::uint64_t i = 0; i < count; ++i) {
      self.give_way();
      ++turns;
    }
  });
}

void switch_processes_futex(PrimitiveRun& run) {
  FutexBaton baton(Sharing::processes);
  hand_to_and_fro(run, baton, Sharing::processes);
}

void switch_processes_pipe(PrimitiveRun& run) {
  PipeBaton baton(run);
  hand_to_and_fro(run, baton, Sharing::processes);
}

void switch_threads_futex(PrimitiveRun& run) {
  FutexBaton baton(Sharing::threads);
  hand_to_and_fro(run, baton, Sharing::threads);
}

void switch_threads_condition(PrimitiveRun& run) {
  ConditionBaton baton;
  hand_to_and_fro(run, baton, Sharing::threads);
}

void switch_threads_pipe(PrimitiveRun& run) {
  PipeBaton baton(run);
  hand_to_and_fro(run, baton, Sharing::threads);
}

void switch_coroutines_resume(PrimitiveRun& run) {
  std::uint64_t steps = 0;
  bool over = false;
  Handle parked;
  step(steps, over, parked);
  std::uint64_t resumed = 1;  // it has gone to its first suspension
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) parked.resume();
    resumed += count;
    return 2 * count;
  });
  over = true;
  parked.resume();
  run.expect_equal(steps, resumed, "steps were made");
}

void switch_coroutines_scheduler(PrimitiveRun& run) {
  CoroutineScheduler scheduler;
  std::uint64_t turns = 0;
  std::uint64_t expected = 0;
  run.time([&](std::uint64_t count) {
    take_turns(scheduler, count, turns);
    take_turns(scheduler, count, turns);
    scheduler.run();
    expected += 2 * count;
    return 2 * count;
  });
  run.expect_equal(turns, expected, "turns were taken");
}

void switch_fibers_jump(PrimitiveRun& run) {
  StackPool stacks(run.stack_bytes());
  std::uint64_t steps = 0;
  bool over = false;
  Fiber* parked = nullptr;
  Fiber::start(stacks, [&](Fiber& fiber) {
    parked = &fiber;
    while (!over) {
      ++steps;
      fiber.park();
    }
  });
  std::uint64_t resumed = 1;  // it has gone to its first park
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) parked->resume();
    resumed += count;
    return 2 * count;
  });
  over = true;
  parked->resume();
  run.expect_equal(steps, resumed, "steps were made");
}

void switch_fibers_scheduler(PrimitiveRun& run) {
  StackPool stacks(run.stack_bytes());
  FiberScheduler scheduler;
  std::uint64_t turns = 0;
  std::uint64_t expected = 0;
  run.time([&](std::uint64_t count) {
    start_turns(stacks, scheduler, count, turns);
    start_turns(stacks, scheduler, count, turns);
    scheduler.run();
    expected += 2 * count;
    return 2 * count;
  });
  run.expect_equal(turns, expected, "turns were taken");
}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "futex", 0, 1, switch_processes_futex},
    {"processes", "futex", 0, 2, switch_processes_futex},
    {"processes", "pipe", 0, 1, switch_processes_pipe},
    {"processes", "pipe", 0, 2, switch_processes_pipe},
    {"threads", "futex", 0, 1, switch_threads_futex},
    {"threads", "futex", 0, 2, switch_threads_futex},
    {"threads", "condition", 0, 1, switch_threads_condition},
    {"threads", "condition", 0, 2, switch_threads_condition},
    {"threads", "pipe", 0, 1, switch_threads_pipe},
    {"threads", "pipe", 0, 2, switch_threads_pipe},
    {"coroutines", "resume", 0, 1, switch_coroutines_resume},
    {"coroutines", "scheduler", 0, 1, switch_coroutines_scheduler},
    {"fibers", "jump", 0, 1, switch_fibers_jump},
    {"fibers", "scheduler", 0, 1, switch_fibers_scheduler},
});

}  // namespace

extern constinit const Primitive switch_primitive{
    .name = "switch",
    .summary = "control goes from one unit to another that waits for it",
    .operation = "one way",
    .rows = rows,
};

}  // namespace bench
