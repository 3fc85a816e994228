// How the units that may block (processes and threads) do what a script asks for.
#pragma once

#include <chrono>
#include <cstdint>

#include "models/talk/host.h"
#include "models/talk/transfer.h"

namespace bench {

/// Sleeps until CLOCK_MONOTONIC reads `deadline_ns`; an interrupted sleep is taken up again without lengthening.
void sleep_until(std::int64_t deadline_ns);

/// Blocks the calling thread until the task is woken, `at_most` so long: a futex.
void park_until_woken(Waiting& waiting, std::chrono::nanoseconds at_most);

/// Wakes a thread that is blocked so.
void wake_futex(Waiting& waiting) noexcept;

/// Blocks the calling thread; a checkpoint is nothing, since the kernel switches threads.
struct BlockingHost {
  static Home home() noexcept { return {.deliver = wake_futex, .at = nullptr}; }
  static Done checkpoint() noexcept { return Done::now; }
  static Done wait_for(std::chrono::nanoseconds duration) {
    sleep_until(now_ns() + duration.count());
    return Done::now;
  }
  static Done transfer(Operation& operation) noexcept {
    operation.result = do_transfer(operation.transfer);
    return Done::now;
  }
  static Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    park_until_woken(waiting, at_most);
    return Done::now;
  }
};
static_assert(Host<BlockingHost>);

/// Runs task `index` from its start to its end on the calling thread.
inline void run_blocking(JobRun& job, std::uint32_t index) { run_task(job, index, BlockingHost()); }

}  // namespace bench
