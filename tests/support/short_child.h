// A child process for scripts that wait for its end.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace bench {

inline constexpr int short_child_status = 7;

/// The pidfd of a child that ends a moment later, so that its end has to be waited for.
inline int start_short_child() {
  const pid_t child = fork();
  if (child == 0) {
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 5'000'000};
    nanosleep(&moment, nullptr);
    _exit(short_child_status);
  }
  return static_cast<int>(syscall(SYS_pidfd_open, child, 0));
}

}  // namespace bench
