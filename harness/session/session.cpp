#include "harness/session/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "harness/session/rate_search.h"
#include "harness/summary/statistics.h"
#include "harness/text/quantities.h"
#include "measure/clock.h"

namespace bench {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// One workload of the plan and how far it has come.
struct WorkloadState {
  std::string_view name;  // of the job or the service
  std::size_t index = 0;
  std::vector<std::size_t> cells;  // those still in the plan
  std::uint32_t rounds = 0;
  std::int64_t last_round_ns = 0;
  bool done = false;
};

class PlanSession {
 public:
  PlanSession(const Plan& plan, Launcher& launcher, Progress& progress, const std::function<int()>& interrupts,
              const std::function<void(const Results&)>& save)
      : plan_(plan),
        launcher_(launcher),
        progress_(progress),
        interrupts_(interrupts),
        save_(save),
        random_(plan.seed) {
    results_.cells.resize(plan.cells.size());
    results_.common_rates.resize(plan.groups.size());
    for (std::size_t group = 0; group < plan.groups.size(); ++group) add_group(group);
  }

  Results run() {
    while (!stopped()) {
      const auto next = std::ranges::find_if(states_, [](const WorkloadState& state) { return !state.done; });
      if (next == states_.end()) break;
      for (WorkloadState& state : states_) {
        if (!state.done && !stopped()) run_round(state);
      }
    }
    results_.interrupted = interrupts_() > 0;
    results_.elapsed_ns = now_ns() - begun_ns_;
    progress_.clear();
    return std::move(results_);
  }

 private:
  void add_group(std::size_t index) {
    const Group& group = plan_.groups[index];
    auto state = std::ranges::find(states_, group.name(), &WorkloadState::name);
    if (state == states_.end()) {
      states_.push_back({.name = group.name(), .index = states_.size(), .cells = {}});
      state = states_.end() - 1;
    }
    for (const std::size_t cell : group.cells) {
      if (!plan_.cells[cell].skipped) state->cells.push_back(cell);
    }
    state->done = state->cells.empty();
  }

  bool stopped() const { return interrupts_() > 0; }

  void run_round(WorkloadState& state) {
    const std::int64_t begun_ns = now_ns();
    if (state.rounds == 0) find_common_rates(state);
    read_ruler(state, false);
    std::vector<std::size_t> order = state.cells;
    std::ranges::shuffle(order, random_);
    for (const std::size_t cell : order) {
      if (stopped()) return;
      run_cell(state, cell);
    }
    read_ruler(state, true);
    if (state.rounds == 0) {
      for (const std::size_t cell : std::vector(state.cells)) {
        if (stopped()) break;
        is_service(cell) ? run_service_memory(state, cell) : run_memory(state, cell);
      }
    }
    ++state.rounds;
    state.last_round_ns = now_ns() - begun_ns;
    judge(state);
  }

  void read_ruler(const WorkloadState& state, bool after) {
    const RunRequest request{.kind = RunKind::ruler, .time_limit_ns = 10 * second_ns};
    const RunOutcome outcome = launcher_.run(request, [] { return true; });
    if (!failure_reason(outcome, launcher_.report(), request).empty()) return;
    results_.rulers.push_back(
        {.workload = state.index, .round = state.rounds, .after = after, .ruler = launcher_.report().ruler});
  }

  RunOutcome launch(const RunRequest& request, const std::string& what) {
    progress_.show(what, left_ns());
    return launcher_.run(request, [&] {
      if (interrupts_() > 0 && !told_) {
        progress_.line("interrupted: the current run ends first; once more ends it at once");
        told_ = true;
      }
      progress_.show(what, left_ns());
      return interrupts_() < 2;
    });
  }

  bool is_service(std::size_t cell) const { return plan_.group_of(plan_.cells[cell]).service != nullptr; }

  void run_cell(WorkloadState& state, std::size_t index) {
    const Cell& cell = plan_.cells[index];
    const Group& group = plan_.group_of(cell);
    if (!group.service) return run_once(state, index);
    switch (group.load.mode) {
      case RateMode::closed:
      case RateMode::fixed: return keep(index, run_service(state, index, group.load.rate));
      case RateMode::common: return keep(index, run_service(state, index, results_.common_rates[cell.group]));
      case RateMode::search: return keep(index, search_rate(state, index));
    }
  }

