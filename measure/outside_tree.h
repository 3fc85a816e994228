// What a tree of processes that is not ours uses between two moments.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "measure/usage.h"

namespace bench {

/// A process of such a tree at one moment.
struct ProcessReading {
  pid_t pid = 0;
  pid_t parent = 0;
  std::int64_t started = 0;         ///< As ProcessStat has it.
  TreeUsage usage{};                ///< As living_process_usage() has it: with what its reaped descendants have used,
  std::int64_t reaped_ns = 0;       ///< the CPU time of these, in ticks,
  std::int64_t reaped_faults = 0;   ///< and their minor faults, of which each process has some.
  bool ignores_children = false;    ///< It ignores SIGCHLD: what its children have used is lost when they end.
  std::vector<pid_t> threads = {};  ///< That are alive.
};

/// A tree at one moment, its root first; empty once the root has ended.
using TreeReading = std::vector<ProcessReading>;

/// Reads process `root` and its living descendants, about 100 µs for each. Those of an earlier reading that are alive
/// still belong to the tree, whoever is their parent by now.
TreeReading read_tree(pid_t root, const TreeReading& earlier = {});

/// What a tree has used between two readings.
struct WindowUsage {
  TreeUsage usage{};
  std::string unknown = {};        ///< Why that is not known, for people; empty where it is.
  bool are_switches_known = true;  ///< Those of threads and processes that have ended are not.
};

/// The difference of two readings of process `root`. A process that ends leaves what it has used to the one that reaps
/// it; where that is not in the tree, or nobody, all is unknown.
WindowUsage usage_between(pid_t root, const TreeReading& before, const TreeReading& after);

}  // namespace bench
