// How the units that may block (processes and threads) do what a script asks for.
#pragma once

#include <cstdint>

#include "measure/job_run.h"

namespace bench {

/// Sleeps until CLOCK_MONOTONIC reads `deadline_ns`; an interrupted sleep is taken up again without lengthening.
void sleep_until(std::int64_t deadline_ns);

/// Does `operation` by blocking the calling thread; a checkpoint is nothing, since the kernel switches threads.
void block_for(const Operation& operation);

/// Runs task `index` from its start to its end on the calling thread.
inline void run_blocking(JobRun& job, std::uint32_t index) { run_task(job, index, block_for); }

}  // namespace bench
