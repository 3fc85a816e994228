#include "harness/app/run_command.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "harness/app/interrupts.h"
#include "harness/report/report.h"
#include "harness/report/result_file.h"
#include "harness/report/results.h"
#include "harness/run/launcher.h"
#include "harness/run/neighbours.h"
#include "harness/run/no_halt.h"
#include "harness/session/progress.h"
#include "harness/session/session.h"
#include "harness/text/quantities.h"
#include "harness/text/terminal.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

void print_report(const ResultContext& context, const Results& results) {
  const Options& options = context.options;
  if (options.format == Format::json || options.out == "-") print(document_text(make_document(context, results)));
  if (options.quiet || options.out == "-") return;
  switch (options.format) {
    case Format::json: break;
    case Format::csv: print(report_csv(context.plan, results)); break;
    case Format::console:
    case Format::markdown: print(report_text(context.plan, results, look_of(options))); break;
  }
}

// A crew ends a plan on its own: what starts its processes gives them a second once one is gone, or is to be.
int interrupts_of(const Crew* crew) {
  if (!crew) return interrupts();
  return crew->lost().empty() ? interrupts() : 2;
}

// Whatever ends a plan, the others are to know.
class DismissAtEnd {
 public:
  explicit DismissAtEnd(Crew* crew) : crew_(crew) {}
  DismissAtEnd(const DismissAtEnd&) = delete;
  DismissAtEnd& operator=(const DismissAtEnd&) = delete;
  ~DismissAtEnd() {
    if (crew_) crew_->dismiss();
  }

 private:
  Crew* crew_;
};

Exit exit_of(const Plan& plan, const Results& results) {
  if (results.interrupted) return Exit::interrupted;
  const auto failed = [](const CellResult& cell) { return cell.failure.has_value(); };
  const auto skipped = [](const Cell& cell) { return cell.skipped.has_value(); };
  const bool nothing_ran = std::ranges::all_of(plan.cells, skipped);
  // A load on somebody else's server is there to see whether it answers.
  const auto went_wrong = [](const Sample& sample) {
    return sample.service &&
           (sample.service->judgement.limit == Limit::errors || sample.service->load.requests_answered() == 0);
  };
  for (std::size_t index = 0; index < plan.cells.size(); ++index) {
    const bool foreign = plan.group_of(plan.cells[index]).foreign.has_value();
    if (foreign && std::ranges::any_of(results.cells[index].samples, went_wrong)) return Exit::failed;
  }
  return nothing_ran || std::ranges::any_of(results.cells, failed) ? Exit::failed : Exit::done;
}

// Nothing where they fail or somebody interrupts them: nothing of the plan rests on them.
MachineProbes probes_of(Launcher& launcher) {
  const RunRequest request{.kind = RunKind::machine, .time_limit_ns = 10 * second_ns};
  const RunOutcome outcome = launcher.run(request, [] { return interrupts() == 0 ? Wish::all : Wish::nothing; });
  const bool failed = outcome.cancelled || !failure_reason(outcome, launcher.report(), request).empty();
  return failed ? MachineProbes{} : launcher.report().machine;
}

}  // namespace

bool is_another_rank() {
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const char* rank = std::getenv(variable)) return std::string_view(rank) != "0";
  }
  return false;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw std::system_error(errno, std::generic_category(), "write to standard output");
  }
}

bool emphasis(const Options& options) {
  if (options.color != Color::automatic) return options.color == Color::always;
  const char* no_color = std::getenv("NO_COLOR");
  return takes_escapes(STDOUT_FILENO) && !(no_color && *no_color);
}

ReportLook look_of(const Options& options) {
  return {.format = options.format,
          .emphasis = emphasis(options),
          .width = terminal_width(STDOUT_FILENO),
          .columns = options.columns,
          .details = options.details};
}

