// Why: the command line is tested as its user meets it: a program with arguments, two streams or a terminal, signals,
// an exit status, and the processes that it leaves behind or does not.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "workloads/unique_fd.h"

namespace bench {

/// A bound on every wait for an event, for machines under load and sanitizers: to be met only by what hangs.
inline constexpr std::chrono::seconds patience{240};

/// Polls `event` until it is true or `bound` is over; returns whether it came true.
bool wait_for_event(const std::function<bool()>& event, std::chrono::nanoseconds bound = patience);

/// A process that cannot be mistaken for a later one of the same number.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< Field 22 of /proc/PID/stat.

  bool operator==(const ProcessId&) const = default;
};

/// The living descendants of `ancestor`, found by walking /proc; its children come first. One that has ended and was
/// not reaped is not living.
std::vector<ProcessId> descendants_of(pid_t ancestor);

/// Whether the process lives.
bool is_alive(const ProcessId& process);

/// How many threads the process has; 0 when it is gone.
std::size_t threads_of(pid_t pid);

/// A folder of its own, removed with all that is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// The names of its entries, hidden ones too, sorted.
  std::vector<std::string> entries() const;

 private:
  std::string path_;
};

/// The whole of a file; empty when there is none.
std::string read_text(const std::string& path);

/// How to start a program.
struct ProgramOptions {
  std::string folder = ".";                             ///< Its working directory.
  std::map<std::string, std::string> environment = {};  ///< Added to, or in place of, the test's own.
  bool stdout_is_terminal = false;                      ///< Needs stderr_is_terminal.
  bool stderr_is_terminal = false;                      ///< Also makes the terminal its controlling one, and its input.
  unsigned short columns = 100;                         ///< Of that terminal.
  std::string stdout_file = {};  ///< Opened for writing in place of a pipe, for example /dev/full.
};

/// How a program ended and what it wrote; `terminal` is what came to the terminal, with its escape sequences.
struct Finished {
  int exit_status = -1;  ///< -1 when a signal ended it.
  int signal = 0;
  std::string out;
  std::string err;
  std::string terminal;
};

/// A running program. Its output is read while one of the members waits; killed with its process group if it still runs
/// in the end.
class Program {
 public:
  /// Starts `arguments[0]`. Throws std::system_error.
  explicit Program(std::vector<std::string> arguments, const ProgramOptions& options = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }

  /// Output so far.
  const Finished& so_far() const { return output_; }

  void send_signal(int signal) const;

  /// Types `text` at the terminal: "\x03" is Ctrl-C.
  void type(const std::string& text) const;

  /// Closes the terminal, as when its window is closed.
  void hang_up() { terminal_.reset(); }

  /// Reads output until `event` is true, the program has ended, or patience is over; returns the last of `event`.
  bool wait_until(const std::function<bool()>& event);

  /// Waits for the end, reading all output. Throws std::runtime_error when patience is over.
  Finished finish();

 private:
  void read_output(int timeout_ms);
  bool reap(bool block);

  pid_t pid_ = -1;
  UniqueFd out_;
  UniqueFd err_;
  UniqueFd terminal_;
  bool ended_ = false;
  Finished output_;
};

/// Runs a program to its end.
Finished run_program(std::vector<std::string> arguments, const ProgramOptions& options = {});

}  // namespace bench
