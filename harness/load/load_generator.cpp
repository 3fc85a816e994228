#include "harness/load/load_generator.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "harness/load/worker_process.h"
#include "measure/clock.h"
#include "measure/process.h"

namespace bench {
namespace {

// From the announcement of a phase to its beginning: all workers shall be awake by then.
constexpr std::int64_t ahead_ns = 1'000'000;

// How often it is asked during a phase whether that is enough.
constexpr std::int64_t glance_ns = second_ns / 10;

UniqueFd make_eventfd() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) throw std::system_error(errno, std::generic_category(), "eventfd for the load");
  return fd;
}

std::uint32_t count_workers(const ProcessShares& shares) {
  std::size_t workers = 0;
  for (const auto& of_process : shares) workers += of_process.size();
  return static_cast<std::uint32_t>(workers);
}

}  // namespace

LoadGenerator::LoadGenerator(const LoadPlan& plan, std::span<const int> cpus)
    : plan_(plan),
      shares_(deal(plan, connections_per_process())),
      workers_(count_workers(shares_)),
      reports_(workers_),
      done_(make_eventfd()) {
  for (std::uint32_t worker = 0; worker < workers_; ++worker) wakes_.push_back(make_eventfd());
  try {
    start_processes(cpus);
  } catch (...) {
    kill_all();
    throw;
  }
}

LoadGenerator::~LoadGenerator() { kill_all(); }

void LoadGenerator::start_processes(std::span<const int> cpus) {
  const pid_t parent = getpid();
  // Milliseconds never come twice within the minute that a TIME_WAIT lasts.
  const auto first_source = static_cast<std::uint64_t>(now_ns() / 1'000'000);
  for (auto& of_process : shares_) {
    for (WorkerShare& share : of_process) share.first_source = first_source;
  }
  std::vector<WorkerLink> links;
  for (std::uint32_t worker = 0; worker < workers_; ++worker) {
    links.push_back({control_[0], reports_[worker], wakes_[worker].get(), done_.get()});
  }
  processes_.reserve(shares_.size());
  for (const auto& shares : shares_) {
    const WorkerProcess process{.plan = plan_,
                                .shares = shares,
                                .links = std::span(links).subspan(shares.front().worker, shares.size()),
                                .cpus = cpus,
                                .control = control_[0]};
    const pid_t pid = fork();
    if (pid == 0) run_worker_process(process, parent);
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork a process of the load generator");
    processes_.push_back({pid, watch_process(pid)});
    if (!processes_.back().ended.valid()) throw std::system_error(errno, std::generic_category(), "pidfd_open");
  }
}

void LoadGenerator::kill_all() noexcept {
  for (const Process& process : processes_) {
    if (process.pid > 0) kill(process.pid, SIGKILL);
  }
  int status = 0;
  for (Process& process : processes_) reap(process, status);
}

LoadReport LoadGenerator::run(const std::function<void(Edge)>& at_edge, const std::function<bool()>& is_enough,
                              Connecting* connecting, const std::function<void()>& at_connected) {
  const std::int64_t begun_ns = now_ns();
  begin(LoadPhase::connect);
  const auto check = [&](std::string_view what) {
    if (is_enough()) throw LoadInterrupted(fmt::format("was interrupted while {}", what));
  };
  await(LoadPhase::connect, now_ns() + (plan_.connect_deadline + plan_.patience).count(), [&] {
    if (connecting) tell(*connecting);
    check("its connections were made");
  });
  const std::int64_t connect_phase_ns = now_ns() - begun_ns;
  at_connected();
  const bool any = std::ranges::any_of(reports_.span(), [](const WorkerReport& report) {  //
    return report.connections_established != 0;
  });
  std::chrono::nanoseconds window{0};
  if (any && plan_.warmup.count() > 0) load_phase(LoadPhase::warm_up, plan_.warmup, is_enough, [] {});
  if (any) {
    check("it warmed up");
    at_edge(Edge::begin);
    window = load_phase(LoadPhase::window, plan_.duration, is_enough, [&] { at_edge(Edge::stop); });
    at_edge(Edge::end);
  }
  begin(LoadPhase::finish);
  await_end();
  LoadReport report = merged();
  report.connect_phase_ns = connect_phase_ns;
  report.wall_ns = window.count();
  if (any && window != plan_.duration) stretch(report.replies_by_slice, window, plan_.duration);
  return report;
}

// Returns how long the phase was.
std::chrono::nanoseconds LoadGenerator::load_phase(LoadPhase phase, std::chrono::nanoseconds duration,
                                                   const std::function<bool()>& is_enough,
                                                   const std::function<void()>& at_stop) {
  const std::int64_t begin_ns = now_ns() + ahead_ns;
  std::int64_t end_ns = begin_ns + duration.count();
  control_[0].begin_ns.store(begin_ns, std::memory_order_relaxed);
  control_[0].end_ns.store(end_ns, std::memory_order_relaxed);
  begin(phase);
  bool shortened = false;
  for (std::int64_t at_ns = now_ns(); at_ns < end_ns; at_ns = now_ns()) {
    sleep_until_news(std::min(end_ns, at_ns + glance_ns));
    look_for_deaths();
    if (shortened || !is_enough()) continue;
    shortened = true;
    end_ns = std::min(end_ns, std::max(begin_ns, now_ns()) + ahead_ns);
    control_[0].end_ns.store(end_ns, std::memory_order_relaxed);
    wake_workers();
  }
  at_stop();
  await(phase, end_ns + (plan_.drain + plan_.patience).count());
  return std::chrono::nanoseconds(end_ns - begin_ns);
}

