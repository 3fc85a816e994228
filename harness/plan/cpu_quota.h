// The CPU quota of the control groups that this process is in: how much CPU time all in them together are given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure/run_report.h"

namespace bench {

/// The smallest quota on the way from a process's control group up to where the groups are mounted.
struct CpuQuota {
  double cpus = 0;                           ///< Quota over period: as much as so many CPUs.
  std::string name = {};                     ///< "/sys/fs/cgroup/job/cpu.max = 50000 100000"
  std::string remedy = {};                   ///< The command that lifts it.
  std::vector<std::string> statistics = {};  ///< The cpu.stat of each group on that way that has a quota.
};

/// The quota of this process, of cgroup v2 (cpu.max) or v1 (cpu.cfs_quota_us), as /proc/self/cgroup and mountinfo say
/// where to look; nothing without one. `root` goes before every path that is read, and is in none that is returned.
std::optional<CpuQuota> read_cpu_quota(const std::string& root = "");

/// How often, and for how long, the groups of a quota have been stopped so far; read from below `root`.
CpuThrottling read_throttling(const CpuQuota& quota, const std::string& root = "");

/// For the end of a title: ", quota 1.50"; empty without one.
std::string quota_in_title(const std::optional<CpuQuota>& quota);

}  // namespace bench
