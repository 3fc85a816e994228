#include "measure/affinity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace bench {

CpuSet::CpuSet(std::size_t most) : bytes_(CPU_ALLOC_SIZE(most)), set_(CPU_ALLOC(most)) {
  if (!set_) throw std::bad_alloc();
  CPU_ZERO_S(bytes_, set_.get());
}

CpuSet::CpuSet(std::span<const int> cpus)
    : CpuSet(cpus.empty() ? 1 : static_cast<std::size_t>(*std::ranges::max_element(cpus)) + 1) {
  for (const int cpu : cpus) add(cpu);
}

std::vector<int> available_cpu_numbers() {
  for (int most = 1024;; most *= 2) {
    const CpuSet set(static_cast<std::size_t>(most));
    if (sched_getaffinity(0, set.bytes(), set.data()) == 0) {
      std::vector<int> numbers;
      for (int cpu = 0; cpu < most; ++cpu) {
        if (set.has(cpu)) numbers.push_back(cpu);
      }
      return numbers;
    }
    if (errno != EINVAL || most > 1 << 20) throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
}

std::uint32_t available_cpus() { return static_cast<std::uint32_t>(available_cpu_numbers().size()); }

void pin_to(std::span<const int> cpus) {
  if (cpus.empty()) return;
  const CpuSet set(cpus);
  if (sched_setaffinity(0, set.bytes(), set.data()) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("confine a process to CPU {}", fmt::join(cpus, ", ")));
  }
}

}  // namespace bench
