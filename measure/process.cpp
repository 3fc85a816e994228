#include "measure/process.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace bench {

UniqueFd watch_process(pid_t pid) {
  // Not pidfd_open: glibc 2.36 declares it without extern "C".
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with exit status {}", WEXITSTATUS(status));
}

}  // namespace bench
