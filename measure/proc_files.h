// Reading /proc (proc(5)), and other files that the kernel writes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// The names in a folder of /proc that are numbers: processes, threads or descriptors. Empty where it cannot be read.
std::vector<pid_t> numbered_entries(const std::string& path);

/// The first line of a file; empty where it cannot be read.
std::string first_line(const std::string& path);

/// What stands behind "key:" in a file of such lines, without spaces before it; empty where there is none.
std::string proc_text(const std::string& path, std::string_view key);

/// The same as a number; 0 where there is none.
std::int64_t proc_value(const std::string& path, std::string_view key);

/// Of /proc/PID/stat. Faults and ticks of children are those of descendants that were reaped.
struct ProcessStat {
  std::string command{};  ///< Its first 15 characters.
  char state = 0;         ///< 'Z': it has ended, and its parent has not reaped it. So has the first of several threads.
  pid_t parent = 0;
  std::int64_t minor_faults = 0;
  std::int64_t children_minor_faults = 0;
  std::int64_t major_faults = 0;
  std::int64_t children_major_faults = 0;
  std::int64_t cpu_ns = 0;           ///< Of all of its threads, user and system, in the kernel's ticks.
  std::int64_t children_cpu_ns = 0;  ///< Likewise.
  std::int64_t threads = 0;
  std::int64_t started =
      0;  ///< In ticks since the machine started: with its number, what tells a process from all others.

  /// Whether all of its threads have ended.
  bool has_ended() const { return (state == 'Z' || state == 'X') && threads <= 1; }
};

/// Nothing for a line that is none of that file.
std::optional<ProcessStat> parse_process_stat(std::string_view line);

/// Nothing once the process is gone.
std::optional<ProcessStat> read_process_stat(pid_t pid);

/// The kernel's tick, in which /proc tells CPU time.
std::int64_t tick_ns();

/// Whether /proc is that of this process's PID namespace, so that numbers of processes mean there what they mean here.
bool proc_knows_this_process();

}  // namespace bench
