#include "harness/summary/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "harness/summary/summary_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

template <typename Field>
Percentiles<Estimate> estimate_percentiles(const std::vector<Sample>& samples, Field field) {
  Percentiles<Estimate> estimates{};
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    estimates[i] = median_estimate(column(samples, [&](const Sample& sample) { return (sample.*field)[i]; }));
  }
  return estimates;
}

class GroupSummarizer {
 public:
  GroupSummarizer(const Plan& plan, const Results& results, std::size_t group)
      : plan_(plan), results_(results), group_(plan.groups[group]), kind_(summary_kind(group_)) {
    summary_.group = group;
    for (const std::size_t cell : group_.cells) {
      for (const Sample& sample : results.cells[cell].samples) {
        summary_.rounds = std::max(summary_.rounds, sample.round + 1);
      }
    }
    summary_.regimes = regimes_of(results, group_.workload, summary_.rounds);
  }

  GroupSummary summarize() {
    std::vector<double> ideals_ns;
    std::vector<double> compute_ns;
    for (const std::size_t cell : group_.cells) {
      const std::vector<Sample>& samples = results_.cells[cell].samples;
      if (samples.empty()) continue;
      summary_.cells.push_back(summarize_cell(cell));
      if (!kind_.ideal_ns) continue;
      for (const Sample& sample : samples) {
        ideals_ns.push_back(kind_.ideal_ns(group_, sample));
        if (sample.ideal_cpu_ns > 0) compute_ns.push_back(sample.ideal_cpu_ns);
      }
    }
    if (!ideals_ns.empty()) summary_.ideal_ns = median(ideals_ns);
    if (!compute_ns.empty()) summary_.compute_ns = median_estimate(compute_ns);
    if (kind_.ranked_by) {
      summary_.ranking = ranking();
      summary_.verdict = verdict(summary_.ranking);
    }
    warn();
    return std::move(summary_);
  }

 private:
  SummarySource source() const {
    return {.plan = plan_, .results = results_, .group = group_, .regimes = summary_.regimes};
  }

  CellSummary summarize_cell(std::size_t index) const {
    const CellResult& result = results_.cells[index];
    const std::vector<Sample>& samples = result.samples;
    CellSummary row;
    row.cell = index;
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
    for (const Sample& sample : samples) count_regime(row, summary_.regimes[sample.round]);
    if (kind_.ideal_ns) row.over_ideal = distance_from_ideal(index);
    kind_.add_own(source(), row);
    return row;
  }

  static double user_share(const std::vector<Sample>& samples) {
    double user_ns = 0;
    double total_ns = 0;
    for (const Sample& sample : samples) {
      user_ns += static_cast<double>(sample.run_user_ns);
      total_ns += static_cast<double>(sample.run_user_ns + sample.run_system_ns);
    }
    return total_ns > 0 ? user_ns / total_ns : 0;
  }

  std::optional<Ratio> distance_from_ideal(std::size_t cell) const {
    if (kind_.ideal_ns(group_, results_.cells[cell].samples.front()) <= 0) return std::nullopt;
    const ByRound distances = over_ideal(source(), cell);
    ByRound ones;
    for (const auto& [round, distance] : distances) ones[round] = 1;
    return ratio_within_rounds(distances, ones, summary_.regimes);
  }

  static void count_regime(CellSummary& row, Regime regime) {
    const auto counted = std::ranges::find(row.regimes, regime, [](const auto& pair) { return pair.first; });
    if (counted == row.regimes.end()) {
      row.regimes.emplace_back(regime, 1);
    } else {
      ++counted->second;
    }
  }

  // A cell that failed in a later round has samples too.
  std::string why_unranked(const CellSummary& row, RankedBy by) const {
    return results_.cells[row.cell].failure ? "failed" : kind_.why_unranked(row, by);
  }

  Ranking ranking() const {
    const RankedBy by = kind_.ranked_by(group_);
    std::vector<CellCost> costs;
    std::vector<Unranked> unranked;
    for (const CellSummary& row : summary_.cells) {
      if (std::string why = why_unranked(row, by); !why.empty()) {
        unranked.push_back({.cell = row.cell, .reason = std::move(why)});
      } else {
        costs.push_back({.cell = row.cell, .cost = kind_.cost_by(source(), row.cell, by)});
      }
    }
    Ranking ranking = rank(by, std::move(costs), summary_.regimes);
    ranking.unranked = std::move(unranked);
    return ranking;
  }

