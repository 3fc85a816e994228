#include "models/blocking/child.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "measure/process.h"
#include "measure/usage.h"

namespace bench {
namespace {

// Forks a child that runs `body` and ends; the child's id in the parent, or -1 with errno set.
pid_t try_fork(Run& run, const std::function<void()>& body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  if (getppid() != parent) _exit(1);  // the parent died before the line above
  run.guard(body);
  _exit(0);
}

// Likewise, where a refused fork fails the run.
pid_t fork_child(Run& run, const std::function<void()>& body) {
  const pid_t child = try_fork(run, body);
  if (child < 0) {
    run.fail("fork a process: " + describe_refusal(errno, "/proc/sys/kernel/pid_max"));
  }
  return child;
}

// Children that end are reaped as soon as they do, by whatever the parent is at.
void reap_all_that_ended(int /*signal*/) {
  const int kept = errno;
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  errno = kept;
}

Run* failing_run = nullptr;  // of KilledChildFails

// Where a child was killed that nobody has reaped yet. Allocates nothing: the process may be in the middle of that.
void fail_of_killed_child(int /*signal*/) {
  const int kept = errno;
  siginfo_t child{};
  if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid != 0 && child.si_code != CLD_EXITED) {
    std::array<char, 100> text{};
    const char* meaning = sigdescr_np(child.si_status);
    const auto written = fmt::format_to_n(text.data(), text.size(), "process {} was killed by signal {} ({})",
                                          child.si_pid, child.si_status, meaning ? meaning : "unknown");
    failing_run->fail({text.data(), std::min(written.size, text.size())});
  }
  errno = kept;
}

void handle_children_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
}

}  // namespace

KilledChildFails::KilledChildFails(Run& run) {
  failing_run = &run;
  handle_children_with(fail_of_killed_child);
}

KilledChildFails::~KilledChildFails() { signal(SIGCHLD, SIG_DFL); }

void fork_unit(Run& run, const std::function<void()>& body) {
  fork_child(run, [&] { run.as_unit(body); });
}

UniqueFd fork_watched(Run& run, const std::function<void()>& body) {
  const pid_t child = fork_child(run, body);
  UniqueFd watched = watch_process(child);
  if (!watched.valid()) run.fail(fmt::format("watch process {}: {}", child, std::strerror(errno)));
  return watched;
}

void reap_unit(Run& run) {
  int status = 0;
  pid_t child = 0;
  do {
    child = waitpid(-1, &status, 0);
  } while (child < 0 && errno == EINTR);
  if (child < 0) run.fail(fmt::format("wait for a child process: {}", std::strerror(errno)));
  if (status != 0) run.fail(fmt::format("process {} {}", child, describe_status(status)));
}

ServingChildren::ServingChildren(ServerRun& server) : server_(server) { handle_children_with(reap_all_that_ended); }

ServingChildren::~ServingChildren() {
  signal(SIGCHLD, SIG_DFL);
  end_children();
}

void ServingChildren::start(const std::function<void()>& body) {
  if (try_fork(server_, [&] { server_.as_unit(body); }) < 0) server_.count_refused();
}

void end_children() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // what a unit that is killed has started itself comes here to be reaped
  // Again and again, since a child that has just been forked may still ignore the signal.
  while (true) {
    for (const pid_t child : living_descendants(getpid())) kill(child, SIGTERM);
    pid_t ended = 0;
    while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0 && errno == ECHILD) return;
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 2'000'000};
    nanosleep(&moment, nullptr);
  }
}

}  // namespace bench
