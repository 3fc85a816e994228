#include "harness/plan/cpu_quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

namespace bench {
namespace {

// A hierarchy of control groups where it is mounted (proc(5), /proc/[pid]/mountinfo).
struct Mount {
  std::string root;   // the group that the mount point shows
  std::string point;  // where
  bool unified;       // cgroup v2
};

// Spaces and the like stand in mountinfo as three octal digits behind a backslash.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>(std::strtol(std::string(text.substr(at + 1, 3)).c_str(), nullptr, 8));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

// Whether `word` is one of a list with commas.
bool lists(std::string_view list, std::string_view word) {
  std::istringstream words{std::string(list)};
  for (std::string each; std::getline(words, each, ',');) {
    if (each == word) return true;
  }
  return false;
}

// The hierarchies that may bound CPU time: v2, and the one of v1 that has the controller.
std::vector<Mount> read_mounts(const std::string& root) {
  std::ifstream file(root + "/proc/self/mountinfo");
  std::vector<Mount> mounts;
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash));
    std::istringstream behind(line.substr(dash + 3));
    std::string skipped;
    std::string shown;
    std::string point;
    std::string type;
    std::string options;
    before >> skipped >> skipped >> skipped >> shown >> point;
    behind >> type >> skipped >> options;
    if (type != "cgroup2" && (type != "cgroup" || !lists(options, "cpu"))) continue;
    mounts.push_back({.root = unescaped(shown), .point = unescaped(point), .unified = type == "cgroup2"});
  }
  return mounts;
}

// The group of this process in a hierarchy, as a path below its root; nothing where it has none.
std::optional<std::string> group_in(const std::string& root, bool unified) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/group", "0::/group"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? line.starts_with("0::") : lists(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

// From the group up to the mount point, which is the last. What the mount does not show is not looked at.
std::vector<std::string> folders_of(const Mount& mount, const std::string& group) {
  const std::string shown = mount.root == "/" ? "" : mount.root;
  std::string path;
  if (group.starts_with(shown + "/") && !group.starts_with("/..")) path = group.substr(shown.size());
  std::vector<std::string> folders;
  for (; path.size() > 1; path.erase(path.rfind('/'))) folders.push_back(mount.point + path);
  folders.push_back(mount.point);
  return folders;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

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
  for (const Mount& mount : read_mounts(root)) {
    const std::optional<std::string> group = group_in(root, mount.unified);
    if (!group) continue;
    for (const std::string& folder : folders_of(mount, *group)) {
      std::optional<CpuQuota> found = quota_of(root, folder, mount.unified);
      // A hierarchy may be mounted twice.
      if (!found || std::ranges::find(statistics, found->statistics.front()) != statistics.end()) continue;
      statistics.push_back(found->statistics.front());
      if (!least || found->cpus < least->cpus) least = std::move(found);
    }
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
