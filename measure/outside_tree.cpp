#include "measure/outside_tree.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "measure/proc_files.h"

namespace bench {
namespace {

bool ignores(pid_t pid, int signal) {
  const std::string mask = proc_text(fmt::format("/proc/{}/status", pid), "SigIgn");
  return (std::strtoull(mask.c_str(), nullptr, 16) >> (signal - 1) & 1) != 0;
}

std::vector<pid_t> members_of(pid_t root, const TreeReading& earlier) {
  const auto stat = read_process_stat(root);
  if (!stat || stat->has_ended()) return {};
  std::vector<pid_t> members;
  const auto add = [&](pid_t pid) {
    members.push_back(pid);
    const std::vector<pid_t> descendants = living_descendants(pid);
    members.insert(members.end(), descendants.begin(), descendants.end());
  };
  add(root);
  for (const ProcessReading& process : earlier) {
    if (std::ranges::find(members, process.pid) != members.end()) continue;
    const auto now = read_process_stat(process.pid);
    if (now && now->started == process.started) add(process.pid);
  }
  return members;
}

TreeReading read_all(const std::vector<pid_t>& members) {
  TreeReading reading;
  for (const pid_t pid : members) {
    const auto stat = read_process_stat(pid);
    if (!stat) continue;
    reading.push_back({.pid = pid,
                       .parent = stat->parent,
                       .started = stat->started,
                       .usage = living_process_usage(pid),
                       .reaped_ns = stat->children_cpu_ns,
                       .reaped_faults = stat->children_minor_faults,
                       .ignores_children = ignores(pid, SIGCHLD),
                       .threads = numbered_entries(fmt::format("/proc/{}/task", pid))});
  }
  return reading;
}

const ProcessReading* find(const TreeReading& tree, pid_t pid) {
  const auto found = std::ranges::find(tree, pid, &ProcessReading::pid);
  return found == tree.end() ? nullptr : &*found;
}

// The same process in another reading, or null.
const ProcessReading* same(const TreeReading& tree, const ProcessReading& process) {
  const ProcessReading* found = find(tree, process.pid);
  return found && found->started == process.started ? found : nullptr;
}

// Who has reaped a process that is gone, or one of those that did: its next ancestor that is alive. Null without one.
const ProcessReading* heir_of(const ProcessReading& gone, const TreeReading& before, const TreeReading& after) {
  for (const ProcessReading* at = find(before, gone.parent); at; at = find(before, at->parent)) {
    if (const ProcessReading* alive = same(after, *at)) return alive;
  }
  return nullptr;
}

// Why what some of the tree have used is lost; empty where it is not.
std::string why_lost(const TreeReading& before, const TreeReading& after) {
  constexpr std::string_view lost = "process {} ignores SIGCHLD, so that what its children used is lost when they end";
  std::map<const ProcessReading*, std::int64_t> left_ns;  // to each heir, by those that are gone
  for (const ProcessReading& process : before) {
    if (same(after, process)) continue;
    const ProcessReading* parent = find(before, process.parent);
    if (parent && parent->ignores_children) return fmt::format(lost, parent->pid);
    const ProcessReading* heir = heir_of(process, before, after);
    if (!heir) return fmt::format("process {} ended in the window, and nobody of the tree reaped it", process.pid);
    left_ns[heir] += process.usage.cpu_ns;
    const std::int64_t reaped_ns = heir->reaped_ns - same(before, *heir)->reaped_ns;
    // User and system time are cut to ticks each.
    if (reaped_ns + 2 * tick_ns() < left_ns[heir]) {
      return fmt::format("process {} ended in the window, and process {} did not reap it", process.pid, heir->pid);
    }
  }
  for (const ProcessReading& process : after) {
    const ProcessReading* parent = find(after, process.parent);
    if (!same(before, process) && parent && parent->ignores_children) return fmt::format(lost, parent->pid);
  }
  return {};
}

// Whether all that had switched is alive still.
bool all_live(const TreeReading& before, const TreeReading& after) {
  const auto lives = [&](const ProcessReading& process) {
    const ProcessReading* now = same(after, process);
    return now && std::ranges::all_of(process.threads, [&](pid_t thread) {
             return std::ranges::find(now->threads, thread) != now->threads.end();
           });
  };
  const auto reaped_nobody = [&](const ProcessReading& process) {
    const ProcessReading* earlier = same(before, process);
    return process.reaped_faults == (earlier ? earlier->reaped_faults : 0);
  };
  return std::ranges::all_of(before, lives) && std::ranges::all_of(after, reaped_nobody);
}

TreeUsage sum(const TreeReading& tree) {
  TreeUsage total;
  for (const ProcessReading& process : tree) total += process.usage;
  return total;
}

}  // namespace

TreeReading read_tree(pid_t root, const TreeReading& earlier) {
  // What ends while it is read would be counted twice or not at all.
  constexpr int most_tries = 5;
  std::vector<pid_t> members = members_of(root, earlier);
  for (int tries = 1;; ++tries) {
    TreeReading reading = read_all(members);
    std::vector<pid_t> now = members_of(root, earlier);
    if (now == members || tries == most_tries) return now.empty() ? TreeReading() : reading;
    members = std::move(now);
  }
}

WindowUsage usage_between(pid_t root, const TreeReading& before, const TreeReading& after) {
  const auto unknown = [](std::string why) {
    return WindowUsage{.unknown = std::move(why), .are_switches_known = false};
  };
  if (before.empty()) return unknown(fmt::format("process {} had ended before the window", root));
  if (!same(after, before.front())) return unknown(fmt::format("process {} ended in the window", root));
  if (std::string why = why_lost(before, after); !why.empty()) return unknown(std::move(why));
  WindowUsage window{.usage = sum(after) - sum(before), .are_switches_known = all_live(before, after)};
  if (window.usage.cpu_ns < 0 || window.usage.minor_faults < 0 || window.usage.major_faults < 0) {
    return unknown(fmt::format("too little was used for ticks of {} ms", tick_ns() / 1'000'000));
  }
  if (!window.are_switches_known) window.usage.voluntary_switches = window.usage.involuntary_switches = 0;
  return window;
}

}  // namespace bench
