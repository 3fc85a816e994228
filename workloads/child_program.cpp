#include "workloads/child_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>

namespace bench {
namespace {

// execve() and posix_spawn() want pointers to what they do not change.
char* const* writable(const char* const* texts) noexcept { return const_cast<char* const*>(texts); }

constexpr std::array<const char*, 2> environment{"LC_ALL=C", nullptr};
constexpr const char* no_input = "/dev/null";

sigset_t no_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  return set;
}

sigset_t all_signals() noexcept {
  sigset_t set;
  sigfillset(&set);
  return set;
}

// While it exists, no signal is delivered to the calling thread: in a child made by vfork its handlers would work upon
// the parent's memory.
class HeldSignals {
 public:
  HeldSignals() noexcept {
    const sigset_t all = all_signals();
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

// In the child, which may have its parent's memory: system calls and nothing else. `failure` is told why there is no
// program, and otherwise closed by the program's start.
[[noreturn]] void become(const char* const* arguments, int output, int failure, pid_t parent) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // the parent died before the line above
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  dup2(open(no_input, O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  const sigset_t none = no_signals();
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(arguments[0], writable(arguments), writable(environment.data()));
  const int error = errno;
  _exit(write(failure, &error, sizeof error) == sizeof error ? 127 : 126);
}

void reap(pid_t child) noexcept {
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// By fork or vfork. Sets `child`; 0, or an errno without a child.
int fork_and_become(MadeBy how, const char* const* arguments, int output, pid_t& child) noexcept {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  const UniqueFd told(ends[0]);
  UniqueFd failure(ends[1]);
  const pid_t parent = getpid();
  {
    const HeldSignals held;
    child = how == MadeBy::vfork ? vfork() : fork();
    if (child == 0) become(arguments, output, failure.get(), parent);
  }
  if (child < 0) return errno;
  failure.reset();
  int error = 0;
  while (read(told.get(), &error, sizeof error) < 0 && errno == EINTR) {
  }
  if (error != 0) reap(child);
  return error;
}

// What posix_spawn() does in the child.
class SpawnSetup {
 public:
  explicit SpawnSetup(int output) noexcept {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files_, output, STDERR_FILENO);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, no_input, O_RDONLY, 0);
    posix_spawnattr_init(&signals_);
    const sigset_t all = all_signals();
    const sigset_t none = no_signals();
    posix_spawnattr_setsigdefault(&signals_, &all);
    posix_spawnattr_setsigmask(&signals_, &none);
    posix_spawnattr_setflags(&signals_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSetup() {
    posix_spawnattr_destroy(&signals_);
    posix_spawn_file_actions_destroy(&files_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  int spawn(const char* const* arguments, pid_t& child) const noexcept {
    return ::posix_spawn(&child, arguments[0], &files_, &signals_, writable(arguments), writable(environment.data()));
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t signals_;
};

}  // namespace

int ChildProgram::start(MadeBy how, const ProgramCall& call, const char* argument, int output) noexcept {
  std::array<const char*, std::tuple_size_v<ProgramCall> + 2> arguments{};
  *std::ranges::copy_if(call, arguments.begin(), [](const char* given) { return given != nullptr; }).out = argument;
  pid_t child = -1;
  const int error = how == MadeBy::posix_spawn ? SpawnSetup(output).spawn(arguments.data(), child)
                                               : fork_and_become(how, arguments.data(), output, child);
  if (error != 0) return error;
  // Nobody reaps it before, so the number is still its own. Not pidfd_open: glibc 2.36 declares it without extern "C".
  pidfd_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (pidfd_.valid()) return 0;
  const int refused = errno;
  ::kill(child, SIGKILL);
  reap(child);
  return refused;
}

void ChildProgram::kill() const noexcept { syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0); }

ChildProgram::~ChildProgram() {
  if (!is_running()) return;
  kill();
  // Not by waitid alone: a loop that has watched the pidfd may have made it non-blocking.
  pollfd end{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  while (poll(&end, 1, -1) < 0 && errno == EINTR) {
  }
  siginfo_t ended{};
  waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &ended, WEXITED | WNOHANG);
}

std::system_error start_failure(std::string_view path, int error) {
  std::string remedy;
  if (error == EAGAIN) remedy = " (see `ulimit -u`)";
  if (error == EMFILE) remedy = " (see `ulimit -n`)";
  return {error, std::generic_category(), fmt::format("start {}{}", path, remedy)};
}

}  // namespace bench
