// idle: units that do nothing but wait; what each of them takes of memory, in user space and in the kernel.
//
// Units are started in four equal steps, and once all of a step wait, the tree's proportional set size and what the
// kernel holds are read. The figures are slopes over the number of units, so that what does not grow with them drops
// out. The kernel's share is of the whole machine: whatever else comes and goes is in it. futex: the units sleep on one
// word. suspended: the coroutines are frames that nobody resumes. parked: likewise the fibers, on stacks of --stack, to
// which the kernel gives memory as they are touched. The time is from the start of the first unit until the last waits,
// for each; that of a fiber includes a new stack, which takes two system calls and a page fault.
#include "measure/primitive_run.h"
#include "measure/shared_mapping.h"
#include "models/resumable/fiber.h"
#include "primitives/park.h"
#include "primitives/partners.h"
#include "primitives/primitive.h"

namespace bench {
namespace {

struct Waiting {
  std::atomic<std::uint32_t> units;
  FutexWord over;
};

void weigh_blocked(PrimitiveRun& run, Sharing sharing) {
  const SharedArray<Waiting> shared(1);
  Waiting& waiting = shared[0];
  Partners partners(run, sharing);
  std::uint32_t started = 0;
  run.weigh([&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      partners.start(++started, [&waiting, sharing] {
        waiting.units.fetch_add(1);
        while (waiting.over.load() == 0) futex_wait(waiting.over, 0, sharing);
        waiting.units.fetch_sub(1);
      });
    }
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 20'000};
    while (waiting.units.load() != started) nanosleep(&moment, nullptr);
  });
  waiting.over.store(1);
  futex_wake_all(waiting.over, sharing);
  partners.join();
  run.expect_equal(waiting.units.load(), 0, "units wait");
}

[[gnu::noinline]] Detached wait_once(Run& run, std::uint64_t& ended, Handle& parked) {
  const Run::Unit unit(run);
  const Park park{parked};
  co_await park;
  ++ended;
}

void start_waiting(PrimitiveRun& run, StackPool& stacks, std::uint64_t& ended, Fiber*& parked) {
  run.guard([&] {
    Fiber::start(stacks, [&run, &ended, &parked](Fiber& fiber) {
      const Run::Unit unit(run);
      parked = &fiber;
      fiber.park();
      ++ended;
    });
  });
}

void idle_processes(PrimitiveRun& run) { weigh_blocked(run, Sharing::processes); }
void idle_threads(PrimitiveRun& run) { weigh_blocked(run, Sharing::threads); }

void idle_coroutines(PrimitiveRun& run) {
  std::uint64_t ended = 0;
  std::vector<Handle> parked(run.tasks());
  std::size_t started = 0;
  run.weigh([&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) wait_once(run, ended, parked[started++]);
  });
  for (const Handle coroutine : parked) coroutine.resume();
  run.expect_equal(ended, run.tasks(), "coroutines ended");
}

void idle_fibers(PrimitiveRun& run) {
  StackPool stacks(run.stack_bytes());
  std::uint64_t ended = 0;
  std::vector<Fiber*> parked(run.tasks());
  std::size_t started = 0;
  run.weigh([&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) start_waiting(run, stacks, ended, parked[started++]);
  });
  for (Fiber* const fiber : parked) fiber->resume();
  run.expect_equal(ended, run.tasks(), "fibers ended");
}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "futex", 0, 1, idle_processes},
    {"threads", "futex", 0, 1, idle_threads},
    {"coroutines", "suspended", 0, 1, idle_coroutines},
    {"fibers", "parked", 0, 1, idle_fibers},
});

constexpr auto parameters = std::to_array<Parameter>({units_parameter("1000")});

}  // namespace

extern constinit const Primitive idle_primitive{
    .name = "idle",
    .summary = "units wait: the memory of each, in user space and in the kernel",
    .operation = "memory of a unit that waits, and the time to start one",
    .parameters = parameters,
    .measures_memory = true,
    .rows = rows,
};

}  // namespace bench
