// How services are run: at a rate that is given, found out for all models together or searched for each, and for their
// connections' memory.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "harness/session/plan_session.h"
#include "harness/session/rate_search.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

// As far as the run's report tells of them: the server may have been on another machine, and the load on others yet.
ServerCpus cpus_of(const Plan& plan, const Cell& cell, const RunReport& report) {
  const Group& group = plan.group_of(cell);
  const std::uint32_t at_once = resolve(cell.model->in_flight, group.load.active, cell.workers);
  const CpuSplit& split = plan.cpu_split;
  const auto load_own = std::ranges::count_if(
      split.client, [&](int cpu) { return std::ranges::find(split.server, cpu) == split.server.end(); });
  // A foreign server's CPUs are not known.
  const bool on_this_machine = !group.foreign && report.generator_count == 0;
  const bool shared = on_this_machine && std::cmp_less(load_own, split.client.size());
  const std::uint32_t server_cpus = report.service.server_cpus;
  const std::uint32_t given = server_cpus != 0 ? server_cpus : group.cpus;
  return {.usable = cell.model->parallel ? std::min(given, at_once) : 1,
          .given = given,
          .shared = shared,
          .load_own = static_cast<std::uint32_t>(load_own)};
}

ServerCounts counts_of(const Cell& cell, const Group& group) {
  if (group.foreign || cell.model->is_ideal) return ServerCounts::nothing;
  switch (group.service->transport) {
    case Transport::tcp: return ServerCounts::connections;
    case Transport::udp: return ServerCounts::datagrams;
    case Transport::udp_transfers: return ServerCounts::transfers;
  }
  return ServerCounts::nothing;
}

// One run at an offered rate, 0 for the closed loop.
std::optional<Sample> run_at(PlanSession& session, GroupState& state, std::size_t index, double rate,
                             std::optional<std::chrono::nanoseconds> duration = std::nullopt) {
  const Cell& cell = session.plan().cells[index];
  const ServiceLoad& load = session.plan().group_of(cell).load;
  const RunRequest request{
      .kind = RunKind::measure,
      .cell = static_cast<std::uint32_t>(index),
      .rate = rate,
      .duration_ns = duration.value_or(window_of(load, session.plan().services.client, rate)).count(),
      .time_limit_ns = cell.time_limit_ns};
  const std::string at = rate > 0 ? fmt::format(" · {} requests/s", format_count(rate)) : std::string();
  const auto outcome =
      session.launch(request, fmt::format("round {} · {} · {}{}", state.rounds + 1, state.name, cell.label, at));
  if (!outcome) return std::nullopt;
  return make_service_sample(session.report(), state.rounds, rate, cpus_of(session.plan(), cell, session.report()),
                             counts_of(cell, session.plan().group_of(cell)));
}

// What a cell answers in the closed loop: where to look for rates that it can bear.
std::optional<Sample> probe_capacity(PlanSession& session, GroupState& state, std::size_t index) {
  const Plan& plan = session.plan();
  return run_at(session, state, index, 0, capacity_probe(plan.group_of(plan.cells[index]).load, plan.services.client));
}

// To two significant digits.
double round_down(double rate) {
  if (rate < 10) return std::floor(rate);
  const double unit = std::pow(10, std::floor(std::log10(rate)) - 1);
  return std::floor(rate / unit) * unit;
}