  const std::string& label(std::size_t cell) const { return plan_.cells[cell].label; }

  std::string verdict(const Ranking& ranking) const {
    if (summary_.cells.size() < 2) return {};
    const std::string best = praise(ranking);
    const std::string more = kind_.afterword ? kind_.afterword(source(), summary_, ranking) : "";
    return best.empty() || more.empty() || more.starts_with(' ') ? best + more : best + ' ' + more;
  }

  // How a sentence calls the best by each measure.
  std::string best_by(const Ranking& ranking) const {
    switch (ranking.by) {
      case RankedBy::time: return ranking.bounded ? "Best" : "Shortest";
      case RankedBy::cpu: {
        const auto first = std::ranges::find(summary_.cells, ranking.order.front().cell, &CellSummary::cell);
        const double rate = first->service->offered_rate.median;
        return ranking.bounded ? fmt::format("Least CPU per request at {} requests/s", format_count(rate))
                               : "Least CPU per request";
      }
      case RankedBy::rate:
      case RankedBy::knee: break;
    }
    return "Highest rate";
  }

  static std::string compared(RankedBy by, double over_first) {
    switch (by) {
      case RankedBy::time: return format_ratio(over_first) + " as long";
      case RankedBy::cpu: return format_ratio(over_first) + " the CPU";
      case RankedBy::rate:
      case RankedBy::knee: break;
    }
    return format_ratio(1 / over_first) + " the rate";
  }

  // Which cells are best; empty where fewer than two have a place.
  std::string praise(const Ranking& ranking) const {
    if (ranking.order.size() < 2) return {};
    if (!ranking.bounded) {
      return fmt::format("{}: {}, but fewer than 6 rounds cannot tell models apart.", best_by(ranking),
                         label(ranking.order.front().cell));
    }
    std::vector<std::string_view> best;
    for (const std::size_t cell : ranking.best) best.push_back(label(cell));
    std::string next;
    if (ranking.next) next = fmt::format("; next is {}", label(ranking.next->cell));
    if (ranking.next && ranking.next->over_first) {
      next += ", " + compared(ranking.by, ranking.next->over_first->effect);
    }
    return fmt::format("{}: {}{}{}.", best_by(ranking), fmt::join(best, ", "),
                       best.size() > 1 ? " (the data cannot tell them apart)" : "", next);
  }

  void warn() {
    const auto mixes = [](const CellSummary& row) {
      return std::ranges::count_if(row.regimes, [](const auto& pair) { return pair.first != Regime::unknown; }) > 1;
    };
    const auto mixed = std::ranges::count_if(summary_.cells, mixes);
    if (mixed != 0) {
      std::map<Regime, std::size_t> rounds;
      for (const Regime regime : summary_.regimes) ++rounds[regime];
      std::string parts;
      for (const auto& [regime, count] : rounds) {
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, regime_name(regime));
      }
      summary_.warnings.push_back(fmt::format(
          "{} of {} cells mix samples of different regimes of this machine (rounds: {}): medians pool them; ratios "
          "pair runs of the same round, of one regime where that has 6 rounds; repeat on a quieter machine for "
          "steadier medians",
          mixed, summary_.cells.size(), parts));
    }
    warn_of_throttling();
    if (kind_.warn) kind_.warn(summary_);
    // One window is what a foreign server is asked for unless told otherwise.
    const bool asked_for_one = group_.foreign && plan_.max_rounds == 1;
    if (!summary_.cells.empty() && !summary_.cells.front().wall_ns.bounded && !asked_for_one) {
      summary_.warnings.emplace_back("fewer than 6 rounds give no 95% interval; use --repetitions=6 or more");
    }
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

std::vector<GroupSummary> summarize(const Plan& plan, const Results& results) {
  std::vector<GroupSummary> summaries;
  for (std::size_t group = 0; group < plan.groups.size(); ++group) {
    summaries.push_back(GroupSummarizer(plan, results, group).summarize());
  }
  return summaries;
}

const SummaryKind& summary_kind(const Group& group) {
  return of_kind<SummaryKind>(group, {&job_summary, &service_summary, &primitive_summary});
}

ByRound over_ideal(const SummarySource& source, std::size_t cell) {
  const SummaryKind& kind = summary_kind(source.group);
  ByRound values;
  for (const Sample& sample : source.results.cells[cell].samples) {
    const double ideal = kind.ideal_ns(source.group, sample);
    values[sample.round] = sample.*kind.cost / (ideal > 0 ? ideal : 1);
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