  // Of a job or a primitive.
  void run_once(WorkloadState& state, std::size_t index) {
    const Cell& cell = plan_.cells[index];
    const Group& group = plan_.group_of(cell);
    const RunRequest request{
        .kind = RunKind::measure, .cell = static_cast<std::uint32_t>(index), .time_limit_ns = cell.time_limit_ns};
    const RunOutcome outcome =
        launch(request, fmt::format("round {} · {} · {}", state.rounds + 1, state.name, cell.label));
    if (outcome.cancelled) return;
    const std::string reason = failure_reason(outcome, launcher_.report(), request);
    if (!reason.empty()) return drop(state, index, reason);
    const auto make = group.primitive ? make_primitive_sample : make_sample;
    keep(index, make(launcher_.report(), state.rounds, outcome.user_ns, outcome.system_ns));
  }

  void keep(std::size_t index, std::optional<Sample> sample) {
    if (sample) results_.cells[index].samples.push_back(std::move(*sample));
    save();
  }

  // One run of a service at an offered rate, 0 for the closed loop; nothing when it failed or was cut off.
  std::optional<Sample> run_service(WorkloadState& state, std::size_t index, double rate,
                                    std::int64_t duration_ns = 0) {
    const Cell& cell = plan_.cells[index];
    const RunRequest request{.kind = RunKind::measure,
                             .cell = static_cast<std::uint32_t>(index),
                             .rate = rate,
                             .duration_ns = duration_ns,
                             .time_limit_ns = cell.time_limit_ns};
    const std::string at = rate > 0 ? fmt::format(" · {} requests/s", format_count(rate)) : std::string();
    const RunOutcome outcome =
        launch(request, fmt::format("round {} · {} · {}{}", state.rounds + 1, state.name, cell.label, at));
    if (outcome.cancelled) return std::nullopt;
    if (const std::string reason = failure_reason(outcome, launcher_.report(), request); !reason.empty()) {
      drop(state, index, reason);
      return std::nullopt;
    }
    const Group& group = plan_.group_of(cell);
    const std::uint32_t at_once = resolve(cell.model->in_flight, group.load.active, cell.workers);
    const CpuSplit& split = plan_.cpu_split;
    // A foreign server's CPUs are not known.
    const auto load_own = std::ranges::count_if(
        split.client, [&](int cpu) { return std::ranges::find(split.server, cpu) == split.server.end(); });
    const bool shared = !group.foreign && std::cmp_less(load_own, split.client.size());
    return make_service_sample(launcher_.report(), state.rounds, rate,
                               {.usable = cell.model->parallel ? std::min(group.cpus, at_once) : 1,
                                .given = group.cpus,
                                .shared = shared,
                                .load_own = static_cast<std::uint32_t>(load_own)});
  }

  // What a cell answers in the closed loop: where to look for rates that it can bear.
  std::optional<Sample> probe_capacity(WorkloadState& state, std::size_t index) {
    return run_service(state, index, 0, capacity_probe_ns(plan_.services));
  }

  // Rates of an open loop that all models of a group can bear: well below the smallest closed-loop rate. Who leaves
  // connections unserved bears no rate at all, and has a say only when nobody does better.
  void find_common_rates(WorkloadState& state) {
    constexpr double comfortable = 0.6;
    for (std::size_t group = 0; group < plan_.groups.size(); ++group) {
      if (plan_.groups[group].name() != state.name || plan_.groups[group].load.mode != RateMode::common) continue;
      double lowest = 0;
      double lowest_starved = 0;
      for (const std::size_t cell : std::vector(state.cells)) {
        if (plan_.cells[cell].group != group || stopped()) continue;
        const std::optional<Sample> probe = probe_capacity(state, cell);
        if (!probe || probe->service->rate <= 0) continue;
        const Limit limit = probe->service->judgement.limit;
        double& least = limit == Limit::starved ? lowest_starved : lowest;
        if (least == 0 || probe->service->rate < least) least = probe->service->rate;
      }
      if (lowest == 0) lowest = lowest_starved;
      results_.common_rates[group] = std::max(round_down(comfortable * lowest), 1.0);
      if (lowest > 0) {
        progress_.round_line(fmt::format("{}: the common rate is {} requests/s", state.name,
                                         format_count(results_.common_rates[group])));
      }
    }
  }

