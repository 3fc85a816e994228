#include "measure/process.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bench {

UniqueFd watch_process(pid_t pid) {
  // Not pidfd_open: glibc 2.36 declares it without extern "C".
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

std::string describe_refusal(int error, std::string_view kernel_limit) {
  rlimit space{};
  const bool space_is_limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
  // The stack of a thread that does not fit makes pthread_create say EAGAIN, too.
  if (space_is_limited) return fmt::format("{}; see `ulimit -v` and `ulimit -u`", std::strerror(error));
  if (error == ENOMEM) return fmt::format("{}; there is too little memory", std::strerror(error));
  return fmt::format("{}; see `ulimit -u` and {}", std::strerror(error), kernel_limit);
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) {
    const char* meaning = sigdescr_np(WTERMSIG(status));
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), meaning ? meaning : "unknown");
  }
  return fmt::format("ended with exit status {}", WEXITSTATUS(status));
}

}  // namespace bench
