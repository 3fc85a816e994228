// Keeping idle CPUs from halting.
#pragma once

#include "workloads/unique_fd.h"

namespace bench {

/// Asks the kernel for wake-ups without delay as long as the result is open: idle CPUs poll (PM QoS, cpu_dma_latency in
/// the kernel's Documentation/power/pm_qos_interface.rst). Throws std::system_error, mostly since it takes root.
UniqueFd keep_cpus_from_halting();

}  // namespace bench
