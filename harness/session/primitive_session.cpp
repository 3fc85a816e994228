// How primitives are run: once for each round; those that are about memory measure it in the same run.
#include "harness/session/plan_session.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

std::optional<Sample> run(PlanSession& session, GroupState& state, std::size_t cell) {
  const std::optional<RunOutcome> outcome = session.measure(state, cell);
  if (!outcome) return std::nullopt;
  return make_primitive_sample(session.report(), state.rounds, outcome->user_ns, outcome->system_ns);
}

std::string figure(const Sample& sample) { return format_duration(sample.wall_ns); }

}  // namespace

const SessionKind primitive_session{
    .prepare = nullptr, .run = run, .figure = figure, .is_settled = nullptr, .measure_memory = nullptr};

}  // namespace bench
