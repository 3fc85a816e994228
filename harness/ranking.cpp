#include "harness/ranking.h"

#include <algorithm>
#include <array>

namespace bench {
namespace {

double median_cost(const CellCost& cell) {
  std::vector<double> values;
  for (const auto& [round, value] : cell.cost) values.push_back(value);
  return median(values);
}

// Whether the data shows that `worse` costs more than `better`.
bool is_worse(const std::optional<Ratio>& worse_over_better) {
  return worse_over_better && tells_apart(*worse_over_better) && worse_over_better->effect > 1;
}

// The longest runs of `costs` within which no two are told apart, each of two cells or more and part of no other.
std::vector<std::vector<std::size_t>> find_ties(const std::vector<CellCost>& costs,
                                                const std::vector<Regime>& regimes) {
  std::vector<std::vector<std::size_t>> ties;
  std::size_t ended = 0;  // past the last cell of the run before
  for (std::size_t first = 0; first < costs.size(); ++first) {
    std::size_t end = first + 1;
    const auto told_from_any = [&](std::size_t candidate) {
      for (std::size_t other = first; other < candidate; ++other) {
        const auto ratio = ratio_within_rounds(costs[candidate].cost, costs[other].cost, regimes);
        if (ratio && tells_apart(*ratio)) return true;
      }
      return false;
    };
    while (end < costs.size() && !told_from_any(end)) ++end;
    if (end - first < 2 || end <= ended) continue;
    ended = end;
    std::vector<std::size_t>& tie = ties.emplace_back();
    for (std::size_t i = first; i < end; ++i) tie.push_back(costs[i].cell);
  }
  return ties;
}

}  // namespace

std::string_view ranked_by_name(RankedBy by) {
  constexpr std::array<std::string_view, 4> names{"time", "server_cpu_per_request", "rate", "knee_rate"};
  static_assert(names.size() == static_cast<std::size_t>(RankedBy::knee) + 1);
  return names[static_cast<std::size_t>(by)];
}

std::optional<Ratio> ratio_within_rounds(const ByRound& numerators, const ByRound& denominators,
                                         const std::vector<Regime>& regimes) {
  constexpr std::size_t enough = 6;
  struct Pairs {
    std::vector<double> numerators;
    std::vector<double> denominators;
  };
  Pairs all;
  std::map<Regime, Pairs> steady;
  for (const auto& [round, numerator] : numerators) {
    const auto denominator = denominators.find(round);
    if (denominator == denominators.end() || numerator <= 0 || denominator->second <= 0) continue;
    for (Pairs* pairs : {&all, &steady[regimes[round]]}) {
      pairs->numerators.push_back(numerator);
      pairs->denominators.push_back(denominator->second);
    }
  }
  if (all.numerators.empty()) return std::nullopt;
  const Pairs* chosen = &all;
  for (const Regime regime : {Regime::usual, Regime::slow}) {
    const std::size_t size = steady[regime].numerators.size();
    if (size >= enough && (chosen == &all || size > chosen->numerators.size())) chosen = &steady[regime];
  }
  return paired_ratio(chosen->numerators, chosen->denominators);
}

Ranking rank(RankedBy by, std::vector<CellCost> costs, const std::vector<Regime>& regimes) {
  Ranking ranking;
  ranking.by = by;
  if (costs.empty()) return ranking;
  std::ranges::stable_sort(costs, {}, median_cost);
  const CellCost& first = costs.front();
  ranking.bounded = median_interval_rank(first.cost.size()) != 0;
  for (const CellCost& cell : costs) {
    const Place place{.cell = cell.cell, .over_first = ratio_within_rounds(cell.cost, first.cost, regimes)};
    ranking.order.push_back(place);
    if (costs.size() < 2 || !ranking.bounded) continue;
    if (!is_worse(place.over_first)) {
      ranking.best.push_back(cell.cell);
    } else if (!ranking.next) {
      ranking.next = place;
    }
  }
  if (ranking.bounded) ranking.ties = find_ties(costs, regimes);
  return ranking;
}

}  // namespace bench