  // To two significant digits.
  static double round_down(double rate) {
    if (rate < 10) return std::floor(rate);
    const double unit = std::pow(10, std::floor(std::log10(rate)) - 1);
    return std::floor(rate / unit) * unit;
  }

  // The highest rate that keeps the promise, on a grid of 5%: from near the closed-loop rate in growing steps to where
  // it breaks or holds, then by halves.
  std::optional<Sample> search_rate(WorkloadState& state, std::size_t index) {
    const std::optional<Sample> probe = probe_capacity(state, index);
    if (!probe) return std::nullopt;
    RateSearch search(probe->service->rate);
    std::optional<Sample> best;  // of the highest rate that holds; without such, of the lowest that was tried
    bool holds = false;
    while (!stopped() && !search.done()) {
      const double rate = search.next_rate();
      std::optional<Sample> sample = run_service(state, index, rate);
      if (!sample) break;
      const RateTry tried = judge_rate(*sample, plan_.services.slo);
      search.tell(tried);
      const bool better =
          !best || (tried.kept && !holds) || (tried.kept == holds && (rate > best->service->offered_rate) == holds);
      if (better) best = std::move(sample);
      holds |= tried.kept;
    }
    if (best) best->service->knee = search.knee();
    return best;  // of a search that was cut short, too: each of its tries is a run
  }

  // Memory takes a run of its own, since reading it stops the run.
  void run_memory(WorkloadState& state, std::size_t index) {
    CellResult& result = results_.cells[index];
    const Cell& cell = plan_.cells[index];
    if (result.samples.empty() || cell.row) return;
    const RunRequest request{.kind = RunKind::memory,
                             .cell = static_cast<std::uint32_t>(index),
                             .units_hint = result.samples.front().units_peak,
                             .time_limit_ns = cell.time_limit_ns};
    const RunOutcome outcome =
        launch(request, fmt::format("memory · {} · {}", plan_.group_of(cell).name(), cell.label));
    if (outcome.cancelled) return;
    if (const std::string reason = failure_reason(outcome, launcher_.report(), request); !reason.empty()) {
      return drop(state, index, "in its memory run: " + reason);
    }
    result.peak_memory_bytes = outcome.peak_memory_bytes;
    save();
  }

  // The result of a cell whose memory runs would be the same: one that differs in how many connections are measured
  // otherwise. Null without one.
  const CellResult* same_memory(std::size_t index) const {
    const Cell& cell = plan_.cells[index];
    const ServiceLoad& load = plan_.group_of(cell).load;
    for (std::size_t other = 0; other < plan_.cells.size(); ++other) {
      const Cell& candidate = plan_.cells[other];
      const Group& group = plan_.group_of(candidate);
      if (results_.cells[other].memory && candidate.model == cell.model && candidate.workers == cell.workers &&
          candidate.stack_bytes == cell.stack_bytes && group.service == plan_.group_of(cell).service &&
          group.load.parameters == load.parameters && group.load.pipeline == load.pipeline &&
          memory_counts(group.load.connections) == memory_counts(load.connections)) {
        return &results_.cells[other];
      }
    }
    return nullptr;
  }

