#include "harness/session/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/session/plan_session.h"
#include "harness/summary/summary.h"
#include "harness/text/quantities.h"
#include "measure/clock.h"

namespace bench {
namespace {

const SessionKind& kind_of(const Group& group) {
  return of_kind<SessionKind>(group, {&job_session, &service_session, &primitive_session});
}

}  // namespace

PlanSession::PlanSession(const Plan& plan, const Runs& runs, Progress& progress, const std::function<int()>& interrupts,
                         const std::function<void(const Results&)>& save)
    : plan_(plan),
      runs_(runs),
      progress_(progress),
      interrupts_(interrupts),
      save_(save),
      random_(plan.seed),
      begun_ns_(now_ns()) {
  results_.cells.resize(plan.cells.size());
  results_.common_rates.resize(plan.groups.size());
  for (const Group& group : plan.groups) add_group(group);
}

Results PlanSession::run() {
  save();
  while (!stopped()) {
    GroupState* next = next_group();
    if (!next) break;
    run_round(*next);
  }
  results_.interrupted = interrupts_() > 0;
  results_.elapsed_ns = now_ns() - begun_ns_;
  progress_.clear();
  return std::move(results_);
}

void PlanSession::add_group(const Group& group) {
  GroupState state{.name = group.name(), .group = states_.size(), .cells = {}};
  for (const std::size_t cell : group.cells) {
    if (!plan_.cells[cell].skipped) state.cells.push_back(cell);
  }
  state.done = state.cells.empty();
  states_.push_back(std::move(state));
}

// First all groups have their fewest rounds, in turn; from then on time goes to the one whose intervals are widest.
GroupState* PlanSession::next_group() {
  GroupState* next = nullptr;
  const auto comes_before = [&](const GroupState& one, const GroupState& other) {
    const bool needed = needs_rounds(one);
    if (needed != needs_rounds(other)) return needed;
    return needed || one.width == other.width ? one.rounds < other.rounds : one.width > other.width;
  };
  for (GroupState& state : states_) {
    if (!state.done && (!next || comes_before(state, *next))) next = &state;
  }
  return next;
}

// The fewest there may be, and while there is time a few more where some runs of them may not be believed.
bool PlanSession::needs_rounds(const GroupState& state) const {
  constexpr std::uint32_t few = 2;
  if (state.rounds < plan_.min_rounds) return true;
  if (is_late(state) || state.rounds >= std::min(plan_.min_rounds + few, plan_.max_rounds)) return false;
  return std::ranges::any_of(state.cells, [&](std::size_t cell) {
    const auto is_valid = [](const Sample& sample) { return why_invalid(sample).empty(); };
    return std::cmp_less(std::ranges::count_if(results_.cells[cell].samples, is_valid), plan_.min_rounds);
  });
}

void PlanSession::run_round(GroupState& state) {
  const std::int64_t begun_ns = now_ns();
  const SessionKind& kind = kind_of(plan_.groups[state.group]);
  if (state.rounds == 0 && kind.prepare) kind.prepare(*this, state);
  std::vector<std::size_t> order = state.cells;
  std::ranges::shuffle(order, random_);
  for (const std::size_t cell : order) {
    if (stopped()) return;
    run_cell(state, cell);
  }
  if (state.rounds == 0 && kind.measure_memory) {
    for (const std::size_t cell : std::vector(state.cells)) {
      if (stopped()) break;
      kind.measure_memory(*this, state, cell);
    }
  }
  ++state.rounds;
  state.last_round_ns = now_ns() - begun_ns;
  judge(state);
}

void PlanSession::run_cell(GroupState& state, std::size_t cell) {
  const SessionKind& kind = kind_of(plan_.groups[state.group]);
  CellResult& result = results_.cells[cell];
  if (std::optional<Sample> sample = kind.run(*this, state, cell)) {
    if (plan_.injected_slowdown > 0) slow_down(*sample, plan_.injected_slowdown);
    last_ = fmt::format(" · last: {} {}", plan_.cells[cell].label, kind.figure(*sample));
    result.samples.push_back(std::move(*sample));
  }
  if (kind.is_settled && kind.is_settled(result)) std::erase(state.cells, cell);
  save();
}

std::optional<RunOutcome> PlanSession::launch(const RunRequest& request, const std::string& what,
                                              std::string_view where) {
  progress_.show(what + last_, left_ns());
  const std::int64_t begun_ns = now_ns();
  const RunOutcome outcome = runs_.run(request, [&] {
    look_at_connecting(request, begun_ns);
    if (interrupts_() > 0 && !told_) {
      progress_.line(
          "interrupted: the current run ends first, a load with what it has measured; once more ends it at once");
      told_ = true;
    }
    progress_.show(what + last_, left_ns());
    const int times = interrupts_();
    return times == 0 ? Wish::all : times == 1 ? Wish::so_far : Wish::nothing;
  });
  if (outcome.cancelled || report().cut_short.load() != 0) return std::nullopt;
  if (const std::string reason = failure_reason(outcome, report(), request); !reason.empty()) {
    drop(request.cell, fmt::format("{}{}", where, reason));
    return std::nullopt;
  }
  return outcome;
}

// Nobody may be there to connect to, and the deadline may be a day away: once a plan that is said.
void PlanSession::look_at_connecting(const RunRequest& request, std::int64_t begun_ns) {
  constexpr std::int64_t patience_ns = 3 * second_ns;
  const std::optional<ForeignServer>& server = plan_.group_of(plan_.cells[request.cell]).foreign;
  const Connecting& connecting = report().connecting;
  if (told_of_connecting_ || !server || now_ns() - begun_ns < patience_ns || connecting.established.load() != 0) return;
  LoadCounts counts;
  std::ranges::transform(connecting.errors, counts.errors.begin(), [](const auto& count) { return count.load(); });
  if (counts.errors_total() == 0) return;
  told_of_connecting_ = true;
  progress_.line(fmt::format("no connection to {} yet ({}); it is tried for {} (--connect-deadline)",
                             server->target.text, describe_errors(counts.errors),
                             format_duration_exact(plan_.services.client.connect_deadline.count())));
}

std::optional<RunOutcome> PlanSession::measure(GroupState& state, std::size_t index) {
  const Cell& cell = plan_.cells[index];
  const RunRequest request{
      .kind = RunKind::measure, .cell = static_cast<std::uint32_t>(index), .time_limit_ns = cell.time_limit_ns};
  return launch(request, fmt::format("round {} · {} · {}", state.rounds + 1, state.name, cell.label));
}

// A failed cell runs no more: a hang would cost its time limit in every round.
void PlanSession::drop(std::size_t cell, const std::string& reason) {
  results_.cells[cell].failure = reason;
  std::erase(states_[plan_.cells[cell].group].cells, cell);
  progress_.line(fmt::format("{} failed: {}", plan_.cells[cell].name, reason));
}

bool PlanSession::is_late(const GroupState& state) const {
  return now_ns() - begun_ns_ + state.last_round_ns > plan_.max_time_ns;
}

void PlanSession::judge(GroupState& state) {
  const double width = state.width = widest_half_width(plan_, results_, state.group, state.cells);
  const bool narrow = width <= plan_.wanted_half_width;
  const bool late = is_late(state);
  state.done = state.cells.empty() || state.rounds >= plan_.max_rounds || (!needs_rounds(state) && (narrow || late));
  const std::string widest = state.cells.empty()    ? ""  // all have failed, or have what they need
                             : std::isfinite(width) ? fmt::format(", widest interval ±{:.1f}%", width * 100)
                                                    : ", too few rounds for an interval yet";
  progress_.round_line(fmt::format("{}: round {} took {:.1f} s{}{}", state.name, state.rounds,
                                   static_cast<double>(state.last_round_ns) / second_ns, widest,
                                   state.done && !narrow && late ? "; the plan's time is up" : ""));
}

// About how long the plan still takes: the rounds that it needs at the least, within its time.
std::int64_t PlanSession::left_ns() const {
  double total_ns = 0;
  const std::int64_t elapsed_ns = now_ns() - begun_ns_;
  for (const GroupState& state : states_) {
    if (state.done) continue;
    auto round_ns = static_cast<double>(state.last_round_ns);
    if (round_ns == 0) {
      for (const std::size_t cell : state.cells) round_ns += static_cast<double>(plan_.cells[cell].expected_ns);
    }
    const std::uint32_t rounds = state.rounds < plan_.min_rounds ? plan_.min_rounds - state.rounds : 1;
    total_ns += rounds * round_ns;
  }
  // Beyond its fewest rounds a plan usually goes on until its time is up.
  if (plan_.max_rounds > plan_.min_rounds) {
    total_ns = std::max(total_ns, static_cast<double>(plan_.max_time_ns - elapsed_ns));
  }
  constexpr double most_ns = 1e18;  // what an std::int64_t holds
  return static_cast<std::int64_t>(std::min(total_ns, most_ns));
}

void PlanSession::save() {
  const std::int64_t now = now_ns();
  if (now < next_save_ns_) return;
  results_.elapsed_ns = now - begun_ns_;
  save_(results_);
  next_save_ns_ = now_ns() + 10 * (now_ns() - now);
}

Runs runs_of(Launcher& launcher) {
  return {
      .run = [&](const RunRequest& request, const std::function<Wish()>& wish) { return launcher.run(request, wish); },
      .report = &launcher.report()};
}

Results run_session(const Plan& plan, const Runs& runs, Progress& progress, const std::function<int()>& interrupts,
                    const std::function<void(const Results&)>& save) {
  return PlanSession(plan, runs, progress, interrupts, save).run();
}

}  // namespace bench
