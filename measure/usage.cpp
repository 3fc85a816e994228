#include "measure/usage.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "measure/clock.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

TreeUsage usage_of(const rusage& usage) {
  return {
      .cpu_ns = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
      .voluntary_switches = usage.ru_nvcsw,
      .involuntary_switches = usage.ru_nivcsw,
      .minor_faults = usage.ru_minflt,
      .major_faults = usage.ru_majflt,
  };
}

bool has_children() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

TreeUsage& TreeUsage::operator+=(const TreeUsage& other) noexcept {
  cpu_ns += other.cpu_ns;
  voluntary_switches += other.voluntary_switches;
  involuntary_switches += other.involuntary_switches;
  minor_faults += other.minor_faults;
  major_faults += other.major_faults;
  return *this;
}

TreeUsage TreeUsage::operator-(const TreeUsage& other) const noexcept {
  return {
      .cpu_ns = cpu_ns - other.cpu_ns,
      .voluntary_switches = voluntary_switches - other.voluntary_switches,
      .involuntary_switches = involuntary_switches - other.involuntary_switches,
      .minor_faults = minor_faults - other.minor_faults,
      .major_faults = major_faults - other.major_faults,
  };
}

TreeUsage own_and_reaped_usage() {
  rusage self{};
  rusage reaped{};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &reaped);
  TreeUsage usage = usage_of(self);
  usage.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  usage += usage_of(reaped);
  return usage;
}

TreeUsage living_process_usage(pid_t pid) {
  TreeUsage usage;
  clockid_t clock{};
  if (clock_getcpuclockid(pid, &clock) == 0) usage.cpu_ns = clock_ns(clock);
  if (const auto stat = read_process_stat(pid)) {
    usage.cpu_ns += stat->children_cpu_ns;
    usage.minor_faults = stat->minor_faults + stat->children_minor_faults;
    usage.major_faults = stat->major_faults + stat->children_major_faults;
  }
  for (const pid_t thread : numbered_entries(fmt::format("/proc/{}/task", pid))) {
    const std::string status = fmt::format("/proc/{}/task/{}/status", pid, thread);
    usage.voluntary_switches += proc_value(status, "voluntary_ctxt_switches");
    usage.involuntary_switches += proc_value(status, "nonvoluntary_ctxt_switches");
  }
  return usage;
}

TreeUsage own_tree_usage(Edge edge) {
  TreeUsage usage;
  if (edge != Edge::begin) usage += own_and_reaped_usage();
  if (has_children()) {
    for (const pid_t pid : living_descendants(getpid())) usage += living_process_usage(pid);
  }
  if (edge == Edge::begin) usage += own_and_reaped_usage();
  return usage;
}

std::vector<pid_t> living_descendants(pid_t pid) {
  std::vector<pid_t> parents{pid};
  for (std::size_t at = 0; at < parents.size(); ++at) {
    for (const pid_t thread : numbered_entries(fmt::format("/proc/{}/task", parents[at]))) {
      std::ifstream children(fmt::format("/proc/{}/task/{}/children", parents[at], thread));
      for (pid_t child = 0; children >> child;) parents.push_back(child);
    }
  }
  parents.erase(parents.begin());
  return parents;
}

std::int64_t proportional_set_bytes(pid_t pid) {
  constexpr std::int64_t kibibyte = 1024;
  return proc_value(fmt::format("/proc/{}/smaps_rollup", pid), "Pss") * kibibyte;
}

std::int64_t tree_proportional_set_bytes(pid_t pid) {
  std::int64_t bytes = proportional_set_bytes(pid);
  for (const pid_t descendant : living_descendants(pid)) bytes += proportional_set_bytes(descendant);
  return bytes;
}

namespace {

// The slab objects in use (slabinfo(5)), in bytes. Pages of slab, which /proc/meminfo has, say little of some thousand
// sockets: the kernel keeps pages whose objects are free, and fills those first. Nothing where only root may read it.
std::optional<std::int64_t> slab_objects_bytes() {
  std::ifstream file("/proc/slabinfo");
  if (!file) return std::nullopt;
  std::int64_t bytes = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::int64_t active = 0;
    std::int64_t all = 0;
    std::int64_t size = 0;
    if (fields >> name >> active >> all >> size) bytes += active * size;  // its two lines of heads have no numbers
  }
  return bytes;
}

}  // namespace

std::int64_t kernel_bytes() {
  const std::optional<std::int64_t> slab = slab_objects_bytes();
  std::ifstream file("/proc/meminfo");
  std::int64_t kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    for (const std::string_view key : {"Slab:", "KernelStack:", "PageTables:"}) {
      if (slab && key == "Slab:") continue;
      if (line.starts_with(key)) kilobytes += std::stoll(line.substr(key.size()));
    }
  }
  return kilobytes * 1024 + slab.value_or(0);
}

}  // namespace bench
