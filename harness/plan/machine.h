// The machine that runs: its identity for the record, and its limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/cpu_quota.h"
#include "measure/run_report.h"
#include "models/model.h"

namespace bench {

/// A bound on how many processes or threads may exist.
struct UnitLimit {
  std::string name;        ///< "kernel.pid_max = 32768"
  std::string remedy;      ///< The command that lifts it.
  std::uint64_t room = 0;  ///< How many more may be made.
};

struct CacheLevel {
  std::string type;  ///< "Data", "Instruction", "Unified"
  int level = 0;
  std::int64_t bytes = 0;
  int sharing = 0;  ///< CPUs that share it.
};

/// What the machine is and allows, read once at the start.
struct Machine {
  std::string host;
  std::string kernel;
  std::string cpu_model;
  double mhz = 0;
  std::uint32_t cpus = 0;  ///< Online.
  std::int64_t memory_bytes = 0;
  std::int64_t available_memory_bytes = 0;  ///< What its control groups leave of it, too.
  std::string memory_limit;                 ///< The one of theirs that leaves the least; empty where none does.
  std::string governor;                     ///< Frequency governor; "unknown" where the kernel shows none.
  std::string turbo;                        ///< "on", "off" or "unknown"
  std::string hypervisor;                   ///< "none", or its vendor where the kernel tells, else "unknown vendor"
  std::string clock_source;
  std::uint64_t descriptor_limit = 0;
  std::uint32_t ports = 0;  ///< That its connections to one address may come from (ip_local_port_range); 0: unknown.
  std::optional<CpuQuota> cpu_quota;  ///< Nothing without one.
  MachineProbes probes;
  std::vector<double> load_average;
  std::vector<CacheLevel> caches;
  std::vector<UnitLimit> process_limits;
  std::vector<UnitLimit> stack_limits;  ///< Of threads, besides the process limits, and of fibers.

  /// Why so many units or tasks cannot exist here, with the limit and how to lift it; nothing when they can.
  std::optional<std::string> why_too_many(UnitKind kind, std::uint32_t units, std::uint32_t tasks) const;
};

Machine read_machine();

/// Raises the soft limit of descriptors to the hard one, for this process and all it forks.
void raise_descriptor_limit();

}  // namespace bench
