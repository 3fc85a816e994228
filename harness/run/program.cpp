#include "harness/run/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "measure/clock.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

constexpr std::size_t most_said = std::size_t{64} * 1024;

struct Pipe {
  UniqueFd out;
  UniqueFd in;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "make a pipe");
  return {.out = UniqueFd(ends[0]), .in = UniqueFd(ends[1])};
}

// In the child: becomes the program, or tells why not.
[[noreturn]] void become(const std::vector<char*>& arguments, const std::string& folder, int said, int failure,
                         pid_t parent) {
  setpgid(0, 0);  // an interrupt from the terminal is passed on in order
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  signal(SIGINT, SIG_DFL);  // is ignored in what a shell starts in the background
  signal(SIGPIPE, SIG_DFL);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  dup2(said, STDERR_FILENO);
  if (folder.empty() || chdir(folder.c_str()) == 0) execvp(arguments[0], arguments.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &error, sizeof error);
  _exit(127);
}

// Whether there was anything.
bool add_said(int fd, std::string& said) {
  std::array<char, 4096> part{};
  const ssize_t size = read(fd, part.data(), part.size());
  if (size <= 0) return false;
  said.append(part.data(), static_cast<std::size_t>(size));
  if (said.size() > most_said) said.erase(0, said.size() - most_said);
  return true;
}

}  // namespace

ProgramEnd run_to_end(const std::vector<std::string>& arguments, const std::string& folder,
                      const std::function<bool()>& go_on) {
  constexpr int tick_ms = 100;
  constexpr std::int64_t patience_ns = 10 * second_ns;
  std::vector<std::string> own(arguments);
  std::vector<char*> pointers;
  for (std::string& argument : own) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  Pipe said = make_pipe();
  Pipe failure = make_pipe();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) become(pointers, folder, said.in.get(), failure.in.get(), parent);
  said.in.reset();
  failure.in.reset();
  fcntl(said.out.get(), F_SETFL, O_NONBLOCK);

  ProgramEnd end;
  int asked = 0;              // times that it was asked to end,
  std::int64_t asked_ns = 0;  // first then
  int status = 0;
  while (true) {
    pollfd readable{.fd = said.out.get(), .events = POLLIN, .revents = 0};
    poll(&readable, 1, tick_ms);
    add_said(said.out.get(), end.said);
    const pid_t waited = waitpid(child, &status, WNOHANG);
    if (waited == child || (waited < 0 && errno != EINTR)) break;
    // The whole group: a shell does not pass on what it gets. Twice, apart, since the first lets bench end its run.
    if (asked < 2 && !go_on()) {
      if (asked == 0) asked_ns = now_ns();
      end.cancelled = true;
      ++asked;
      kill(-child, SIGINT);
    }
    if (asked != 0 && now_ns() - asked_ns > patience_ns) kill(-child, SIGKILL);
    if ((readable.revents & POLLHUP) != 0) {  // it has closed its standard error and lives on
      timespec pause{.tv_sec = 0, .tv_nsec = 10'000'000};
      nanosleep(&pause, nullptr);
    }
  }
  while (add_said(said.out.get(), end.said)) {
  }
  int error = 0;
  if (read(failure.out.get(), &error, sizeof error) == sizeof error) {
    throw std::system_error(error, std::generic_category(), fmt::format("start {}", arguments.front()));
  }
  end.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return end;
}

}  // namespace bench