  // Connections' memory as a slope over counts, each in a run of its own: what does not grow with them drops out.
  void run_service_memory(WorkloadState& state, std::size_t index) {
    const Cell& cell = plan_.cells[index];
    if (!plan_.services.memory || results_.cells[index].samples.empty()) return;
    if (cell.model->in_flight != Count::tasks) return;  // it does not hold so many at once
    if (const CellResult* same = same_memory(index)) {
      results_.cells[index].memory = same->memory;
      return save();
    }
    std::vector<MemoryReading> readings;
    for (const std::uint32_t connections : memory_counts(plan_.group_of(cell).load.connections)) {
      const RunRequest request{.kind = RunKind::memory,
                               .cell = static_cast<std::uint32_t>(index),
                               .connections = connections,
                               .time_limit_ns = cell.time_limit_ns};
      const RunOutcome outcome =
          launch(request, fmt::format("memory · {} · {} · {} connections", state.name, cell.label, connections));
      if (outcome.cancelled) return;
      if (const std::string reason = failure_reason(outcome, launcher_.report(), request); !reason.empty()) {
        return drop(state, index, "in its memory run: " + reason);
      }
      const ServiceMeasurement& measured = launcher_.report().service;
      if (measured.open_at_barrier < static_cast<std::int32_t>(connections)) {
        progress_.line(fmt::format("{}: memory unknown, the server had only {} of {} connections", cell.name,
                                   measured.open_at_barrier, connections));
        return;
      }
      readings.push_back({connections, measured.user_bytes, measured.kernel_bytes});
    }
    results_.cells[index].memory = memory_slope(readings);
    save();
  }

  // A failed cell runs no more: a hang would cost its time limit in every round.
  void drop(WorkloadState& state, std::size_t index, const std::string& reason) {
    results_.cells[index].failure = reason;
    std::erase(state.cells, index);
    progress_.line(fmt::format("{} failed: {}", plan_.cells[index].name, reason));
  }

  void judge(WorkloadState& state) {
    std::vector<const CellResult*> cells;
    for (const std::size_t cell : state.cells) cells.push_back(&results_.cells[cell]);
    const double width = widest_half_width(cells);
    const bool narrow = width <= plan_.wanted_half_width;
    const bool late = now_ns() - begun_ns_ + state.last_round_ns > plan_.max_time_ns;
    state.done =
        cells.empty() || state.rounds >= plan_.max_rounds || (state.rounds >= plan_.min_rounds && (narrow || late));
    const std::string widest = std::isfinite(width) ? fmt::format("widest interval ±{:.1f}%", width * 100)
                                                    : std::string("too few rounds for an interval yet");
    progress_.round_line(fmt::format("{}: round {} took {:.1f} s, {}{}", state.name, state.rounds,
                                     static_cast<double>(state.last_round_ns) / second_ns, widest,
                                     state.done && !narrow && late ? "; the plan's time is up" : ""));
  }

  // About how long the plan still takes: the rounds that it needs at the least, within its time.
  std::int64_t left_ns() const {
    double total_ns = 0;
    const std::int64_t elapsed_ns = now_ns() - begun_ns_;
    for (const WorkloadState& state : states_) {
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

  // After every run, but a tenth of the time at the most: a document of many samples takes long to write.
  void save() {
    const std::int64_t now = now_ns();
    if (now < next_save_ns_) return;
    results_.elapsed_ns = now - begun_ns_;
    save_(results_);
    next_save_ns_ = now_ns() + 10 * (now_ns() - now);
  }

  const Plan& plan_;
  Launcher& launcher_;
  Progress& progress_;
  const std::function<int()>& interrupts_;
  const std::function<void(const Results&)>& save_;
  std::mt19937_64 random_;
  bool told_ = false;  // that the first interrupt has been seen
  std::int64_t begun_ns_ = now_ns();
  std::int64_t next_save_ns_ = 0;
  std::vector<WorkloadState> states_;
  Results results_;
};

}  // namespace

Results run_session(const Plan& plan, Launcher& launcher, Progress& progress, const std::function<int()>& interrupts,
                    const std::function<void(const Results&)>& save) {
  return PlanSession(plan, launcher, progress, interrupts, save).run();
}

double widest_half_width(const std::vector<const CellResult*>& cells) {
  double widest = 0;
  for (const CellResult* cell : cells) {
    std::vector<double> wall_ns;
    for (const Sample& sample : cell->samples) wall_ns.push_back(sample.wall_ns);
    if (wall_ns.empty()) return std::numeric_limits<double>::infinity();
    const Estimate estimate = median_estimate(wall_ns);
    if (!estimate.bounded) return std::numeric_limits<double>::infinity();
    widest = std::max(widest, estimate.half_width());
  }
  return widest;
}

}  // namespace bench
