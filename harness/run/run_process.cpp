#include "harness/run/run_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "harness/load/load_generator.h"
#include "harness/run/helper.h"
#include "harness/run/machine_probes.h"
#include "harness/run/ruler.h"
#include "harness/run/service_run.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "measure/job_run.h"
#include "measure/primitive_run.h"
#include "measure/usage.h"
#include "models/hybrid.h"

namespace bench {
namespace {

constexpr RunLength measured_length{};
constexpr RunLength memory_length{.max_batches = 1};

void confine(std::uint32_t cpus) {
  const std::vector<int> available = available_cpu_numbers();
  pin_to(std::span(available).first(std::min<std::size_t>(cpus, available.size())));
}

// The CPU time of a batch's computation as a plain loop: the mean over as many tasks as the time allows, at least one.
double time_plain_loop(const Job& job, const Batch& batch, RunReport& report) {
  constexpr std::int64_t enough_ns = 20'000'000;
  std::uint64_t seen = 0;
  std::uint32_t done = 0;
  const std::int64_t begin_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  std::int64_t used_ns = 0;
  while (used_ns < enough_ns) {
    seen ^= job.compute(batch, done % batch.tasks);
    ++done;
    used_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_ns;
  }
  [[maybe_unused]] const volatile std::uint64_t keep = seen;
  report.plain_loop_ns += used_ns;
  return static_cast<double>(used_ns) / done * batch.tasks;
}

// Does `measured` between two rulers on the CPUs that the calling process may use.
void measure_between_rulers(RunReport& report, const std::function<void()>& measured) {
  const std::vector<int> cpus = available_cpu_numbers();
  Surroundings& surroundings = report.surroundings;
  surroundings.before = measure_ruler(cpus);
  const std::int64_t own_ns = own_and_reaped_usage().cpu_ns;
  const std::int64_t busy_before_ns = busy_ns(cpus);
  const std::int64_t begin_ns = now_ns();
  measured();
  const double all_ns = static_cast<double>(now_ns() - begin_ns) * static_cast<double>(cpus.size());
  const std::int64_t others_ns = busy_ns(cpus) - busy_before_ns - (own_and_reaped_usage().cpu_ns - own_ns);
  if (all_ns > 0) surroundings.others_busy = std::clamp(static_cast<double>(others_ns) / all_ns, 0.0, 1.0);
  surroundings.after = measure_ruler(cpus);
}

const Service& service_named(std::string_view name) {
  const auto service = std::ranges::find(all_services(), name, &Service::name);
  if (service == all_services().end()) throw std::logic_error("no such service for a helper");
  return *service;
}

void run_job(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report) {
  const Cell& cell = plan.cells[request.cell];
  const Group& group = plan.group_of(cell);
  const RunLength length = request.kind == RunKind::memory ? memory_length : measured_length;
  confine(group.cpus);
  Batch batch = group.batch;
  batch.scratch = scratch;
  std::optional<Helper> helper;
  if (!group.job->helper.empty()) batch.helper_port = helper.emplace(service_named(group.job->helper), report).port();
  JobRun job(*group.job, batch, cell.workers, length, report, cell.stack_bytes, job_loops(*cell.model, cell.workers));
  const bool times_loop = group.job->compute && length.max_batches == 0;
  if (times_loop && group.job->fill_scratch && needs_scratch(*group.job, batch)) group.job->fill_scratch(batch);
  measure_between_rulers(report, [&] {
    if (!times_loop) return run_under(*cell.model, job);
    // Right before and right after, since the speed of a machine's CPUs may change from second to second.
    const double before_ns = time_plain_loop(*group.job, batch, report);
    run_under(*cell.model, job);
    report.compute_ns = (before_ns + time_plain_loop(*group.job, batch, report)) / 2;
  });
  if (helper) report.surroundings.others_busy = 0;  // not known: the helper is no part of the run
  if (report.job.batches == 0) throw std::logic_error("the model returned before the run was over");
}

void run_primitive(const Plan& plan, const RunRequest& request, RunReport& report) {
  const Cell& cell = plan.cells[request.cell];
  std::vector<int> cpus = available_cpu_numbers();
  cpus.resize(cell.row->cpus);
  PrimitiveSetup setup{.tasks = plan.group_of(cell).batch.tasks,
                       .units = cell.row->units,
                       .cpus = std::move(cpus),
                       .stack_bytes = cell.stack_bytes};
  if (request.duration_ns != 0) setup.minimum_ns = request.duration_ns;
  confine(cell.row->cpus);
  PrimitiveRun run(std::move(setup), report);
  measure_between_rulers(report, [&] { cell.row->measure(run); });
  if (report.primitive.operations == 0) throw std::logic_error("the primitive measured nothing");
}

void carry_out(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report) {
  if (request.kind == RunKind::machine) {
    report.machine = probe_machine();
    return;
  }
  switch (plan.group_of(plan.cells[request.cell]).kind()) {
    case Kind::job: return run_job(plan, request, scratch, report);
    case Kind::service:
      return request.kind == RunKind::memory ? run_service_memory(plan, request, scratch, report)
                                             : run_service(plan, request, scratch, report);
    case Kind::primitive: return run_primitive(plan, request, report);
  }
}

}  // namespace

void enter_run(pid_t launcher, RunReport& report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher) _exit(1);  // the launcher died before the line above
  report.process_group.store(getpid());
  std::ofstream("/proc/self/oom_score_adj") << 1000;  // where memory runs out, it goes first, and not the harness
  prctl(PR_SET_TIMERSLACK, 1);                        // nanosecond; the default of 50 µs would lengthen every wait
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // standard output belongs to the report
}

void perform_run(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report) {
  try {
    carry_out(plan, request, scratch, report);
    report.finished.store(1);
    _exit(0);
  } catch (const LoadInterrupted& error) {
    report.cut_short.store(1);
    report.failure.set(error.what());
  } catch (const std::exception& error) {
    report.failure.set(error.what());
  }
  _exit(1);
}

}  // namespace bench
