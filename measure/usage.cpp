#include "measure/usage.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "measure/clock.h"

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

// The names in a folder of /proc that are numbers: processes or threads.
std::vector<pid_t> numbered_entries(const std::string& path) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) return numbers;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

// Adds the value of each "key: value" line of a /proc file whose key is asked for; 0 where there is none.
std::int64_t proc_value(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    return std::strtoll(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return 0;
}

// The fields of /proc/PID/stat from the third on; the second is a name in brackets that may hold spaces.
std::vector<std::int64_t> stat_fields(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  std::vector<std::int64_t> fields;
  const std::size_t bracket = line.rfind(')');
  if (bracket == std::string::npos) return fields;
  std::size_t at = bracket + 2;
  while (at < line.size()) {
    fields.push_back(std::strtoll(line.c_str() + at, nullptr, 10));
    const std::size_t space = line.find(' ', at);
    if (space == std::string::npos) break;
    at = space + 1;
  }
  return fields;
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
  const std::vector<std::int64_t> fields = stat_fields(pid);  // proc(5): minflt, cminflt, majflt, cmajflt are 10 to 13
  if (fields.size() > 10) {
    usage.minor_faults = fields[7] + fields[8];
    usage.major_faults = fields[9] + fields[10];
  }
  for (const pid_t thread : numbered_entries(fmt::format("/proc/{}/task", pid))) {
    const std::string status = fmt::format("/proc/{}/task/{}/status", pid, thread);
    usage.voluntary_switches += proc_value(status, "voluntary_ctxt_switches");
    usage.involuntary_switches += proc_value(status, "nonvoluntary_ctxt_switches");
  }
  return usage;
}

TreeUsage outside_tree_usage(pid_t pid) {
  TreeUsage usage = living_process_usage(pid);
  const std::vector<std::int64_t> fields = stat_fields(pid);  // proc(5): cutime and cstime are 16 and 17
  if (fields.size() > 14) usage.cpu_ns += (fields[13] + fields[14]) * (1'000'000'000 / sysconf(_SC_CLK_TCK));
  for (const pid_t descendant : living_descendants(pid)) usage += living_process_usage(descendant);
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
