// The ruler: short probes of the machine, right before and right after each run, to notice when it changes.
//
// Virtual machines have regimes that no counter shows: for seconds the host moves two CPUs apart or clocks them down,
// and everything that crosses a cache line or computes changes with it.
#pragma once

#include <cstdint>
#include <span>

#include "measure/run_report.h"

namespace bench {

/// Takes the four probes on the first four of `cpus`, one CPU after the other, in about a millisecond, and puts the
/// calling thread's affinity back.
Ruler measure_ruler(std::span<const int> cpus);

/// CPU time that anybody has used of `cpus` so far, interrupts included, in ns; in ticks of 10 ms (proc(5), stat).
std::int64_t busy_ns(std::span<const int> cpus);

}  // namespace bench
