// How jobs are run: once for each round, and once more for their memory.
#include <fmt/format.h>

#include "harness/session/plan_session.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

std::optional<Sample> run(PlanSession& session, GroupState& state, std::size_t cell) {
  const std::optional<RunOutcome> outcome = session.measure(state, cell);
  if (!outcome) return std::nullopt;
  return make_sample(session.report(), state.rounds, outcome->user_ns, outcome->system_ns,
                     session.plan().groups[state.group].job->tallies.size());
}

// Memory takes a run of its own, since reading it stops the run.
void measure_memory(PlanSession& session, GroupState& state, std::size_t index) {
  CellResult& result = session.results().cells[index];
  const Cell& cell = session.plan().cells[index];
  if (!session.plan().measure_memory || result.samples.empty()) return;
  const RunRequest request{.kind = RunKind::memory,
                           .cell = static_cast<std::uint32_t>(index),
                           .units_hint = result.samples.front().units_peak,
                           .time_limit_ns = cell.time_limit_ns};
  const auto outcome =
      session.launch(request, fmt::format("memory · {} · {}", state.name, cell.label), "in its memory run: ");
  if (!outcome) return;
  result.peak_memory_bytes = outcome->peak_memory_bytes;
  session.save();
}

std::string figure(const Sample& sample) { return format_duration(sample.wall_ns); }

}  // namespace

const SessionKind job_session{
    .prepare = nullptr, .run = run, .figure = figure, .is_settled = nullptr, .measure_memory = measure_memory};

}  // namespace bench
