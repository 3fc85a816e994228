// spawn: a unit is created, counts itself and ends, and its end is waited for; one after another.
//
// processes: fork, _exit, waitpid. fork copies the parent's page tables, and the parent is a run's process, which is
// small. threads: std::thread and join: clone and a futex, on a stack that pthreads keeps for the next one. coroutines:
// a frame from the pool, a first step that ends at a suspension, a resume to the end, the frame given back. fibers: a
// stack from the pool, a switch to it and one back at the end, the stack given back; a pool that has none yet makes
// one. With two CPUs the kernel chooses where the new unit runs.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "measure/primitive_run.h"
#include "measure/process.h"
#include "measure/shared_mapping.h"
#include "models/resumable/fiber.h"
#include "primitives/park.h"
#include "primitives/primitive.h"

namespace bench {
namespace {

// Not to be inlined: the compiler could then see the whole life of the coroutine and do without its frame.
[[gnu::noinline]] Detached count_once(std::uint64_t& ran, Handle& parked) {
  const Park park{parked};
  co_await park;
  ++ran;
}

void spawn_processes(PrimitiveRun& run) {
  const SharedArray<std::atomic<std::uint64_t>> shared(1);
  std::atomic<std::uint64_t>& ran = shared[0];
  std::uint64_t created = 0;
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child < 0) run.fail("fork a process: " + describe_refusal(errno, "/proc/sys/kernel/pid_max"));
      if (child == 0) {
        ran.fetch_add(1, std::memory_order_relaxed);
        _exit(0);
      }
      int status = 0;
      while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
      }
      if (status != 0) run.fail("a child " + describe_status(status));
    }
    created += count;
    return count;
  });
  run.expect_equal(ran.load(), created, "processes ran");
}

void spawn_threads(PrimitiveRun& run) {
  std::uint64_t ran = 0;
  std::uint64_t created = 0;
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) std::thread([&ran] { ++ran; }).join();
    created += count;
    return count;
  });
  run.expect_equal(ran, created, "threads ran");
}

void spawn_coroutines(PrimitiveRun& run) {
  std::uint64_t ran = 0;
  std::uint64_t created = 0;
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Handle parked;
      count_once(ran, parked);
      parked.resume();
    }
    created += count;
    return count;
  });
  run.expect_equal(ran, created, "coroutines ran");
}

void spawn_fibers(PrimitiveRun& run) {
  StackPool stacks(run.stack_bytes());
  std::uint64_t ran = 0;
  std::uint64_t created = 0;
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) Fiber::start(stacks, [&ran](Fiber&) { ++ran; });
    created += count;
    return count;
  });
  run.expect_equal(ran, created, "fibers ran");
}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "fork", 0, 1, spawn_processes},
    {"processes", "fork", 0, 2, spawn_processes},
    {"threads", "clone", 0, 1, spawn_threads},
    {"threads", "clone", 0, 2, spawn_threads},
    {"coroutines", "call", 0, 1, spawn_coroutines},
    {"fibers", "pool", 0, 1, spawn_fibers},
});

}  // namespace

extern constinit const Primitive spawn_primitive{
    .name = "spawn",
    .summary = "creates a unit that does next to nothing, and waits for its end",
    .operation = "one unit from creation to join",
    .rows = rows,
};

}  // namespace bench
