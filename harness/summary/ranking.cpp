#include "harness/summary/ranking.h"

#include <algorithm>
#include <array>

namespace bench {
namespace {

// How many times the other's cost one's is, where the data tells them apart.
std::optional<double> told_apart(const CellCost& one, const CellCost& other) {
  constexpr double strict = 0.99;
  std::optional<Ratio> ratio = ratio_within_rounds(one.cost, other.cost, strict);
  if (ratio && !ratio->bounded) ratio = ratio_within_rounds(one.cost, other.cost);
  if (!ratio || !tells_apart(*ratio)) return std::nullopt;
  return ratio->effect;
}

// By the median cost; but ratios rest on pairs, and may tell a cell to be better than one whose median is less: then it
// goes before that one. Each cell moves up once at the most.
void put_in_order(std::vector<CellCost>& costs) {
  std::ranges::stable_sort(costs, {}, &CellCost::median);
  for (std::size_t index = 1; index < costs.size(); ++index) {
    std::size_t place = index;
    while (place > 0 && told_apart(costs[index], costs[place - 1]).value_or(1) < 1) --place;
    std::rotate(costs.begin() + static_cast<std::ptrdiff_t>(place), costs.begin() + static_cast<std::ptrdiff_t>(index),
                costs.begin() + static_cast<std::ptrdiff_t>(index) + 1);
  }
}

// The longest runs of `costs` within which no two are told apart, each of two cells or more and part of no other.
std::vector<std::vector<std::size_t>> find_ties(const std::vector<CellCost>& costs) {
  std::vector<std::vector<std::size_t>> ties;
  std::size_t begin = 0;  // of the run that ends before `end`
  const auto tell = [&](std::size_t end) {
    if (end - begin < 2) return;
    std::vector<std::size_t>& tie = ties.emplace_back();
    for (std::size_t i = begin; i < end; ++i) tie.push_back(costs[i].cell);
  };
  for (std::size_t next = 1; next < costs.size(); ++next) {
    std::size_t last_apart = next;
    while (last_apart > begin && !told_apart(costs[next], costs[last_apart - 1])) --last_apart;
    if (last_apart == begin) continue;
    tell(next);
    begin = last_apart;
  }
  tell(costs.size());
  return ties;
}

}  // namespace

std::string_view ranked_by_name(RankedBy by) {
  constexpr std::array<std::string_view, 4> names{"time", "server_cpu_per_request", "rate", "knee_rate"};
  static_assert(names.size() == static_cast<std::size_t>(RankedBy::knee) + 1);
  return names[static_cast<std::size_t>(by)];
}

std::optional<Ratio> ratio_within_rounds(const ByRound& numerators, const ByRound& denominators, double level) {
  struct Pairs {
    std::vector<double> numerators;
    std::vector<double> denominators;
  };
  Pairs all;
  Pairs alike;
  for (const auto& [round, numerator] : numerators) {
    const auto found = denominators.find(round);
    if (found == denominators.end()) continue;
    const RoundValue denominator = found->second;
    if (numerator.value <= 0 || denominator.value <= 0) continue;
    const bool steady = numerator.regime == Regime::usual || numerator.regime == Regime::slow;
    for (Pairs* pairs : {&all, &alike}) {
      if (pairs == &alike && !(steady && numerator.regime == denominator.regime)) continue;
      pairs->numerators.push_back(numerator.value);
      pairs->denominators.push_back(denominator.value);
    }
  }
  if (all.numerators.empty()) return std::nullopt;
  const Ratio over_all = paired_ratio(all.numerators, all.denominators, level);
  const std::size_t pairs = alike.numerators.size();
  if (median_interval_rank(pairs, level) == 0 || 3 * pairs < all.numerators.size()) return over_all;
  const Ratio over_alike = paired_ratio(alike.numerators, alike.denominators, level);
  return over_alike.high / over_alike.low < over_all.high / over_all.low ? over_alike : over_all;
}

Ranking rank(RankedBy by, std::vector<CellCost> costs) {
  Ranking ranking;
  ranking.by = by;
  if (costs.empty()) return ranking;
  put_in_order(costs);
  const CellCost& first = costs.front();
  ranking.bounded = median_interval_rank(first.cost.size()) != 0;
  for (const CellCost& cell : costs) {
    ranking.order.push_back({.cell = cell.cell, .over_first = ratio_within_rounds(cell.cost, first.cost)});
  }
  if (costs.size() < 2 || !ranking.bounded) return ranking;
  ranking.ties = find_ties(costs);
  const bool tied = !ranking.ties.empty() && ranking.ties.front().front() == first.cell;
  ranking.best = tied ? ranking.ties.front() : std::vector{first.cell};
  if (ranking.best.size() < costs.size()) ranking.next = ranking.order[ranking.best.size()];
  return ranking;
}

}  // namespace bench
