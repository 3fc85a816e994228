#include "harness/run/neighbours.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <thread>

#include "harness/run/ruler.h"
#include "harness/summary/regime.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

constexpr std::chrono::milliseconds one_look{500};

struct Use {
  std::string command;
  std::int64_t cpu_ns = 0;
};

// The CPU time of every other process so far, in ticks.
std::map<pid_t, Use> read_all() {
  std::map<pid_t, Use> all;
  const std::int64_t tick_ns = second_ns / sysconf(_SC_CLK_TCK);
  for (const pid_t pid : numbered_entries("/proc")) {
    if (pid == getpid()) continue;
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    const std::size_t open = line.find('(');
    const std::size_t close = line.rfind(')');
    if (open == std::string::npos || close == std::string::npos) continue;
    std::int64_t ticks = 0;
    std::size_t at = close + 2;
    // The 14th and 15th fields, of which the third is the first behind the name: user and system time.
    for (int field = 3; field <= 15 && at < line.size(); ++field) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      if (field >= 14) ticks += std::strtoll(line.c_str() + at, nullptr, 10);
      at = end + 1;
    }
    all[pid] = {line.substr(open + 1, close - open - 1), ticks * tick_ns};
  }
  return all;
}

}  // namespace

Neighbours look_at_neighbours(std::chrono::nanoseconds duration) {
  const std::vector<int> cpus = available_cpu_numbers();
  const std::map<pid_t, Use> before = read_all();
  const std::int64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  const std::int64_t busy_before_ns = busy_ns(cpus);
  const std::int64_t begun_ns = now_ns();
  std::this_thread::sleep_for(duration);
  const auto took_ns = static_cast<double>(now_ns() - begun_ns);
  const std::int64_t used_ns = busy_ns(cpus) - busy_before_ns - (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns);
  Neighbours found;
  found.busy = std::clamp(static_cast<double>(used_ns) / took_ns / static_cast<double>(cpus.size()), 0.0, 1.0);
  std::map<std::string, double> by_command;
  for (const auto& [pid, use] : read_all()) {
    const auto earlier = before.find(pid);
    if (earlier == before.end() || use.cpu_ns <= earlier->second.cpu_ns) continue;
    by_command[use.command] += static_cast<double>(use.cpu_ns - earlier->second.cpu_ns) / took_ns;
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
