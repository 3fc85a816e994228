#include "harness/summary/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "harness/summary/summary_kind.h"
#include "harness/summary/verdict.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

template <typename Field>
Percentiles<Estimate> estimate_percentiles(const Samples& samples, Field field) {
  Percentiles<Estimate> estimates{};
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    estimates[i] = median_estimate(column(samples, [&](const Sample& sample) { return (sample.*field)[i]; }));
  }
  return estimates;
}

class GroupSummarizer {
 public:
  GroupSummarizer(const Plan& plan, const Results& results, const Ruler& best, std::size_t group)
      : plan_(plan), results_(results), group_(plan.groups[group]), kind_(summary_kind(group_)) {
    summary_.group = group;
    summary_.best = best;
    for (const std::size_t cell : group_.cells) {
      for (const Sample& sample : results.cells[cell].samples) {
        summary_.rounds = std::max(summary_.rounds, sample.round + 1);
      }
    }
    summary_.regime = choose_regime(plan, results, best, group);
  }

  GroupSummary summarize() {
    std::vector<double> ideals_ns;
    std::vector<double> compute_ns;
    std::vector<double> others;
    for (const std::size_t cell : group_.cells) {
      if (results_.cells[cell].samples.empty()) continue;
      summary_.cells.push_back(summarize_cell(cell));
      for (const Sample& sample : samples_of(summary_.cells.back())) {
        others.push_back(sample.surroundings.others_busy);
        if (kind_.ideal_ns) ideals_ns.push_back(kind_.ideal_ns(group_, sample));
        if (sample.ideal_cpu_ns > 0) compute_ns.push_back(sample.ideal_cpu_ns);
      }
    }
    if (!others.empty()) summary_.others_busy = median(others);
    if (!ideals_ns.empty()) summary_.ideal_ns = median(ideals_ns);
    if (!compute_ns.empty()) summary_.compute_ns = median_estimate(compute_ns);
    if (kind_.ranked_by) {
      summary_.ranking = ranking();
    }
    summary_.verdict = verdict(source(), summary_);
    warn();
    return std::move(summary_);
  }

 private:
  SummarySource source() const { return {.plan = plan_, .results = results_, .group = group_, .best = summary_.best}; }

  Samples samples_of(const CellSummary& row) const {
    Samples samples;
    for (const std::size_t run : row.runs.used) samples.emplace_back(results_.cells[row.cell].samples[run]);
    return samples;
  }

  CellSummary summarize_cell(std::size_t index) {
    const std::vector<Sample>& all = results_.cells[index].samples;
    CellSummary row;
    row.cell = index;
    row.runs = use_runs(all, summary_.best, kind_.probe, summary_.regime);
    const Samples samples = samples_of(row);
    row.wall_ns = median_estimate(column(samples, &Sample::wall_ns));
    row.cpu_ns = median_estimate(column(samples, &Sample::cpu_ns));
    row.voluntary_switches = median_estimate(column(samples, &Sample::voluntary_switches));
    row.involuntary_switches = median_estimate(column(samples, &Sample::involuntary_switches));
    row.minor_faults = median_estimate(column(samples, &Sample::minor_faults));
    row.major_faults = median_estimate(column(samples, &Sample::major_faults));
    row.units_peak = median_estimate(column(samples, &Sample::units_peak));
    row.latency_ns = estimate_percentiles(samples, &Sample::latency_ns);
    row.start_delay_ns = estimate_percentiles(samples, &Sample::start_delay_ns);
    row.task_time_ns = estimate_percentiles(samples, &Sample::task_time_ns);
    row.user_share = user_share(samples);
    if (kind_.ideal_ns) row.over_ideal = distance_from_ideal(samples);
    kind_.add_own(source(), samples, row);
    const auto others_busy = [](const Sample& sample) { return sample.surroundings.others_busy; };
    row.others_busy = median(column(samples, others_busy));
    return row;
  }

  static double user_share(const Samples& samples) {
    double user_ns = 0;
    double total_ns = 0;
    for (const Sample& sample : samples) {
      user_ns += static_cast<double>(sample.run_user_ns);
      total_ns += static_cast<double>(sample.run_user_ns + sample.run_system_ns);
    }
    return total_ns > 0 ? user_ns / total_ns : 0;
  }

  std::optional<Ratio> distance_from_ideal(const Samples& samples) const {
    if (kind_.ideal_ns(group_, samples.front()) <= 0) return std::nullopt;
    const std::vector<double> distances =
        column(samples, [&](const Sample& sample) { return over_ideal(group_, sample); });
    if (std::ranges::any_of(distances, [](double distance) { return distance <= 0; })) return std::nullopt;
    return paired_ratio(distances, std::vector(distances.size(), 1.0));
  }

  // A cell that failed in a later round has samples too.
  std::string why_unranked(const CellSummary& row, RankedBy by) const {
    if (results_.cells[row.cell].failure) return "failed";
    if (plan_.cells[row.cell].model->is_ideal) return "no model, but what the network takes";
    return row.runs.valid() ? kind_.why_unranked(row, by) : "invalid: " + row.runs.why_invalid;
  }

