// Another program as a child process, made in one of three ways and ended with its owner. What `exec` starts for its
// tasks and `remote` for its clients.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "workloads/unique_fd.h"

namespace bench {

/// How a child process that is to run another program is made.
enum class MadeBy : std::uint8_t {
  fork,         ///< fork(2) and execve(2): the child has a copy of its parent's page tables until then.
  vfork,        ///< vfork(2) and execve(2): it has its parent's memory, whose thread stands still meanwhile.
  posix_spawn,  ///< posix_spawn(3), in which the C library does the same with a stack of the child's own.
};

/// What a program is always called with: its absolute path, and arguments; unused places are null.
using ProgramCall = std::array<const char*, 4>;

/// A program that runs, or none. Its owner waits for its end by `end_of(pidfd())`, which reaps it. One unit uses it.
///
/// It dies with the thread that has started it, but for one made by posix_spawn.
class ChildProgram {
 public:
  ChildProgram() = default;
  /// Kills and reaps a program that still runs.
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  /// Starts a program; `argument` follows those of the call, where it is not null. It has nothing of its parent's: its
  /// input is empty, all that it prints goes to `output`, it has no other descriptor, no signal is ignored or blocked,
  /// and its environment is LC_ALL=C. Returns when the program has taken the child's place: 0, or the errno of what
  /// went wrong, and then there is no child.
  int start(MadeBy how, const ProgramCall& call, const char* argument, int output) noexcept;

  /// Readable once it has ended; invalid where none runs.
  int pidfd() const noexcept { return pidfd_.get(); }
  bool is_running() const noexcept { return pidfd_.valid(); }

  /// Kills it by SIGKILL. Its end is to be waited for all the same.
  void kill() const noexcept;

  /// Its end has been waited for: the caller closes the pidfd.
  int release() noexcept { return pidfd_.release(); }

 private:
  UniqueFd pidfd_;
};

/// Why a program could not be started, with the remedy.
std::system_error start_failure(std::string_view path, int error);

}  // namespace bench
