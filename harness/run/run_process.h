// What happens inside a run's own process.
#pragma once

#include <sys/types.h>

#include "harness/run/launcher.h"

namespace bench {

/// Makes the calling process, just forked by `launcher`, the first of a run: a process group of its own, default
/// signals, precise timers, death with the launcher.
void enter_run(pid_t launcher, RunReport& report);

/// Carries out `request`, leaves what it measured in `report` and ends the process. `scratch`: the run's folder on
/// disk, where its workload needs one.
[[noreturn]] void perform_run(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report);

}  // namespace bench
