// Which CPUs a process runs on.
#pragma once

#include <span>

namespace bench {

/// Confines the calling thread, and whatever it starts from now on, to `cpus`; to nothing new when that is empty.
/// Throws std::system_error that names them.
void pin_to(std::span<const int> cpus);

}  // namespace bench
