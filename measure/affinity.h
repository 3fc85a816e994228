// Which CPUs a process runs on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bench {

/// CPUs that this process may run on (sched_getaffinity).
std::uint32_t available_cpus();

/// The numbers of those CPUs, ascending.
std::vector<int> available_cpu_numbers();

/// Confines the calling thread, and whatever it starts from now on, to `cpus`; to nothing new when that is empty.
/// Throws std::system_error that names them.
void pin_to(std::span<const int> cpus);

}  // namespace bench