void LoadGenerator::begin(LoadPhase phase) {
  control_[0].phase.store(phase, std::memory_order_release);
  wake_workers();
}

void LoadGenerator::wake_workers() {
  constexpr std::uint64_t one = 1;
  for (const UniqueFd& wake : wakes_) {
    if (write(wake.get(), &one, sizeof one) != sizeof one) {
      throw std::system_error(errno, std::generic_category(), "wake a load worker");
    }
  }
}

void LoadGenerator::await(LoadPhase phase, std::int64_t deadline_ns, const std::function<void()>& at_glance) {
  const auto is_done = [phase](const WorkerReport& report) {
    return report.done.load(std::memory_order_acquire) >= phase;
  };
  while (!std::ranges::all_of(reports_.span(), is_done)) {
    if (now_ns() >= deadline_ns) throw std::runtime_error("a worker of the load generator does not answer");
    sleep_until_news(std::min(deadline_ns, now_ns() + glance_ns));
    look_for_deaths();
    at_glance();
  }
}

// Workers count on meanwhile.
void LoadGenerator::tell(Connecting& connecting) const {
  std::uint64_t established = 0;
  std::array<std::uint64_t, load_error_kinds> errors{};
  for (WorkerReport& worker : reports_.span()) {
    established += std::atomic_ref(worker.connections_established).load(std::memory_order_relaxed);
    for (std::size_t kind = 0; kind < errors.size(); ++kind) {
      errors[kind] += std::atomic_ref(worker.errors[kind]).load(std::memory_order_relaxed);
    }
  }
  connecting.established.store(established, std::memory_order_relaxed);
  for (std::size_t kind = 0; kind < errors.size(); ++kind) {
    connecting.errors[kind].store(errors[kind], std::memory_order_relaxed);
  }
}

// Throws when a process has ended.
void LoadGenerator::look_for_deaths() {
  for (Process& process : processes_) {
    pollfd watched{.fd = process.ended.get(), .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, 0) > 0) report_death(process);
  }
}

// Until all processes have ended. All is reported by now: one that does not end in time by itself, since the threads of
// a server keep the CPUs busy while thousands of its connections are closed, is ended.
void LoadGenerator::await_end() {
  const std::int64_t deadline_ns = now_ns() + plan_.patience.count();
  for (Process& process : processes_) {
    pollfd watched{.fd = process.ended.get(), .events = POLLIN, .revents = 0};
    // Each is looked at once, even after the deadline: it may have ended with an error of its own.
    for (std::int64_t left_ns = 1; watched.revents == 0 && left_ns > 0; left_ns = deadline_ns - now_ns()) {
      const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
      ppoll(&watched, 1, &timeout, nullptr);
    }
    const bool ended = watched.revents != 0;
    if (!ended) kill(process.pid, SIGKILL);
    int status = 0;
    const pid_t pid = process.pid;
    reap(process, status);
    if (ended && status != 0) {
      throw std::runtime_error(fmt::format("process {} of the load generator {}", pid, describe_status(status)));
    }
  }
}

// Sleeps until a worker has done its phase or a process has ended, at the longest until the deadline.
void LoadGenerator::sleep_until_news(std::int64_t deadline_ns) {
  std::vector<pollfd> watched{{.fd = done_.get(), .events = POLLIN, .revents = 0}};
  for (const Process& process : processes_) watched.push_back({process.ended.get(), POLLIN, 0});
  const std::int64_t left_ns = deadline_ns - now_ns();
  if (left_ns <= 0) return;
  const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
  ppoll(watched.data(), watched.size(), &timeout, nullptr);
  std::uint64_t count = 0;
  [[maybe_unused]] const auto size = read(done_.get(), &count, sizeof count);  // the reports say who is done
}

void LoadGenerator::report_death(Process& process) {
  int status = 0;
  const pid_t pid = process.pid;
  reap(process, status);
  const std::string_view reason = control_[0].failure.reason();
  throw std::runtime_error(fmt::format("process {} of the load generator {}{}{}", pid, describe_status(status),
                                       reason.empty() ? "" : ": ", reason));
}

void LoadGenerator::reap(Process& process, int& status) noexcept {
  if (process.pid <= 0) return;
  while (waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
  }
  process.pid = -1;
}

LoadReport LoadGenerator::merged() const {
  LoadReport report;
  report.processes = static_cast<std::uint32_t>(shares_.size());
  report.workers = workers_;
  report.connections_asked = plan_.connections;
  report.active_asked = plan_.active;
  report.class_count = plan_.classes;
  for (const WorkerReport& worker : reports_.span()) merge(report, worker);
  report.connections_failed = report.connections_asked - report.connections_established;
  return report;
}

}  // namespace bench
