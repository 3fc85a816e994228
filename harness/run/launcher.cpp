#include "harness/run/launcher.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "harness/run/run_process.h"
#include "harness/run/scratch_folder.h"
#include "harness/text/quantities.h"
#include "measure/clock.h"
#include "measure/process.h"

namespace bench {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;

// Reads the memory of a run's tree while the run is stopped, so that the reading takes no part in what is read.
class MemorySampler {
 public:
  MemorySampler(pid_t run, std::int32_t units_hint, const RunReport& report)
      : run_(run), report_(report), next_units_(std::max(1, units_hint - units_hint / 20)) {}

  void look() {
    const std::int32_t units = report_.units_alive.load(std::memory_order_relaxed);
    const std::int64_t now = now_ns();
    const bool more_units = units >= next_units_;
    if (!more_units && now < next_time_ns_) return;
    read();
    const std::int64_t read_ns = now_ns() - now;
    if (more_units) next_units_ = units + std::max(1, units / 10);
    // Thousands of processes take a second to read: the run goes on for ten times as long.
    next_time_ns_ = now_ns() + std::max(20 * millisecond_ns, 10 * read_ns);
  }

  std::int64_t peak_bytes() const { return peak_bytes_; }

 private:
  void read() {
    kill(-run_, SIGSTOP);
    peak_bytes_ = std::max(peak_bytes_, tree_proportional_set_bytes(run_));
    kill(-run_, SIGCONT);
  }

  pid_t run_;
  const RunReport& report_;
  std::int32_t next_units_;
  std::int64_t next_time_ns_ = now_ns() + millisecond_ns;
  std::int64_t peak_bytes_ = 0;
};

// Whether the run's workload needs a folder on disk.
bool needs_folder(const Plan& plan, const RunRequest& request) {
  if (request.kind == RunKind::machine) return false;
  const Group& group = plan.group_of(plan.cells[request.cell]);
  if (group.job) return needs_scratch(*group.job, group.batch);
  return group.service && !group.foreign && group.service->fill_store;
}

// Sent while a run is under way: it is to end at once.
constexpr char cancel_word = 'c';

// The launcher's own process: takes requests until the harness is gone.
class LauncherProcess {
 public:
  LauncherProcess(const Plan& plan, RunReport& report, UniqueFd socket)
      : plan_(plan), report_(report), socket_(std::move(socket)) {}

