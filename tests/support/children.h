// What a test may know of the children of its own process.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace bench {

/// Whether the calling process has no child, dead or alive.
inline bool is_childless() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

/// How many descriptors a program gets that the calling process starts, its three not counted: those that it was itself
/// given by whoever started it.
inline std::size_t descriptors_for_programs() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    const int flags = fcntl(fd, F_GETFD);
    if (fd > 2 && flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
  }
  return count;
}

}  // namespace bench
