#include "harness/run/server_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "measure/affinity.h"
#include "measure/clock.h"
#include "measure/process.h"
#include "measure/usage.h"
#include "models/hybrid.h"

namespace bench {
namespace {

constexpr std::int64_t patience_ns = std::chrono::nanoseconds(patience_with_processes).count();

void sleep_a_moment(std::int64_t duration_ns) {
  const timespec duration{.tv_sec = 0, .tv_nsec = duration_ns};
  nanosleep(&duration, nullptr);
}

// The server's first process answers SIGUSR1 with what it has used: only it knows of its ended threads and children.
ServerCounters* asked_for_usage = nullptr;

void answer_usage(int /*signal*/) {
  const int kept = errno;
  asked_for_usage->usage_answers.load();  // after the answer before, which another thread may have given
  asked_for_usage->own_usage = own_and_reaped_usage();
  asked_for_usage->own_usage_ns = now_ns();
  asked_for_usage->usage_answers.fetch_add(1);
  errno = kept;
}

[[noreturn]] void serve_and_exit(const Model& model, ServerRun& run, RunReport& report, pid_t parent,
                                 std::span<const int> cpus) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // the parent died before the line above
  prctl(PR_SET_TIMERSLACK, 1);
  signal(SIGPIPE, SIG_IGN);
  // A terminal's Ctrl-C and hangup and a service manager's SIGTERM reach this process too; it ends when its parent says
  // so.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  try {
    pin_to(cpus);
    asked_for_usage = &report.server;
    struct sigaction action {};
    action.sa_handler = answer_usage;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    report.server.ready.store(1);
    serve_under(model, run);
    _exit(0);
  } catch (const std::exception& error) {
    report.failure.set(error.what());
  } catch (...) {
    report.failure.set("the server threw something that is no std::exception");
  }
  _exit(1);
}

}  // namespace

ServerProcess::ServerProcess(const Model& model, const ServerSetup& setup, RunReport& report, std::span<const int> cpus)
    : run_(setup, report), report_(report) {
  if (setup.service->fill_store) setup.service->fill_store(setup.context);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork the server");
  if (pid_ == 0) serve_and_exit(model, run_, report, parent, cpus);
  // Before its handler is there, a question would kill it.
  while (report_.server.ready.load() == 0 && kill(pid_, 0) == 0) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_) break;
    sleep_a_moment(100'000);
  }
}

ServerProcess::~ServerProcess() {
  if (pid_ < 0) return;
  for (const pid_t descendant : living_descendants(pid_)) kill(descendant, SIGKILL);
  kill(pid_, SIGKILL);
  wait();
}

UsageReading ServerProcess::usage(Edge edge) {
  const std::uint32_t answers = report_.server.usage_answers.load();
  const std::int64_t deadline_ns = now_ns() + patience_ns;
  kill(pid_, SIGUSR1);
  std::int64_t ask_again_ns = now_ns() + second_ns;  // the thread sanitizer may put a signal off until the next one
  while (report_.server.usage_answers.load() == answers) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_) {
      throw std::runtime_error("the server has ended before it was told to");
    }
    if (now_ns() > deadline_ns) throw std::runtime_error("the server does not tell what it has used");
    if (now_ns() > ask_again_ns) {
      kill(pid_, SIGUSR1);
      ask_again_ns += second_ns;
    }
    sleep_a_moment(20'000);
  }
  UsageReading reading{.usage = report_.server.own_usage, .at_ns = report_.server.own_usage_ns};
  const std::vector<pid_t> descendants = living_descendants(pid_);
  for (const pid_t descendant : descendants) reading.usage += living_process_usage(descendant);
  if (edge == Edge::begin && !descendants.empty()) reading.at_ns = now_ns();
  return reading;
}

bool ServerProcess::ended_within(std::chrono::milliseconds patience) const {
  const UniqueFd watched = watch_process(pid_);
  pollfd end{.fd = watched.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, static_cast<int>(patience.count())) > 0;
}

void ServerProcess::stop() {
  run_.stop();
  using namespace std::chrono_literals;
  // A signal may cut the wait short.
  bool ended = false;
  for (const std::int64_t deadline_ns = now_ns() + patience_ns; !ended && now_ns() < deadline_ns;) {
    ended = ended_within(1000ms);
  }
  if (!ended) {
    throw std::runtime_error(fmt::format("the server did not stop within {} s", patience_with_processes.count()));
  }
  const int status = wait();
  if (const std::string_view reason = report_.failure.reason(); !reason.empty()) {
    throw std::runtime_error(std::string(reason));
  }
  if (status != 0) throw std::runtime_error(fmt::format("the server {}", describe_status(status)));
}

int ServerProcess::wait() {
  int status = 0;
  rusage used{};
  while (wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  report_.service.server_user_ns = timeval_ns(used.ru_utime);
  report_.service.server_system_ns = timeval_ns(used.ru_stime);
  pid_ = -1;
  return status;
}

}  // namespace bench
