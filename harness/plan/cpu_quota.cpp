#include "harness/plan/cpu_quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "harness/plan/control_groups.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

// That of one group; nothing where it has none.
std::optional<CpuQuota> quota_of(const std::string& root, const std::string& folder, bool unified) {
  const std::string file = folder + (unified ? "/cpu.max" : "/cpu.cfs_quota_us");
  const std::string line = first_line(root + file);
  const double quota_us = std::strtod(line.c_str(), nullptr);  // "max" and -1: none
  const std::size_t space = line.find(' ');
  const std::string period = !unified                     ? first_line(root + folder + "/cpu.cfs_period_us")
                             : space == std::string::npos ? std::string()
                                                          : line.substr(space);
  const double period_us = std::strtod(period.c_str(), nullptr);
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  return CpuQuota{.cpus = quota_us / period_us,
                  .name = fmt::format("{} = {}", file, line),
                  .remedy = fmt::format("echo {} > {}", unified ? "max" : "-1", file),
                  .statistics = {folder + "/cpu.stat"}};
}

}  // namespace

std::optional<CpuQuota> read_cpu_quota(const std::string& root) {
  std::optional<CpuQuota> least;
  std::vector<std::string> statistics;
  for (const auto& [folder, unified] : control_groups("cpu", root)) {
    std::optional<CpuQuota> found = quota_of(root, folder, unified);
    // A hierarchy may be mounted twice.
    if (!found || std::ranges::find(statistics, found->statistics.front()) != statistics.end()) continue;
    statistics.push_back(found->statistics.front());
    if (!least || found->cpus < least->cpus) least = std::move(found);
  }
  if (least) least->statistics = std::move(statistics);
  return least;
}

CpuThrottling read_throttling(const CpuQuota& quota, const std::string& root) {
  CpuThrottling total;
  for (const std::string& path : quota.statistics) {
    std::ifstream file(root + path);
    std::string key;
    for (std::int64_t value = 0; file >> key >> value;) {
      if (key == "nr_throttled") total.times += value;
      if (key == "throttled_usec") total.ns += value * 1'000;  // cgroup v2
      if (key == "throttled_time") total.ns += value;          // v1
    }
  }
  return total;
}

std::string quota_in_title(const std::optional<CpuQuota>& quota) {
  return quota ? fmt::format(", quota {:.2f}", quota->cpus) : "";
}

}  // namespace bench
