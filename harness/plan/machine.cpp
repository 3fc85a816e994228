#include "harness/plan/machine.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <system_error>

#include "harness/plan/control_groups.h"
#include "harness/text/quantities.h"
#include "measure/proc_files.h"

namespace bench {
namespace fs = std::filesystem;
namespace {

std::string line_or(const std::string& path, std::string fallback) {
  std::string line = first_line(path);
  return line.empty() ? std::move(fallback) : line;
}

std::uint32_t read_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  return file >> low >> high && high > low ? high - low + 1 : 0;
}

// The value behind "key : value" in a file of such lines; empty without one.
std::string keyed_value(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::int64_t meminfo_bytes(std::string_view key) {
  constexpr std::int64_t kibibyte = 1024;
  return std::strtoll(keyed_value("/proc/meminfo", key).c_str(), nullptr, 10) * kibibyte;
}

std::string read_turbo() {
  if (const std::string no_turbo = first_line("/sys/devices/system/cpu/intel_pstate/no_turbo"); !no_turbo.empty()) {
    return no_turbo == "0" ? "on" : "off";
  }
  if (const std::string boost = first_line("/sys/devices/system/cpu/cpufreq/boost"); !boost.empty()) {
    return boost == "1" ? "on" : "off";
  }
  return "unknown";
}

std::string read_hypervisor() {
  if (keyed_value("/proc/cpuinfo", "flags").find(" hypervisor") == std::string::npos) return "none";
  return line_or("/sys/class/dmi/id/sys_vendor", line_or("/sys/hypervisor/type", "unknown vendor"));
}

std::vector<CacheLevel> read_caches() {
  std::vector<CacheLevel> caches;
  for (int index = 0;; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    const std::string type = first_line(folder + "type");
    if (type.empty()) return caches;
    const std::string size = first_line(folder + "size");  // "48K"
    const std::string map = first_line(folder + "shared_cpu_map");
    int sharing = 0;
    for (const char digit : map) {
      if (digit == ',') continue;
      const std::string text(1, digit);
      sharing += __builtin_popcountl(std::strtoul(text.c_str(), nullptr, 16));
    }
    constexpr std::int64_t kibibyte = 1024;
    caches.push_back({.type = type,
                      .level = std::atoi(first_line(folder + "level").c_str()),
                      .bytes = std::strtoll(size.c_str(), nullptr, 10) * kibibyte,
                      .sharing = sharing});
  }
}

// Nothing where there is no number, or no such file: what cannot be read bounds nothing that is known.
std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::string line = first_line(path);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return error == std::errc() && end != line.data() ? std::optional(number) : std::nullopt;
}

// Processes and threads that exist now: the second number of the fourth field of /proc/loadavg, "1/123".
std::uint64_t existing_threads() {
  std::ifstream file("/proc/loadavg");
  std::string field;
  for (int i = 0; i < 4; ++i) file >> field;
  const std::size_t slash = field.find('/');
  return slash == std::string::npos ? 0 : std::strtoull(field.c_str() + slash + 1, nullptr, 10);
}

// Those of this user alone, which `ulimit -u` is about. A process that ends meanwhile counts or does not.
std::uint64_t own_threads() {
  std::uint64_t count = 0;
  std::error_code ended;
  for (fs::directory_iterator entry("/proc", ended), end; !ended && entry != end; entry.increment(ended)) {
    const std::string folder = entry->path().string();
    if (folder.find_first_not_of("0123456789", sizeof "/proc/" - 1) != std::string::npos) continue;
    struct stat owner {};
    if (stat(folder.c_str(), &owner) != 0 || owner.st_uid != getuid()) continue;
    count += std::strtoull(keyed_value(folder + "/status", "Threads").c_str(), nullptr, 10);
  }
  return count;
}

std::uint64_t room(std::uint64_t limit, std::uint64_t used) { return limit > used ? limit - used : 0; }

// The bounds of control groups on processes and threads.
void add_control_group_limits(std::vector<UnitLimit>& limits) {
  for (const auto& [folder, unified] : control_groups("pids")) {
    const std::string file = folder + "/pids.max";
    const auto most = number_in(file);  // none where it says "max"
    if (!most || std::ranges::any_of(limits, [&](const UnitLimit& limit) { return limit.name.starts_with(file); }))
      continue;
    limits.push_back({.name = fmt::format("{} = {}", file, *most),
                      .remedy = fmt::format("echo max > {}", file),
                      .room = room(*most, number_in(folder + "/pids.current").value_or(0))});
  }
}

std::vector<UnitLimit> read_process_limits() {
  const std::uint64_t existing = existing_threads();
  std::vector<UnitLimit> limits;
  // Numbers below 301 are not given out again after the first round (kernel/pid.c, RESERVED_PIDS).
  constexpr std::uint64_t reserved = 301;
  if (const auto pid_max = number_in("/proc/sys/kernel/pid_max")) {
    limits.push_back({.name = fmt::format("kernel.pid_max = {}", *pid_max),
                      .remedy = "sysctl kernel.pid_max=4194304",
                      .room = room(*pid_max, existing + reserved)});
  }
  if (const auto threads_max = number_in("/proc/sys/kernel/threads-max")) {
    limits.push_back({.name = fmt::format("kernel.threads-max = {}", *threads_max),
                      .remedy = fmt::format("sysctl kernel.threads-max={}", 2 * *threads_max),
                      .room = room(*threads_max, existing)});
  }
  rlimit user{};
  // The kernel does not hold root to this one.
  if (geteuid() != 0 && getrlimit(RLIMIT_NPROC, &user) == 0 && user.rlim_cur != RLIM_INFINITY) {
    limits.push_back({.name = fmt::format("ulimit -u = {}", user.rlim_cur),
                      .remedy = "ulimit -u unlimited (as root, or in /etc/security/limits.conf)",
                      .room = room(user.rlim_cur, own_threads())});
  }
  add_control_group_limits(limits);
  return limits;
}

std::vector<UnitLimit> read_stack_limits() {
  const auto maps = number_in("/proc/sys/vm/max_map_count");
  if (!maps) return {};
  constexpr std::uint64_t others = 200;  // libraries, heap, shared memory
  return {{.name = fmt::format("vm.max_map_count = {}", *maps),
           .remedy = "sysctl vm.max_map_count=1000000",
           .room = room(*maps, others) / 2}};  // a stack and its guard are two maps
}

// What a group has of files, which the kernel drops where memory is short.
std::uint64_t file_bytes(const ControlGroup& group) {
  std::ifstream file(group.folder + "/memory.stat");
  const std::string_view wanted = group.unified ? "file" : "total_cache";
  std::string key;
  for (std::uint64_t bytes = 0; file >> key >> bytes;) {
    if (key == wanted) return bytes;
  }
  return 0;
}

void read_memory(Machine& machine) {
  machine.memory_bytes = meminfo_bytes("MemTotal");
  machine.available_memory_bytes = meminfo_bytes("MemAvailable");
  struct sysinfo known {};
  if (machine.memory_bytes == 0 && sysinfo(&known) == 0) {  // without /proc/meminfo
    machine.memory_bytes = static_cast<std::int64_t>(known.totalram) * known.mem_unit;
    machine.available_memory_bytes = static_cast<std::int64_t>(known.freeram) * known.mem_unit;
  }
  for (const ControlGroup& group : control_groups("memory")) {
    const std::string file = group.folder + (group.unified ? "/memory.max" : "/memory.limit_in_bytes");
    const auto most = number_in(file);  // none where it says "max"
    if (!most) continue;
    const auto used = number_in(group.folder + (group.unified ? "/memory.current" : "/memory.usage_in_bytes"));
    const std::uint64_t needed = room(used.value_or(0), file_bytes(group));
    const std::uint64_t left = room(*most, needed);
    if (left >= static_cast<std::uint64_t>(machine.available_memory_bytes)) continue;
    machine.available_memory_bytes = static_cast<std::int64_t>(left);
    machine.memory_limit = fmt::format("{} = {}", file, *most);
  }
}

// What a waiting unit takes in user and kernel memory, about, from what bare programs measure.
std::int64_t unit_bytes(UnitKind kind) {
  switch (kind) {
    case UnitKind::process: return 136 * 1024;
    case UnitKind::thread: return 36 * 1024;
    case UnitKind::fiber: return 8 * 1024;
    case UnitKind::coroutine: break;
  }
  return 512;
}

}  // namespace

