// What a machine is like apart from its CPUs' speed, probed once per plan: the ruler, which lies around every run, has
// no time for it.
#pragma once

#include "measure/run_report.h"

namespace bench {

/// Takes about 0.1 s and 64 MiB. Of a process of its own, whose memory nobody else inherits. Throws std::system_error.
MachineProbes probe_machine();

}  // namespace bench
