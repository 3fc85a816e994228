// Which CPUs a process runs on.
#pragma once

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace bench {

/// A set of CPUs of any number; a cpu_set_t ends at 1,024 of them.
class CpuSet {
 public:
  /// Empty, with room for the CPUs 0 to `most` - 1.
  explicit CpuSet(std::size_t most);
  /// With these CPUs.
  explicit CpuSet(std::span<const int> cpus);

  void add(int cpu) noexcept { CPU_SET_S(static_cast<std::size_t>(cpu), bytes_, set_.get()); }
  bool has(int cpu) const noexcept { return CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes_, set_.get()); }

  cpu_set_t* data() const noexcept { return set_.get(); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
  };
  std::size_t bytes_;
  std::unique_ptr<cpu_set_t, Free> set_;
};

/// CPUs that this process may run on (sched_getaffinity).
std::uint32_t available_cpus();

/// The numbers of those CPUs, ascending.
std::vector<int> available_cpu_numbers();

/// Confines the calling thread, and whatever it starts from now on, to `cpus`; to nothing new when that is empty.
/// Throws std::system_error that names them.
void pin_to(std::span<const int> cpus);

}  // namespace bench
