#include "harness/run/neighbours.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "harness/run/ruler.h"
#include "harness/summary/regime.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

constexpr std::chrono::milliseconds one_look{500};

std::map<pid_t, ProcessStat> read_others() {
  std::map<pid_t, ProcessStat> others;
  for (const pid_t pid : numbered_entries("/proc")) {
    if (pid == getpid()) continue;
    if (auto stat = read_process_stat(pid)) others[pid] = std::move(*stat);
  }
  return others;
}

}  // namespace

Neighbours look_at_neighbours(std::chrono::nanoseconds duration) {
  const std::vector<int> cpus = available_cpu_numbers();
  const std::map<pid_t, ProcessStat> before = read_others();
  const std::int64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  const std::int64_t busy_before_ns = busy_ns(cpus);
  const std::int64_t begun_ns = now_ns();
  std::this_thread::sleep_for(duration);
  const auto took_ns = static_cast<double>(now_ns() - begun_ns);
  const std::int64_t used_ns = busy_ns(cpus) - busy_before_ns - (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns);
  Neighbours found;
  found.busy = std::clamp(static_cast<double>(used_ns) / took_ns / static_cast<double>(cpus.size()), 0.0, 1.0);
  std::map<std::string, double> by_command;
  for (const auto& [pid, after] : read_others()) {
    const auto earlier = before.find(pid);
    if (earlier == before.end() || after.cpu_ns <= earlier->second.cpu_ns) continue;
    by_command[after.command] += static_cast<double>(after.cpu_ns - earlier->second.cpu_ns) / took_ns;
  }
  found.busiest.assign(by_command.begin(), by_command.end());
  std::ranges::stable_sort(found.busiest, std::greater(), &std::pair<std::string, double>::second);
  constexpr std::size_t named = 3;
  if (found.busiest.size() > named) found.busiest.resize(named);
  return found;
}

bool are_disturbing(const Neighbours& neighbours) { return neighbours.busy > disturbing_share; }

std::string describe(const Neighbours& neighbours) {
  std::vector<std::string> parts;
  for (const auto& [command, cpus] : neighbours.busiest) parts.push_back(fmt::format("{} {:.2f}", command, cpus));
  return fmt::format("other processes use {:.0f}% of the CPUs{}", neighbours.busy * 100,
                     parts.empty() ? "" : fmt::format(" ({} CPUs)", fmt::join(parts, ", ")));
}

Neighbours wait_for_quiet(std::chrono::nanoseconds patience,
                          const std::function<Neighbours(std::chrono::nanoseconds)>& look,
                          const std::function<bool()>& stop) {
  Neighbours seen = look(std::min<std::chrono::nanoseconds>(one_look, patience));
  for (std::chrono::nanoseconds waited = one_look; are_disturbing(seen) && waited < patience && !stop();
       waited += one_look) {
    seen = look(one_look);
  }
  return seen;
}

}  // namespace bench
