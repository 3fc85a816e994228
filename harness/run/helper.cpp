#include "harness/run/helper.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "harness/run/listener.h"
#include "harness/run/server_process.h"
#include "measure/process.h"
#include "models/hybrid.h"

namespace bench {
namespace {

// `between` is the parent that is about to leave it to the launcher.
[[noreturn]] void serve(const Service& service, const Listener& listener, RunReport& report, RunReport& whole,
                        pid_t between, pid_t launcher) {
  while (getppid() == between) sched_yield();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher) _exit(1);  // the launcher died before the line above
  prctl(PR_SET_TIMERSLACK, 1);
  const auto model = std::ranges::find(all_models(), "epoll", &Model::name);
  const ServerSetup setup{
      .service = &service, .context = {.parameters = {}, .model = model->name}, .sockets = {listener.socket.get()}};
  ServerRun run(setup, report, whole, "the helper server");
  run.guard([&] { serve_under(*model, run); });
  _exit(0);
}

}  // namespace

Helper::Helper(const Service& service, RunReport& run) {
  const Listener listener = listen_on("127.0.0.1", 0, service.transport);
  port_ = listener.port;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const UniqueFd told(ends[0]);
  UniqueFd tells(ends[1]);
  const pid_t launcher = getppid();
  const pid_t between = fork();
  if (between < 0) throw std::system_error(errno, std::generic_category(), "fork a helper server");
  if (between == 0) {
    const pid_t own = getpid();
    const pid_t helper = fork();
    if (helper == 0) tells.reset();
    if (helper == 0) serve(service, listener, report_[0], run, own, launcher);
    const bool said = write(tells.get(), &helper, sizeof helper) == sizeof helper;
    _exit(said && helper > 0 ? 0 : 1);
  }
  tells.reset();
  const bool heard = read(told.get(), &pid_, sizeof pid_) == sizeof pid_;
  waitpid(between, nullptr, 0);
  if (!heard || pid_ < 0) throw std::runtime_error("a helper server could not be started");
  run.helpers.fetch_add(1);
  watched_ = watch_process(pid_);
}

Helper::~Helper() {
  if (pid_ < 0 || !watched_.valid()) return;
  kill(pid_, SIGKILL);
  pollfd ended{.fd = watched_.get(), .events = POLLIN, .revents = 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace bench
