// The ruler: short probes of the machine, to notice when it changes under a plan.
//
// Virtual machines have regimes that no counter shows: for seconds the host moves two CPUs apart or clocks them down,
// and everything that crosses a cache line or computes changes with it.
#pragma once

#include "measure/run_report.h"

namespace bench {

/// Takes the three probes on the calling process, which must have one thread; at most 10 ms on a quiet machine.
Ruler measure_ruler();

}  // namespace bench
