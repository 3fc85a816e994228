// What a tree of processes has used: CPU, context switches, page faults, memory.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace bench {

/// Counters of a process and its descendants, alive or reaped. They only grow, so a window is a difference.
struct TreeUsage {
  std::int64_t cpu_ns = 0;  ///< User and system time together, from the scheduler's clocks, not from ticks.
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;
  std::int64_t minor_faults = 0;
  std::int64_t major_faults = 0;

  TreeUsage& operator+=(const TreeUsage& other) noexcept;
  TreeUsage operator-(const TreeUsage& other) const noexcept;
};

/// Which moment of a window a reading is for.
enum class Edge : std::uint8_t {
  begin,  ///< Right before it.
  stop,   ///< When its time is up; of what it has begun, some is still under way.
  end,    ///< When that has come to its end, too.
};

/// What the calling process, its reaped descendants and its living ones have used so far.
///
/// Two system calls and a clock without living children; with them some of /proc is read, about 50 µs a child. The
/// calling process reads its own counters last at the beginning of a window and first at its end, so that this reading
/// is no part of the window. The switches of a living child's own reaped children are not seen.
TreeUsage own_tree_usage(Edge edge);

/// The calling process's part of the above: itself and its reaped descendants. Async-signal-safe.
TreeUsage own_and_reaped_usage();

/// What a living process and those that it has reaped have used, read from outside, which takes about 50 µs; nothing
/// once it is gone. The CPU time of the reaped is known in ticks of 10 ms; the switches of ended threads and processes
/// are not.
TreeUsage living_process_usage(pid_t pid);

/// The living descendants of `pid`, children before grandchildren; those that end meanwhile may be missing.
std::vector<pid_t> living_descendants(pid_t pid);

/// Proportional set size of a living process in bytes (proc(5), smaps_rollup); 0 when it has ended.
std::int64_t proportional_set_bytes(pid_t pid);

/// The same, over `pid` and its living descendants.
std::int64_t tree_proportional_set_bytes(pid_t pid);

/// What the kernel of this machine holds for everybody: slab (sockets, files, task structures), stacks, page tables. Of
/// the slab the objects in use where that may be read (by root), else its pages, some of whose objects are free.
std::int64_t kernel_bytes();

/// A `timeval` in nanoseconds.
constexpr std::int64_t timeval_ns(const timeval& time) noexcept {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_usec * std::int64_t{1'000};
}

}  // namespace bench