std::optional<std::string> Machine::why_too_many(UnitKind kind, std::uint32_t units, std::uint32_t tasks) const {
  std::string what = kind == UnitKind::process ? "process" : (kind == UnitKind::fiber ? "fiber" : "thread");
  if (units != 1) what += kind == UnitKind::process ? "es" : "s";
  const auto exceeded = [&](const std::vector<UnitLimit>& limits) -> std::optional<std::string> {
    for (const UnitLimit& limit : limits) {
      if (units <= limit.room) continue;
      return fmt::format("needs {} {}, but {} leaves room for {}; lift it with: {}", format_count(units), what,
                         limit.name, format_count(static_cast<double>(limit.room)), limit.remedy);
    }
    return std::nullopt;
  };
  if (kind == UnitKind::process || kind == UnitKind::thread) {
    if (auto why = exceeded(process_limits)) return why;
  }
  if (kind == UnitKind::thread || kind == UnitKind::fiber) {
    if (auto why = exceeded(stack_limits)) return why;
  }
  constexpr std::int64_t record_bytes = 300;  // a task's record, its outcome and its script
  const std::int64_t needed = units * unit_bytes(kind) + tasks * record_bytes;
  if (needed > available_memory_bytes) {
    return fmt::format("needs about {} of memory, but {} are available{}; use fewer --tasks",
                       format_bytes(static_cast<double>(needed)),
                       format_bytes(static_cast<double>(available_memory_bytes)),
                       memory_limit.empty() ? "" : fmt::format(" under {}", memory_limit));
  }
  return std::nullopt;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // a refusal leaves the limit as it was, and read_machine() reads that
}

Machine read_machine() {
  Machine machine;
  utsname names{};
  uname(&names);
  machine.host = names.nodename;
  machine.kernel = fmt::format("{} {}", names.sysname, names.release);
  machine.cpu_model = keyed_value("/proc/cpuinfo", "model name");
  if (machine.cpu_model.empty()) machine.cpu_model = names.machine;
  machine.mhz = std::strtod(keyed_value("/proc/cpuinfo", "cpu MHz").c_str(), nullptr);
  machine.cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  read_memory(machine);
  machine.governor = line_or("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "unknown");
  machine.turbo = read_turbo();
  machine.hypervisor = read_hypervisor();
  machine.clock_source = line_or("/sys/devices/system/clocksource/clocksource0/current_clocksource", "unknown");
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  machine.descriptor_limit = descriptors.rlim_cur;
  machine.ports = read_ports();
  machine.cpu_quota = read_cpu_quota();
  machine.load_average.resize(3);
  if (getloadavg(machine.load_average.data(), 3) != 3) machine.load_average.clear();
  machine.caches = read_caches();
  machine.process_limits = read_process_limits();
  machine.stack_limits = read_stack_limits();
  return machine;
}

}  // namespace bench