std::optional<ResultFile> result_file(const Options& options, const Machine& machine) {
  if (options.out == "-") return std::nullopt;
  if (options.out.empty()) return std::optional<ResultFile>(std::in_place, default_result_path(machine), Taken::number);
  return std::optional<ResultFile>(std::in_place, options.out, options.force ? Taken::replace : Taken::refuse);
}

void await_quiet(const Options& options, Progress& progress) {
  constexpr std::chrono::milliseconds glance{100};
  const std::chrono::nanoseconds patience(options.wait_for_quiet_ns);
  if (!options.progress && patience.count() == 0) return;
  Neighbours seen = look_at_neighbours(glance);
  if (!are_disturbing(seen)) return;
  if (patience.count() == 0) {
    progress.line(describe(seen) + "; --wait-for-quiet=TIME waits until they do not");
    return;
  }
  progress.line(fmt::format("{}; waiting until they do not, up to {}", describe(seen),
                            format_duration_exact(options.wait_for_quiet_ns)));
  seen = wait_for_quiet(patience, look_at_neighbours, [] { return interrupts() > 0; });
  if (are_disturbing(seen)) progress.line(fmt::format("going on: {}", describe(seen)));
}

Exit run_and_report(const Options& options, const std::function<Plan(const Machine&)>& make, JoinCrew join) {
  if (!proc_knows_this_process()) {
    throw std::runtime_error(
        "/proc is missing or that of another PID namespace, so that what runs use cannot be read; mount its own: "
        "mount -t proc proc /proc, or unshare --mount-proc");
  }
  raise_descriptor_limit();
  Machine machine = read_machine();
  Plan plan = make(machine);
  check_columns(plan, options.columns);
  if (options.dry_run) {
    if (join && is_another_rank()) return Exit::done;
    print(plan_text(plan));
    return Exit::done;
  }
  const UniqueFd no_halt = plan.services.no_halt ? keep_cpus_from_halting() : UniqueFd();
  Launcher launcher(plan);
  const std::unique_ptr<Crew> crew =
      options.over.mpi ? join({.options = options, .machine = machine, .plan = plan, .launcher = launcher}) : nullptr;
  if (crew && !crew->leads()) {
    crew->follow();
    return Exit::done;
  }
  const DismissAtEnd dismiss(crew.get());
  if (crew) crew->skip_what_does_not_fit(plan);
  std::optional<ResultFile> file = result_file(options, machine);
  count_interrupts();
  Progress progress(options.progress);
  if (crew) {
    for (const CrewHost& host : crew->hosts()) {
      if (!host.warning.empty())
        progress.line(fmt::format("rank {} on host {} {}", host.rank, host.host, host.warning));
    }
  }
  await_quiet(options, progress);
  if (plan.measure_memory) machine.probes = probes_of(launcher);
  const ResultContext context{.options = options,
                              .machine = machine,
                              .plan = plan,
                              .date = iso_time(),
                              .hosts = crew ? crew->hosts() : std::vector<CrewHost>()};
  std::optional<std::system_error> problem;  // of the last write; a plan is not lost to a disk that is full
  const auto save = [&](const Results& results) {
    if (!file) return;
    try {
      file->write(make_document(context, results));
      problem.reset();
    } catch (const std::system_error& error) {
      if (!problem) progress.line(fmt::format("{}; the plan goes on", error.what()));
      problem = error;
    }
  };
  Results results = run_session(
      plan, crew ? crew->runs() : runs_of(launcher), progress, [&] { return interrupts_of(crew.get()); }, save);
  const std::string lost = crew ? crew->lost() : "";
  if (!lost.empty()) results.interrupted = false;  // but failed
  save(results);
  print_report(context, results);
  if (problem) throw *problem;
  if (!lost.empty()) throw std::runtime_error(fmt::format("{}; results up to here are kept", lost));
  if (file && options.progress) progress.line(fmt::format("wrote {}", file->path()));
  return exit_of(plan, results);
}

}  // namespace bench
