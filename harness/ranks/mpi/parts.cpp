#include "harness/ranks/mpi/parts.h"

#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "harness/ranks/merge.h"

namespace bench {

Parts::Parts(const CrewSetup& setup, const Joined& joined, std::uint32_t rank, std::function<bool()> look_around)
    : setup_(setup),
      joined_(joined),
      rank_(rank),
      look_around_(std::move(look_around)),
      reductions_([this](MPI_Request& request) { return await(request); }) {}

Word Parts::run(RunRequest request, const std::function<Wish(RunSteps&)>& look) {
  if (request.part.part == RunPart::load && !joined_.roles.servers.empty()) {
    request.part.server = joined_.ways.at(server_of(request));
  }
  last_ = request;
  RunSteps& steps = setup_.launcher.steps();
  std::memset(static_cast<void*>(&steps), 0, sizeof steps);
  return end_of(request, setup_.launcher.run(
                             request, [&] { return look(steps); }, glance));
}

void Parts::go_on(RunSteps& steps, std::uint32_t step, std::uint32_t port) {
  if (port != 0) steps.port.store(port);
  open_step(steps, static_cast<RunStep>(step));
}

Word Parts::end_of(const RunRequest& request, const RunOutcome& outcome) const {
  const RunReport& report = setup_.launcher.report();
  Word word{.kind = Word::Kind::ended,
            .outcome = outcome,
            .server = {.accepted = report.server.accepted.load(),
                       .open_peak = report.server.open_peak.load(),
                       .refused = report.server.refused.load(),
                       .timed_out = report.server.timed_out.load(),
                       .units_peak = report.units_peak.load(),
                       .to_stop_ns = report.service.to_stop_ns,
                       .surroundings = report.surroundings,
                       .throttling = report.throttling}};
  copy_text(failure_reason(outcome, report, request), word.reason);
  return word;
}

std::uint32_t Parts::server_of(const RunRequest& request) const {
  return joined_.roles.servers[setup_.plan.cells[request.cell].server];
}

bool Parts::reduce(bool took_part, RunReport& merged) {
  const std::optional<RunRequest> part = took_part ? last_ : std::nullopt;
  const RunReport& own = part ? setup_.launcher.report() : *nothing_.data();
  GeneratorFindings findings;
  if (part && part->part.part == RunPart::load) {
    findings = findings_of(own, rank_, setup_.machine.host, part->rate / part->part.generators);
  }
  if (!reductions_.add_up(own, merged)) return false;
  const std::vector<GeneratorFindings>& all = reductions_.collect(findings);
  if (all.empty()) return rank_ != 0;
  for (const std::uint32_t rank : joined_.roles.generators) merged.generators[merged.generator_count++] = all[rank];
  return true;
}

// Until it is done, or a rank was lost, without which it never will be.
bool Parts::await(MPI_Request& request) const {
  while (look_around_()) {
    int done = 0;
    succeed(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "reduce");
    if (done != 0) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return false;
}

}  // namespace bench
