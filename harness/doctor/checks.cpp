#include "harness/doctor/checks.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "harness/plan/cpu_quota.h"
#include "harness/plan/machine.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"
#include "models/ring/ring.h"

namespace bench {
namespace {

// The kernel's files below a root.
class Kernel {
 public:
  explicit Kernel(std::string root) : root_(std::move(root)) {}

  // The first line; nothing where the file cannot be read.
  std::optional<std::string> line(const std::string& path) const {
    std::ifstream file(root_ + path);
    std::string text;
    if (!std::getline(file, text)) return std::nullopt;
    return text;
  }

  std::optional<double> number(const std::string& path) const {
    const std::optional<std::string> text = line(path);
    if (!text) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(text->c_str(), &end);
    return end == text->c_str() ? std::nullopt : std::optional(value);
  }

  // The fields of the line that begins with `key`.
  std::vector<double> fields(const std::string& path, const std::string& key) const {
    std::ifstream file(root_ + path);
    for (std::string text; std::getline(file, text);) {
      std::istringstream words(text);
      std::string first;
      words >> first;
      if (first != key) continue;
      std::vector<double> values;
      for (double value = 0; words >> value;) values.push_back(value);
      return values;
    }
    return {};
  }

 private:
  std::string root_;
};

Finding unknown(std::string about) { return {.about = std::move(about), .found = "not told by the kernel"}; }

Finding descriptors(const Kernel& /*kernel*/) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return unknown("descriptor limit");
  constexpr std::uint64_t enough = 20'100;  // both ends of 10,000 connections
  Finding finding{.about = "descriptor limit",
                  .found = fmt::format("{}, raised to {} by a run", format_count(static_cast<double>(limit.rlim_cur)),
                                       format_count(static_cast<double>(limit.rlim_max)))};
  if (limit.rlim_max < enough) {
    finding.health = Health::warn;
    finding.why = "10,000 connections need about 10,050 for the server and as many for the load";
    finding.remedy = "ulimit -Hn 1048576 (as root, or in /etc/security/limits.conf)";
  }
  return finding;
}

Finding process_limits(const Kernel& /*kernel*/) {
  const Machine machine = read_machine();
  const auto tightest = std::ranges::min_element(machine.process_limits, {}, &UnitLimit::room);
  if (tightest == machine.process_limits.end()) return unknown("process limits");
  constexpr std::uint64_t enough = 10'000;
  Finding finding{
      .about = "process limits",
      .found = fmt::format("room for {} more ({})", format_count(static_cast<double>(tightest->room)), tightest->name)};
  if (tightest->room < enough) {
    finding.health = Health::warn;
    finding.why = "threads and processes with 10,000 units do not run";
    finding.remedy = tightest->remedy;
  }
  return finding;
}

Finding listen_queue(const Kernel& kernel) {
  const auto most = kernel.number("/proc/sys/net/core/somaxconn");
  if (!most) return unknown("listen queue");
  Finding finding{.about = "listen queue", .found = fmt::format("net.core.somaxconn = {:.0f}", *most)};
  if (*most < 4096) {
    finding.health = Health::warn;
    finding.why = "many connections at once overflow it, and a second goes by before each tries again";
    finding.remedy = "sysctl net.core.somaxconn=4096";
  }
  return finding;
}

Finding ports(const Kernel& kernel) {
  const auto text = kernel.line("/proc/sys/net/ipv4/ip_local_port_range");
  if (!text) return unknown("port range");
  std::istringstream words(*text);
  double first = 0;
  double last = 0;
  words >> first >> last;
  Finding finding{.about = "port range", .found = fmt::format("{:.0f} to {:.0f}", first, last)};
  if (last - first < 25'000) {
    finding.health = Health::warn;
    finding.why = "connections that are made anew for each request wait for a port that is free";
    finding.remedy = "sysctl net.ipv4.ip_local_port_range='10240 60999'";
  }
  return finding;
}

Finding quota(const Kernel& /*kernel*/) {
  const std::optional<CpuQuota> found = read_machine().cpu_quota;
  if (!found) return {.about = "CPU quota", .found = "none"};
  return {.about = "CPU quota",
          .health = found->cpus < available_cpus() ? Health::warn : Health::ok,
          .found = fmt::format("{:.2f} CPUs ({})", found->cpus, found->name),
          .why = "stops all units at once for up to a period",
          .remedy = found->remedy};
}

Finding governor(const Kernel& kernel) {
  const auto name = kernel.line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (!name) return unknown("frequency governor");
  Finding finding{.about = "frequency governor", .found = *name};
  if (*name != "performance") {
    finding.health = Health::warn;
    finding.why = "CPUs change their frequency with the load, which favours what keeps them busy";
    finding.remedy = "cpupower frequency-set -g performance";
  }
  return finding;
}

Finding turbo(const Kernel& kernel) {
  const auto no_turbo = kernel.line("/sys/devices/system/cpu/intel_pstate/no_turbo");
  const auto boost = kernel.line("/sys/devices/system/cpu/cpufreq/boost");
  if (!no_turbo && !boost) return unknown("turbo");
  const bool on = no_turbo ? *no_turbo == "0" : *boost == "1";
  if (!on) return {.about = "turbo", .found = "off"};
  return {.about = "turbo",
          .health = Health::warn,
          .found = "on",
          .why = "a CPU is faster while others rest and while it is cool",
          .remedy = no_turbo ? "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
                             : "echo 0 > /sys/devices/system/cpu/cpufreq/boost"};
}

Finding smt(const Kernel& kernel) {
  const auto active = kernel.line("/sys/devices/system/cpu/smt/active");
  if (!active) return unknown("SMT");
  if (*active != "1") return {.about = "SMT", .found = "off"};
  return {
      .about = "SMT",
      .health = Health::warn,
      .found = "on",
      .why = "two CPUs share a core, so that one slows the other down",
      .remedy = "echo off > /sys/devices/system/cpu/smt/control, or --server-cpus and --client-cpus on other cores"};
}

Finding hypervisor(const Kernel& /*kernel*/) {
  const std::string found = read_machine().hypervisor;
  if (found == "none") return {.about = "hypervisor", .found = found};
  return {.about = "hypervisor",
          .health = Health::warn,
          .found = found,
          .why = "neighbours slow this machine down unseen, and waking a CPU takes 20 to 50 us"};
}

Finding steal(const Kernel& kernel) {
  const auto read = [&] { return kernel.fields("/proc/stat", "cpu"); };
  const std::vector<double> before = read();
  const timespec pause{.tv_sec = 0, .tv_nsec = 500'000'000};
  nanosleep(&pause, nullptr);
  const std::vector<double> after = read();
  constexpr std::size_t place = 7;  // user, nice, system, idle, iowait, irq, softirq, steal (proc(5))
  if (before.size() <= place || after.size() <= place) return unknown("steal time");
  double all = 0;
  for (std::size_t i = 0; i <= place; ++i) all += after[i] - before[i];
  const double share = all > 0 ? (after[place] - before[place]) / all : 0;
  Finding finding{.about = "steal time", .found = fmt::format("{:.1f}% in half a second", share * 100)};
  if (share > 0.01) {
    finding.health = share > 0.1 ? Health::bad : Health::warn;
    finding.why = "the host gives the time of this machine's CPUs to others";
  }
  return finding;
}

Finding load(const Kernel& kernel) {
  const auto average = kernel.number("/proc/loadavg");
  if (!average) return unknown("load");
  const double per_cpu = *average / available_cpus();
  Finding finding{.about = "load", .found = fmt::format("{:.2f} over the last minute", *average)};
  if (per_cpu > 0.2) {
    finding.health = per_cpu > 0.7 ? Health::bad : Health::warn;
    finding.why = "other processes take CPU time from what is measured";
    finding.remedy = "top, or --wait-for-quiet=5m";
  }
  return finding;
}

Finding clock_source(const Kernel& kernel) {
  const auto name = kernel.line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!name) return unknown("clock source");
  constexpr std::array slow{"hpet", "acpi_pm", "jiffies"};
  Finding finding{.about = "clock source", .found = *name};
  if (std::ranges::find(slow, *name) != slow.end()) {
    finding.health = Health::bad;
    finding.why = "each reading of it is a system call of about a microsecond";
    finding.remedy = "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource";
  }
  return finding;
}