  Ranking ranking() const {
    const RankedBy by = kind_.ranked_by(group_);
    std::vector<CellCost> costs;
    std::vector<Unranked> unranked;
    for (const CellSummary& row : summary_.cells) {
      if (std::string why = why_unranked(row, by); !why.empty()) {
        unranked.push_back({.cell = row.cell, .reason = std::move(why)});
        continue;
      }
      const auto cost = [&](const Sample& sample) { return kind_.cost_by(group_, sample, by); };
      costs.push_back({.cell = row.cell,
                       .median = median(column(samples_of(row), cost)),
                       .cost = by_round(source(), row.cell, cost)});
    }
    Ranking ranking = rank(by, std::move(costs));
    ranking.unranked = std::move(unranked);
    return ranking;
  }

  void warn() {
    std::string disturbance = disturbance_text(summary_.others_busy, summary_.others_busy);
    if (disturbance.empty()) {
      if (!summary_.regime) warn_of_regimes();
    } else {
      summary_.machine_disturbs = true;
      summary_.warnings.push_back(std::move(disturbance));
    }
    warn_of_throttling();
    if (kind_.warn) kind_.warn(summary_);
    // One window is what a foreign server is asked for unless told otherwise.
    const bool asked_for_one = group_.foreign && plan_.max_rounds == 1;
    if (!summary_.cells.empty() && summary_.rounds < fewest_runs && !asked_for_one) {
      summary_.warnings.push_back(
          fmt::format("fewer than {0} rounds give no 95% interval; use --repetitions={0} or more", fewest_runs));
    }
  }

  // Where much was measured outside of the machine's best regime, and figures rest on that, too.
  void warn_of_regimes() {
    constexpr double much = 0.2;
    std::size_t elsewhere = 0;
    std::size_t all = 0;
    for (const CellSummary& row : summary_.cells) {
      for (const Sample& sample : samples_of(row)) {
        const Regime regime = regime_of(sample.surroundings, summary_.best, kind_.probe);
        if (regime == Regime::unknown) continue;
        if (regime != Regime::usual) ++elsewhere;
        ++all;
      }
    }
    if (static_cast<double>(elsewhere) <= much * static_cast<double>(all)) return;
    summary_.machine_disturbs = true;
    summary_.warnings.emplace_back("the machine's speed changed; the order rests on neighbouring runs");
  }

  void warn_of_throttling() {
    if (!plan_.cpu_quota) return;
    std::size_t runs = 0;
    std::size_t throttled = 0;
    for (const CellSummary& row : summary_.cells) {
      const std::vector<Sample>& samples = results_.cells[row.cell].samples;
      runs += samples.size();
      throttled += static_cast<std::size_t>(
          std::ranges::count_if(samples, [](const Sample& sample) { return sample.throttling.times > 0; }));
    }
    if (throttled == 0) return;
    summary_.machine_disturbs = true;
    const std::size_t cells = summary_.cells.size();
    summary_.warnings.push_back(fmt::format(
        "the CPU quota throttled {} of {} run{} of {} cell{}, which stops all units at once for up to a period; lift "
        "it with: {}",
        throttled, runs, runs == 1 ? "" : "s", cells, cells == 1 ? "" : "s", plan_.cpu_quota->remedy));
  }

  const Plan& plan_;
  const Results& results_;
  const Group& group_;
  const SummaryKind& kind_;
  GroupSummary summary_;
};

}  // namespace

std::string disturbance_text(double least, double most) {
  if (most <= disturbing_share) return {};
  const std::string from = fmt::format("{:.0f}", least * 100);
  const std::string to = fmt::format("{:.0f}", most * 100);
  return fmt::format(
      "other processes used {}{}% of the CPUs, which makes runs slow and tails long; repeat on a quieter machine",
      from == to ? "" : from + " to ", to);
}

std::vector<GroupSummary> summarize(const Plan& plan, const Results& results) {
  const Ruler best = best_readings(results);
  std::vector<GroupSummary> summaries;
  for (std::size_t group = 0; group < plan.groups.size(); ++group) {
    summaries.push_back(GroupSummarizer(plan, results, best, group).summarize());
  }
  return summaries;
}

const SummaryKind& summary_kind(Kind kind) {
  return of_kind<SummaryKind>(kind, {&job_summary, &service_summary, &primitive_summary});
}

const SummaryKind& summary_kind(const Group& group) { return summary_kind(group.kind()); }

double over_ideal(const Group& group, const Sample& sample) {
  const SummaryKind& kind = summary_kind(group);
  const double ideal = kind.ideal_ns(group, sample);
  return sample.*kind.cost / (ideal > 0 ? ideal : 1);
}

ByRound by_round(const SummarySource& source, std::size_t cell,
                 const std::function<double(const Sample& sample)>& figure) {
  ByRound values;
  for (const Sample& sample : source.results.cells[cell].samples) {
    if (!why_invalid(sample).empty()) continue;
    values[sample.round] = {.value = figure(sample),
                            .regime = regime_of(sample.surroundings, source.best, summary_kind(source.group).probe)};
  }
  return values;
}

double ideal_ns(const Group& group, double compute_ns) {
  const Batch& batch = group.batch;
  const double task_ns = compute_ns / batch.tasks;
  double longest_ns = task_ns;
  const std::size_t dealt = std::min<std::size_t>(batch.waits.size(), batch.tasks);
  for (std::size_t i = 0; i < dealt; ++i) {
    longest_ns = std::max(longest_ns, task_ns + static_cast<double>(batch.waits[i].count()));
  }
  const double in_turn_ns = group.job->in_turn ? static_cast<double>(group.job->in_turn(batch).count()) : 0;
  return std::max({longest_ns, compute_ns / group.usable_cpus(), in_turn_ns});
}

}  // namespace bench
