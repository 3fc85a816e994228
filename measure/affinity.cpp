#include "measure/affinity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <cerrno>
#include <system_error>

namespace bench {

std::vector<int> available_cpu_numbers() {
  // Sized at run time: a cpu_set_t ends at 1,024 CPUs.
  for (int most = 1024;; most *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(most));
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
    std::vector<int> numbers;
    const int result = sched_getaffinity(0, bytes, set);
    const int error = errno;
    for (int cpu = 0; result == 0 && cpu < most; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set)) numbers.push_back(cpu);
    }
    CPU_FREE(set);
    if (result == 0) return numbers;
    if (error != EINVAL || most > 1 << 20) throw std::system_error(error, std::generic_category(), "sched_getaffinity");
  }
}

std::uint32_t available_cpus() { return static_cast<std::uint32_t>(available_cpu_numbers().size()); }

void pin_to(std::span<const int> cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("confine a process to CPU {}", fmt::join(cpus, ", ")));
  }
}

}  // namespace bench