Finding swap(const Kernel& kernel) {
  const std::vector<double> total = kernel.fields("/proc/meminfo", "SwapTotal:");
  const std::vector<double> left = kernel.fields("/proc/meminfo", "SwapFree:");
  if (total.empty() || left.empty()) return unknown("swap");
  constexpr double kibibyte = 1024;
  const double used = (total[0] - left[0]) * kibibyte;
  if (total[0] == 0) return {.about = "swap", .found = "none"};
  Finding finding{.about = "swap",
                  .found = fmt::format("{} of {} in use", format_bytes(used), format_bytes(total[0] * kibibyte))};
  if (used > 0.01 * total[0] * kibibyte) {
    finding.health = Health::warn;
    finding.why = "what lies there is read from disk in the middle of a run";
    finding.remedy = "swapoff -a && swapon -a";
  }
  return finding;
}

Finding io_uring(const Kernel& /*kernel*/) {
  const std::string why = why_no_io_uring();
  if (why.empty()) return {.about = "io_uring", .found = "can be used"};
  return {.about = "io_uring", .health = Health::warn, .found = why, .why = "the model io-uring is left out"};
}

Finding perf_events(const Kernel& kernel) {
  const auto paranoid = kernel.number("/proc/sys/kernel/perf_event_paranoid");
  if (!paranoid) return unknown("perf events");
  Finding finding{.about = "perf events", .found = fmt::format("kernel.perf_event_paranoid = {:.0f}", *paranoid)};
  if (*paranoid > 2) {
    finding.health = Health::warn;
    finding.why = "perf shows nothing of your own programs either";
    finding.remedy = "sysctl kernel.perf_event_paranoid=2";
  }
  return finding;
}

Finding layout(const Kernel& kernel) {
  const auto value = kernel.number("/proc/sys/kernel/randomize_va_space");
  if (!value) return unknown("address space layout");
  return {.about = "address space layout",
          .found = *value > 0 ? "random in each process, so that rounds sample it" : "the same in each process"};
}

}  // namespace

std::string_view health_name(Health health) {
  switch (health) {
    case Health::warn: return "warn";
    case Health::bad: return "bad";
    case Health::ok: break;
  }
  return "ok";
}

std::vector<Finding> look_at_machine(const std::string& root) {
  const Kernel kernel(root);
  std::vector<Finding> findings;
  for (Finding (*check)(const Kernel&) : {descriptors, process_limits, listen_queue, ports, quota, governor, turbo, smt,
                                          hypervisor, steal, load, clock_source, swap, io_uring, perf_events, layout}) {
    findings.push_back(check(kernel));
  }
  return findings;
}

}  // namespace bench
