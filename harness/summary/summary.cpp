#include "harness/summary/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "harness/summary/rows_by_reason.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

template <typename Field>
std::array<Estimate, 4> estimate_percentiles(const std::vector<Sample>& samples, Field field) {
  std::array<Estimate, 4> estimates{};
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    estimates[i] = median_estimate(column(samples, [&](const Sample& sample) { return (sample.*field)[i]; }));
  }
  return estimates;
}

class GroupSummarizer {
 public:
  GroupSummarizer(const Plan& plan, const Results& results, std::size_t group)
      : plan_(plan), results_(results), group_(plan.groups[group]) {
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
      if (group_.primitive) continue;
      for (const Sample& sample : samples) {
        ideals_ns.push_back(group_.service ? sample.compute_ns : ideal_ns(group_, sample.compute_ns));
        if (sample.compute_ns > 0) compute_ns.push_back(sample.compute_ns);
      }
    }
    if (!ideals_ns.empty()) summary_.ideal_ns = median(ideals_ns);
    if (!compute_ns.empty()) summary_.compute_ns = median_estimate(compute_ns);
    // A primitive's rows do different things, so that none of them is best.
    if (!group_.primitive) {
      summary_.ranking = ranking();
      summary_.verdict = verdict(summary_.ranking);
    }
    warn();
    return std::move(summary_);
  }

 private:
  // Wall time as a multiple of the same run's ideal, which takes out how fast the machine was in that second. Of a
  // service: the server's CPU time.
  ByRound over_ideal(std::size_t cell) const {
    ByRound values;
    for (const Sample& sample : results_.cells[cell].samples) {
      if (group_.service) {
        values[sample.round] = sample.cpu_ns / (sample.compute_ns > 0 ? sample.compute_ns : 1);
        continue;
      }
      const double ideal = ideal_ns(group_, sample.compute_ns);
      values[sample.round] = sample.wall_ns / (ideal > 0 ? ideal : 1);
    }
    return values;
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
    row.service_ns = estimate_percentiles(samples, &Sample::service_ns);
    row.user_share = user_share(samples);
    for (const Sample& sample : samples) count_regime(row, summary_.regimes[sample.round]);
    if (group_.primitive) {
      row.primitive = {
          .user_bytes =
              median_estimate(column(samples, [](const Sample& s) { return s.primitive->memory.user_bytes; })),
          .kernel_bytes =
              median_estimate(column(samples, [](const Sample& s) { return s.primitive->memory.kernel_bytes; }))};
      return row;
    }
    row.over_ideal = distance_from_ideal(index);
    if (group_.service) {
      row.service = summarize_service(samples);
      return row;
    }
    row.speedup = speedup(index);
    // Where tasks compute on several CPUs at once, they slow each other down, and the plain loop has the machine alone.
    if (!plan_.cells[index].model->parallel) row.checkpoint_ns = checkpoint_price(samples);
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
    const double compute_ns = results_.cells[cell].samples.front().compute_ns;
    if ((group_.service ? compute_ns : ideal_ns(group_, compute_ns)) <= 0) return std::nullopt;
    const ByRound distances = over_ideal(cell);
    ByRound ones;
    for (const auto& [round, distance] : distances) ones[round] = 1;
    return ratio_within_rounds(distances, ones, summary_.regimes);
  }

  std::optional<Ratio> speedup(std::size_t index) const {
    for (const std::size_t cell : group_.cells) {
      if (plan_.cells[cell].model->name == "serial")
        return ratio_within_rounds(over_ideal(cell), over_ideal(index), summary_.regimes);
    }
    return std::nullopt;
  }

  // (CPU of the batch - CPU of the plain loop) / checkpoints, run by run.
  std::optional<Estimate> checkpoint_price(const std::vector<Sample>& samples) const {
    if (!group_.job->checkpoints) return std::nullopt;
    const double checkpoints = static_cast<double>(group_.job->checkpoints(group_.batch)) * group_.batch.tasks;
    std::vector<double> prices;
    for (const Sample& sample : samples) prices.push_back((sample.cpu_ns - sample.compute_ns) / checkpoints);
    return median_estimate(prices);
  }

  static void count_regime(CellSummary& row, Regime regime) {
    const auto counted = std::ranges::find(row.regimes, regime, [](const auto& pair) { return pair.first; });
    if (counted == row.regimes.end()) {
      row.regimes.emplace_back(regime, 1);
    } else {
      ++counted->second;
    }
  }

  // What a group is ranked by is part of what was asked.
  RankedBy ranked_by() const {
    if (!group_.service) return RankedBy::time;
    switch (group_.load.mode) {
      case RateMode::search: return RankedBy::knee;
      case RateMode::closed: return RankedBy::rate;
      case RateMode::fixed:
      case RateMode::common: break;
    }
    return RankedBy::cpu;
  }

  ByRound cost(std::size_t cell, RankedBy by) const {
    if (by == RankedBy::time) return over_ideal(cell);
    ByRound values;
    for (const Sample& sample : results_.cells[cell].samples) {
      const double rate = by == RankedBy::knee ? sample.service->knee->rate : sample.service->rate;
      if (by == RankedBy::cpu) {
        values[sample.round] = sample.cpu_ns;
      } else if (rate > 0) {
        values[sample.round] = 1 / rate;
      }
    }
    return values;
  }

  // Why a cell has no place in the ranking; empty where it has one. Only what was measured by the same rule compares:
  // in the closed loop the server has to be the limit, at an offered rate the rate has to be met.
  std::string why_unranked(const CellSummary& row, RankedBy by) const {
    // A cell that failed in a later round has samples too.
    if (results_.cells[row.cell].failure) return "failed";
    if (by == RankedBy::time) return {};
    const ServiceSummary& service = *row.service;
    if (service.invalid != 0) return "invalid: " + service.why_invalid;
    if (by == RankedBy::knee) {
      return service.knee_rate && service.knee_rate->median > 0 ? "" : "keeps its promise at no rate";
    }
    const bool comparable =
        by == RankedBy::rate ? service.limit == Limit::server && service.rate.median > 0 : service.limit == Limit::rate;
    return comparable ? std::string() : std::string(limit_name(service.limit));
  }

  Ranking ranking() const {
    const RankedBy by = ranked_by();
    std::vector<CellCost> costs;
    std::vector<Unranked> unranked;
    for (const CellSummary& row : summary_.cells) {
      if (std::string why = why_unranked(row, by); !why.empty()) {
        unranked.push_back({.cell = row.cell, .reason = std::move(why)});
      } else {
        costs.push_back({.cell = row.cell, .cost = cost(row.cell, by)});
      }
    }
    Ranking ranking = rank(by, std::move(costs), summary_.regimes);
    ranking.unranked = std::move(unranked);
    return ranking;
  }

  const std::string& label(std::size_t cell) const { return plan_.cells[cell].label; }

  std::string verdict(const Ranking& ranking) const {
    if (summary_.cells.size() < 2) return {};
    std::string text = praise(ranking);
    if (!group_.service) return text;
    RowsByReason unranked;
    for (const auto& [cell, reason] : ranking.unranked) unranked.add(reason, label(cell));
    std::vector<std::string> parts;
    for (const auto& [why, rows] : unranked.groups())
      parts.push_back(fmt::format("{} ({})", fmt::join(rows, ", "), why));
    if (!parts.empty()) text += fmt::format("{}Not ranked: {}.", text.empty() ? "" : " ", fmt::join(parts, "; "));
    const auto generator_bound = [](const CellSummary& row) { return row.service->limit == Limit::generator; };
    if (ranking.by == RankedBy::rate &&
        (ranking.order.size() < 2 || std::ranges::any_of(summary_.cells, generator_bound))) {
      text +=
          " Closed-loop rates rank models only where the server is the limit; --rate=common ranks them by CPU per "
          "request.";
    }
    return text;
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
    warn_of_others();
    // One window is what a foreign server is asked for unless told otherwise.
    const bool asked_for_one = group_.foreign && plan_.max_rounds == 1;
    if (!summary_.cells.empty() && !summary_.cells.front().wall_ns.bounded && !asked_for_one) {
      summary_.warnings.emplace_back("fewer than 6 rounds give no 95% interval; use --repetitions=6 or more");
    }
  }

  // Neither side is to blame for what others take from both.
  void warn_of_others() {
    constexpr double disturbing = 0.1;
    std::size_t disturbed = 0;
    double most = 0;
    for (const CellSummary& row : summary_.cells) {
      if (!row.service || row.service->others_busy.median < disturbing) continue;
      ++disturbed;
      most = std::max(most, row.service->others_busy.median);
    }
    if (disturbed == 0) return;
    summary_.warnings.push_back(
        fmt::format("other processes used up to {:.0f}% of the CPUs of {} of {} cells, which makes both sides slow and "
                    "tails long; repeat on a quieter machine",
                    most * 100, disturbed, summary_.cells.size()));
  }

  const Plan& plan_;
  const Results& results_;
  const Group& group_;
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

double ideal_ns(const Group& group, double compute_ns) {
  const Batch& batch = group.batch;
  const double task_ns = compute_ns / batch.tasks;
  double longest_ns = task_ns;
  const std::size_t dealt = std::min<std::size_t>(batch.waits.size(), batch.tasks);
  for (std::size_t i = 0; i < dealt; ++i) {
    longest_ns = std::max(longest_ns, task_ns + static_cast<double>(batch.waits[i].count()));
  }
  return std::max(longest_ns, compute_ns / group.cpus);
}

}  // namespace bench