// A rate of an open loop that all models of some groups can bear: well below the smallest closed-loop rate. A model
// that leaves connections unserved bears no rate at all, and counts only if every model does.
double find_common_rate(PlanSession& session, GroupState& state, const std::vector<std::size_t>& groups) {
  constexpr double comfortable = 0.6;
  double lowest = 0;
  double lowest_starved = 0;
  const Plan& plan = session.plan();
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    if (std::ranges::find(groups, plan.cells[cell].group) == groups.end()) continue;
    if (plan.cells[cell].model->is_ideal) continue;
    if (plan.cells[cell].skipped || session.results().cells[cell].failure || session.stopped()) continue;
    const std::optional<Sample> probe = probe_capacity(session, state, cell);
    if (!probe || probe->service->rate <= 0) continue;
    const Limit limit = probe->service->judgement.limit;
    double& least = limit == Limit::starved ? lowest_starved : lowest;
    if (least == 0 || probe->service->rate < least) least = probe->service->rate;
  }
  if (lowest == 0) lowest = lowest_starved;
  const double rate = std::max(round_down(comfortable * lowest), 1.0);
  if (lowest == 0 && session.stopped()) return rate;
  const std::string_view why = lowest > 0 ? "" : ", since no model answered a request in the closed loop";
  session.progress().round_line(
      fmt::format("{}: the common rate is {} requests/s{}", state.name, format_count(rate), why));
  return rate;
}

// Groups that differ in how many connections there are, 10 and more, share a rate, since what a request costs depends
// on it: along a sweep only one thing changes.
bool shares_rate(const Group& one, const Group& other) {
  constexpr std::uint32_t few = 10;
  const ServiceLoad& a = one.load;
  const ServiceLoad& b = other.load;
  if (one.service != other.service || a.mode != RateMode::common || b.mode != RateMode::common) return false;
  return std::min(a.connections, b.connections) >= few && a.parameters == b.parameters && a.pipeline == b.pipeline;
}

void prepare(PlanSession& session, GroupState& state) {
  const std::vector<Group>& groups = session.plan().groups;
  std::vector<double>& rates = session.results().common_rates;
  if (groups[state.group].load.mode != RateMode::common || rates[state.group] > 0) return;
  std::vector<std::size_t> sharing;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (group == state.group || shares_rate(groups[state.group], groups[group])) sharing.push_back(group);
  }
  // The first and the last of a sweep: with few connections the wait for each reply keeps the rate low, with many the
  // work on them.
  const auto fewer = [&](std::size_t one, std::size_t other) {
    return groups[one].load.connections < groups[other].load.connections;
  };
  const auto [fewest, most] = std::ranges::minmax_element(sharing, fewer);
  std::vector<std::size_t> probed{*fewest};
  if (*most != *fewest) probed.push_back(*most);
  const double rate = find_common_rate(session, state, probed);
  for (const std::size_t group : sharing) rates[group] = rate;
}

// The highest rate that keeps the promise, as RateSearch finds it from near the closed-loop rate on. The sample is of
// that rate; without such, of the lowest that was tried.
std::optional<Sample> search_rate(PlanSession& session, GroupState& state, std::size_t index) {
  const Plan& plan = session.plan();
  const ServiceOptions& options = plan.services;
  const ServiceLoad& load = plan.group_of(plan.cells[index]).load;
  const std::optional<Sample> probe = probe_capacity(session, state, index);
  if (!probe) return std::nullopt;
  RateSearch search(probe->service->rate, lowest_rate(options.slo, window_of(load, options.client, 0)));
  std::map<double, Sample> kept;  // by rate; where one was kept more than once, the last
  std::optional<Sample> lowest;
  while (!session.stopped() && !search.done()) {
    const double rate = search.next_rate();
    std::optional<Sample> sample =
        run_at(session, state, index, rate, try_duration(rate, options.slo, window_of(load, options.client, rate)));
    if (!sample) break;
    const RateTry tried = judge_rate(*sample, options.slo);
    search.tell(tried);
    if (tried.outcome == TryOutcome::kept) {
      kept.insert_or_assign(rate, std::move(*sample));
    } else if (!lowest || rate <= lowest->service->offered_rate) {
      lowest = std::move(sample);
    }
  }
  const Knee knee = search.knee();
  const auto found = kept.find(knee.rate);
  std::optional<Sample> best = found == kept.end() ? std::move(lowest) : std::move(found->second);
  if (!best) return best;
  ServiceSample& service = *best->service;  // of a search that was cut short, too: each of its tries is a run
  if (!knee.why_not_found.empty()) {
    service.judgement.valid = false;
    service.judgement.why_invalid = fmt::format("no knee found: {}", knee.why_not_found);
  }
  service.knee = knee;
  return best;
}