  [[noreturn]] void serve() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of a run come here to be reaped
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // at once, even in the middle of reading a large tree's memory
    signal(SIGINT, SIG_IGN);           // of the terminal: the harness decides what becomes of the current run
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);  // likewise; runs inherit it
    signal(SIGPIPE, SIG_IGN);
    while (true) {
      RunRequest request;
      const ssize_t size = recv(socket_.get(), &request, sizeof request, 0);
      if (size == sizeof cancel_word) continue;  // of a run that had ended by itself
      if (size != sizeof request) break;
      const RunOutcome outcome = perform(request);
      if (send(socket_.get(), &outcome, sizeof outcome, MSG_NOSIGNAL) < 0) break;
    }
    _exit(0);
  }

 private:
  RunOutcome perform(const RunRequest& request) {
    RunOutcome outcome;
    report_.clear();
    if (!make_scratch(request)) return outcome;
    const CpuThrottling throttled_before = throttling();
    const pid_t launcher = getpid();
    const pid_t run = fork();
    if (run < 0) {
      report_.failure.set(fmt::format("fork the run's process: {}", std::strerror(errno)));
      remove_scratch();
      return outcome;
    }
    if (run == 0) {
      socket_.reset();
      enter_run(launcher, report_);
      perform_run(plan_, request, scratch_ ? scratch_->scratch() : Scratch{}, report_);
    }
    setpgid(run, run);  // this and the next line here and in the run, whichever comes first
    report_.process_group.store(run);
    const UniqueFd process = watch_process(run);
    if (!process.valid()) {
      report_.failure.set(fmt::format("watch the run's process: {}", std::strerror(errno)));
    } else {
      watch(request, run, process.get(), outcome);
    }
    end_tree(run, outcome);
    remove_scratch();
    report_.throttling = throttling() - throttled_before;
    return outcome;
  }

  // False, with the reason in the report, where the run needs a folder on disk and there can be none.
  bool make_scratch(const RunRequest& request) {
    if (!needs_folder(plan_, request)) return true;
    try {
      scratch_.emplace();
      return true;
    } catch (const std::exception& error) {
      report_.failure.set(error.what());
      return false;
    }
  }

  // When nothing is left of the run that could still write to it.
  void remove_scratch() {
    if (!scratch_) return;
    if (const std::string why = scratch_->remove(); !why.empty()) report_.failure.set(why);
    scratch_.reset();
  }

  CpuThrottling throttling() const { return plan_.cpu_quota ? read_throttling(*plan_.cpu_quota) : CpuThrottling{}; }

  // Returns when the run's first process has ended, its time is up, or the harness cancels it or is gone.
  void watch(const RunRequest& request, pid_t run, int process, RunOutcome& outcome) {
    const std::int64_t deadline_ns = now_ns() + request.time_limit_ns;
    MemorySampler memory(run, request.units_hint, report_);
    const bool samples_memory = request.kind == RunKind::memory && request.connections == 0;  // of a job
    while (true) {
      const std::int64_t left_ns = deadline_ns - now_ns();
      if (left_ns <= 0) {
        outcome.timed_out = true;
        break;
      }
      constexpr std::int64_t memory_step_ns = 100'000;
      const std::int64_t sleep_ns = samples_memory ? std::min(left_ns, memory_step_ns) : left_ns;
      const timespec timeout{.tv_sec = sleep_ns / (1000 * millisecond_ns),
                             .tv_nsec = sleep_ns % (1000 * millisecond_ns)};
      std::array<pollfd, 2> watched{
          {{.fd = process, .events = POLLIN, .revents = 0}, {.fd = socket_.get(), .events = POLLIN, .revents = 0}}};
      ppoll(watched.data(), watched.size(), &timeout, nullptr);
      if (watched[0].revents != 0) break;
      if (watched[1].revents != 0) {
        outcome.cancelled = true;
        char word = 0;
        if (recv(socket_.get(), &word, sizeof word, 0) <= 0) {  // the harness is gone
          end_tree(run, outcome);
          remove_scratch();
          _exit(0);
        }
        break;
      }
      if (samples_memory) memory.look();
    }
    outcome.peak_memory_bytes = memory.peak_bytes();
  }

  // Kills what is left of the run's process group and reaps all of it.
  void end_tree(pid_t run, RunOutcome& outcome) {
    siginfo_t info{};
    const bool ended =
        waitid(P_PID, static_cast<id_t>(run), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == run;
    const bool by_itself = ended && report_.finished.load() == 1;
    kill(-run, SIGKILL);
    rusage usage{};
    while (wait4(run, &outcome.status, 0, &usage) < 0 && errno == EINTR) {
    }
    outcome.user_ns = timeval_ns(usage.ru_utime);
    outcome.system_ns = timeval_ns(usage.ru_stime);
    while (true) {
      // The group is dying; its orphans come here to be reaped, thousands of them at times.
      std::uint32_t reaped = 0;
      pid_t orphan = 0;
      while ((orphan = waitpid(-1, nullptr, WNOHANG)) > 0) ++reaped;
      if (by_itself) outcome.left_behind += reaped;
      if (orphan < 0) break;  // none is left
      if (reaped != 0) continue;
      // Those left alive have made a group of their own, or need a moment to die.
      for (const pid_t pid : living_descendants(getpid())) kill(pid, SIGKILL);
      constexpr timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
      nanosleep(&moment, nullptr);
    }
    outcome.left_behind -= std::min(outcome.left_behind, report_.helpers.load());
  }

  const Plan& plan_;
  RunReport& report_;
  UniqueFd socket_;
  std::optional<ScratchFolder> scratch_;  // of the run under way
};

}  // namespace

Launcher::Launcher(const Plan& plan) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair for the launcher");
  }
  socket_ = UniqueFd(ends[0]);
  UniqueFd launcher_end(ends[1]);
  process_ = fork();
  if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork the launcher");
  if (process_ > 0) return;
  socket_.reset();
  LauncherProcess(plan, *report_.data(), std::move(launcher_end)).serve();
}

Launcher::~Launcher() {
  socket_.reset();
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

RunOutcome Launcher::run(const RunRequest& request, const std::function<Wish()>& wish, std::chrono::milliseconds tick) {
  const auto died = [] { return std::runtime_error("the launcher process has died; results up to here are kept"); };
  if (send(socket_.get(), &request, sizeof request, MSG_NOSIGNAL) < 0) throw died();
  bool cancelled = false;
  while (true) {
    pollfd watched{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, static_cast<int>(tick.count())) > 0) break;
    const Wish wished = wish();
    if (wished == Wish::so_far) report_.data()->end_soon.store(1);
    if (wished != Wish::nothing || cancelled) continue;
    cancelled = true;
    if (send(socket_.get(), &cancel_word, sizeof cancel_word, MSG_NOSIGNAL) < 0) throw died();
  }
  RunOutcome outcome;
  if (recv(socket_.get(), &outcome, sizeof outcome, 0) != sizeof outcome) throw died();
  return outcome;
}

std::string failure_reason(const RunOutcome& outcome, const RunReport& report, const RunRequest& request) {
  if (const std::string_view reason = report.failure.reason(); !reason.empty()) return std::string(reason);
  if (outcome.timed_out) {
    return fmt::format("did not end within {}; --time-limit allows more",
                       format_duration(static_cast<double>(request.time_limit_ns)));
  }
  if (outcome.cancelled) return "was interrupted";
  if (outcome.status != 0) return fmt::format("the run's process {}", describe_status(outcome.status));
  if (report.finished.load() != 1) return "the run's process ended before its run";
  if (outcome.left_behind != 0) return fmt::format("left {} processes behind", outcome.left_behind);
  return {};
}

}  // namespace bench
