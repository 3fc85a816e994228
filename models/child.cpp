#include "models/child.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bench {

pid_t fork_unit(JobRun& job, const std::function<void()>& body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    job.fail(fmt::format("fork a process: {}; see `ulimit -u` and /proc/sys/kernel/pid_max", std::strerror(errno)));
  }
  if (child > 0) return child;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // the parent died before the line above
  {
    const JobRun::Unit unit(job);
    body();
  }
  _exit(0);
}

void reap_unit(JobRun& job) {
  int status = 0;
  pid_t child = 0;
  do {
    child = waitpid(-1, &status, 0);
  } while (child < 0 && errno == EINTR);
  if (child < 0) job.fail(fmt::format("wait for a child process: {}", std::strerror(errno)));
  if (status != 0) job.fail(fmt::format("process {} {}", child, describe_status(status)));
}

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