std::optional<Sample> run(PlanSession& session, GroupState& state, std::size_t index) {
  const std::size_t group = session.plan().cells[index].group;
  const ServiceLoad& load = session.plan().groups[group].load;
  switch (load.mode) {
    case RateMode::closed:
    case RateMode::fixed: break;
    case RateMode::common: return run_at(session, state, index, session.results().common_rates[group]);
    case RateMode::search: return search_rate(session, state, index);
  }
  return run_at(session, state, index, load.rate);
}

// The result of a cell whose memory runs would be the same: one that differs in how many connections are measured
// otherwise. Null without one.
const CellResult* same_memory(PlanSession& session, std::size_t index) {
  const Plan& plan = session.plan();
  const Cell& cell = plan.cells[index];
  const ServiceLoad& load = plan.group_of(cell).load;
  for (std::size_t other = 0; other < plan.cells.size(); ++other) {
    const Cell& candidate = plan.cells[other];
    const Group& group = plan.group_of(candidate);
    const CellResult& result = session.results().cells[other];
    if (result.memory && candidate.model == cell.model && candidate.workers == cell.workers &&
        candidate.stack_bytes == cell.stack_bytes && group.service == plan.group_of(cell).service &&
        group.load.parameters == load.parameters && group.load.pipeline == load.pipeline &&
        memory_counts(group.load.connections) == memory_counts(load.connections)) {
      return &result;
    }
  }
  return nullptr;
}

// Connections' memory as a slope over counts, each in a run of its own: what does not grow with them drops out.
void measure_memory(PlanSession& session, GroupState& state, std::size_t index) {
  const Plan& plan = session.plan();
  const Cell& cell = plan.cells[index];
  CellResult& result = session.results().cells[index];
  if (!plan.services.memory || result.samples.empty()) return;
  if (cell.model->in_flight != HowMany::tasks) return;  // it does not hold so many at once
  if (const CellResult* same = same_memory(session, index)) {
    result.memory = same->memory;
    return session.save();
  }
  std::vector<MemoryReading> readings;
  for (const std::uint32_t connections : memory_counts(plan.group_of(cell).load.connections)) {
    const RunRequest request{.kind = RunKind::memory,
                             .cell = static_cast<std::uint32_t>(index),
                             .connections = connections,
                             .time_limit_ns = cell.time_limit_ns};
    const std::string what = fmt::format("memory · {} · {} · {} connections", state.name, cell.label, connections);
    if (!session.launch(request, what, "in its memory run: ")) return;
    const ServiceMeasurement& measured = session.report().service;
    if (measured.open_at_barrier < static_cast<std::int32_t>(connections)) {
      session.progress().line(fmt::format("{}: memory unknown, the server had only {} of {} connections", cell.name,
                                          measured.open_at_barrier, connections));
      return;
    }
    readings.push_back({connections, measured.user_bytes, measured.kernel_bytes});
  }
  result.memory = memory_slope(readings);
  session.save();
}

// In two rounds connections were never served, or refused: that is how the model serves.
bool is_settled(const CellResult& result) {
  const auto leaves_out = [](const Sample& sample) {
    const ServiceSample& service = *sample.service;
    const Limit limit = service.judgement.limit;
    return (limit == Limit::starved || limit == Limit::errors) &&
           service.load.active_served < service.load.active_due();
  };
  const std::vector<Sample>& samples = result.samples;
  if (samples.empty() || !leaves_out(samples.back())) return false;
  const auto in_other_round = [&](const Sample& sample) {
    return sample.round != samples.back().round && leaves_out(sample);
  };
  return std::ranges::any_of(samples, in_other_round);
}

std::string figure(const Sample& sample) {
  return fmt::format("{}/s, p99 {}", format_count(sample.service->rate),
                     format_duration(sample.latency_ns[Shown::p99]));
}

}  // namespace

const SessionKind service_session{
    .prepare = prepare, .run = run, .figure = figure, .is_settled = is_settled, .measure_memory = measure_memory};

}  // namespace bench
