#include "harness/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "harness/summary/summary_kind.h"

namespace bench {
namespace {

constexpr double level = 0.95;

// What two cells were told and that differs, "offered rate: 20,000/s against 26,000/s"; empty where nothing does.
std::string differing_parameters(const ReadCell& before, const ReadCell& after) {
  const std::vector<std::string> parts = differing_facts(before.parameters, after.parameters);
  return parts.empty() ? std::string() : parts.front();
}

// Half the interval, as the logarithm of a ratio.
double half_width(const Ratio& ratio) {
  return ratio.bounded ? std::log(ratio.high / ratio.low) / 2 : std::numeric_limits<double>::infinity();
}

std::size_t place_of(const Metric& metric) { return static_cast<std::size_t>(&metric - metrics.data()); }

std::vector<double> values_of(const ReadCell& cell, const Metric& metric, const Ruler& best, double Ruler::*probe,
                              std::optional<Regime> regime) {
  std::vector<double> values;
  for (const ReadRun& run : cell.runs) {
    if (!run.why_invalid.empty() || !run.values[place_of(metric)]) continue;
    if (regime && regime_of(run.surroundings, best, probe) != *regime) continue;
    values.push_back(*run.values[place_of(metric)]);
  }
  return values;
}

bool are_positive(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double value) { return value > 0; });
}

// Of the runs of both that found the machine in the same steady regime, if these say about as much as all do.
ComparedCell compare_alike(const ReadCell& before, const ReadCell& after, const Metric& metric, const Ruler& best,
                           double Ruler::*probe) {
  constexpr double about = 1.25;
  constexpr std::size_t fewest_share = 5;
  const std::vector<double> all_before = values_of(before, metric, best, probe, std::nullopt);
  const std::vector<double> all_after = values_of(after, metric, best, probe, std::nullopt);
  std::vector<ComparedCell> candidates;
  for (const Regime regime : {Regime::usual, Regime::slow}) {
    const std::vector<double> some_before = values_of(before, metric, best, probe, regime);
    const std::vector<double> some_after = values_of(after, metric, best, probe, regime);
    if (some_before.size() < std::max(fewest_runs, all_before.size() / fewest_share)) continue;
    if (some_after.size() < std::max(fewest_runs, all_after.size() / fewest_share)) continue;
    candidates.push_back(compare_runs(before.name, metric, some_before, some_after, false));
    candidates.back().regime = regime;
  }
  candidates.push_back(compare_runs(before.name, metric, all_before, all_after, false));
  double narrowest = std::numeric_limits<double>::infinity();
  for (const ComparedCell& cell : candidates) narrowest = std::min(narrowest, half_width(cell.change));
  return *std::ranges::find_if(candidates, [&](const ComparedCell& cell) {
    return half_width(cell.change) <= about * narrowest || &cell == &candidates.back();
  });
}

// How far a file's cells moved between its first and its last rounds, as a share: the median over its cells.
double drift_within(const ReadResult& result, const CompareRules& rules) {
  std::vector<double> moves;
  for (const ReadCell& cell : result.cells) {
    const Metric& metric = rules.metrics.empty() ? main_metric(result.groups[cell.group].ranked_by) : *rules.metrics[0];
    const std::vector<double> values = values_of(cell, metric, {}, &Ruler::spin_ns, std::nullopt);
    if (values.size() < 2 * fewest_runs || !are_positive(values)) continue;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    const double first = median(std::vector(values.begin(), middle));
    moves.push_back(std::abs(std::log(median(std::vector(middle, values.end())) / first)));
  }
  return moves.empty() ? 0 : std::expm1(median(moves));
}

class Comparing {
 public:
  Comparing(const ReadResult& before, const ReadResult& after, const CompareRules& rules)
      : before_(before), after_(after), rules_(rules) {
    std::vector<Surroundings> around;
    for (const ReadResult* result : {&before, &after}) {
      for (const ReadCell& cell : result->cells) {
        for (const ReadRun& run : cell.runs) around.push_back(run.surroundings);
      }
    }
    best_ = best_readings(around);
  }

  Comparison compare() {
    found_.before = before_.label;
    found_.after = after_.label;
    found_.threshold = rules_.threshold;
    found_.drift = std::max(drift_within(before_, rules_), drift_within(after_, rules_));
    std::map<std::string_view, const ReadCell*> others;
    for (const ReadCell& cell : after_.cells) others.emplace(cell.name, &cell);
    for (const ReadCell& cell : before_.cells) {
      const auto other = others.find(cell.name);
      if (other == others.end()) {
        found_.only_before.push_back(cell.name);
        continue;
      }
      add(cell, *other->second);
      others.erase(other);
    }
    for (const ReadCell& cell : after_.cells) {
      if (others.contains(cell.name)) found_.only_after.push_back(cell.name);
    }
    decide(found_);
    return std::move(found_);
  }

 private:
  void add(const ReadCell& before, const ReadCell& after) {
    const ReadGroup& group = before_.groups[before.group];
    const ReadGroup& other_group = after_.groups[after.group];
    const Metric& own = main_metric(group.ranked_by);
    std::vector<const Metric*> chosen = rules_.metrics;
    if (chosen.empty()) {
      // A server whose CPU time nobody could read is held to its latency.
      const bool known = !values_of(before, own, {}, &Ruler::spin_ns, std::nullopt).empty();
      chosen = {known || before.runs.empty() ? &own : &metric_named("p99")};
    }
    for (const Metric* metric : chosen) {
      std::string why = why_not(before, after);
      if (why.empty() && (group.kind != other_group.kind || group.ranked_by != other_group.ranked_by)) {
        why = "the files rank it by different figures";
      }
      if (why.empty()) why = why_no_figures(before, after, *metric);
      if (!why.empty()) {
        const bool had_figures = before.failure.empty() && before.invalid.empty() && !before.runs.empty();
        const bool has_figures = after.failure.empty() && after.invalid.empty() && !after.runs.empty();
        found_.cells.push_back(
            {.name = before.name, .metric = metric, .why = std::move(why), .lost = had_figures && !has_figures});
        continue;
      }
      found_.cells.push_back(compare_alike(before, after, *metric, best_, summary_kind(group.kind).probe));
    }
  }

  std::string why_not(const ReadCell& before, const ReadCell& after) const {
    for (const auto& [cell, result] : {std::pair(&before, &before_), std::pair(&after, &after_)}) {
      if (!cell->failure.empty()) return fmt::format("failed in {}: {}", result->label, cell->failure);
      if (!cell->invalid.empty()) return fmt::format("invalid in {}: {}", result->label, cell->invalid);
    }
    return differing_parameters(before, after);
  }

  std::string why_no_figures(const ReadCell& before, const ReadCell& after, const Metric& metric) const {
    for (const auto& [cell, result] : {std::pair(&before, &before_), std::pair(&after, &after_)}) {
      const std::vector<double> values = values_of(*cell, metric, {}, &Ruler::spin_ns, std::nullopt);
      if (values.empty()) return fmt::format("no {} in {}", metric.meaning, result->label);
      if (!are_positive(values)) return fmt::format("{} is 0 in {}", metric.meaning, result->label);
    }
    return {};
  }

  const ReadResult& before_;
  const ReadResult& after_;
  const CompareRules& rules_;
  Ruler best_;
  Comparison found_;
};

// About how many rounds more would make the interval narrow enough to lie on one side of the bound: half its width goes
// with one over the root of their number.
std::size_t rounds_to_decide(const ComparedCell& cell, double bound, std::size_t cells) {
  constexpr double many = 10'000;
  const auto rounds = static_cast<double>(cell.change.pairs);
  // So many that the least p-value passes Holm's first step.
  const double fewest = std::ceil(1 + std::log2(static_cast<double>(cells) / (1 - level)));
  if (!cell.change.bounded) return static_cast<std::size_t>(std::max(fewest - rounds, 1.0));
  const double width = half_width(cell.change);
  const double distance = std::abs(std::abs(std::log(cell.change.effect)) - std::log1p(bound));
  const double wanted = std::max(rounds * width * width / (distance * distance), fewest);
  return wanted - rounds > many ? 0 : static_cast<std::size_t>(std::max(std::ceil(wanted - rounds), 1.0));
}

// By the size of the change; what is not comparable comes last.
bool comes_before(const ComparedCell& one, const ComparedCell& other) {
  if (!one.test || !other.test) return one.test.has_value() && !other.test.has_value();
  return std::abs(std::log(one.change.effect)) > std::abs(std::log(other.change.effect));
}

}  // namespace

std::string_view verdict_name(CompareVerdict verdict) {
  switch (verdict) {
    case CompareVerdict::slower: return "slower";
    case CompareVerdict::faster: return "faster";
    case CompareVerdict::same: return "same";
    case CompareVerdict::undecided: return "undecided";
    case CompareVerdict::not_comparable: break;
  }
  return "not comparable";
}

std::size_t Comparison::count(CompareVerdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count(cells, verdict, &ComparedCell::verdict));
}

ComparedCell compare_runs(const std::string& name, const Metric& metric, const std::vector<double>& before,
                          const std::vector<double>& after, bool paired) {
  ComparedCell cell{.name = name, .metric = &metric};
  cell.before = median_estimate(before);
  cell.after = median_estimate(after);
  const std::vector<double>& numerators = metric.more_is_better ? before : after;
  const std::vector<double>& denominators = metric.more_is_better ? after : before;
  cell.test = paired ? RatioTest::paired(numerators, denominators) : RatioTest::unpaired(numerators, denominators);
  cell.change = cell.test->ratio(level);
  if (metric.more_is_better) {
    const Ratio cost = cell.change;
    cell.change.effect = 1 / cost.effect;
    cell.change.low = 1 / cost.high;
    cell.change.high = 1 / cost.low;
  }
  return cell;
}

void decide(Comparison& comparison) {
  const double bound = std::max(comparison.threshold, comparison.drift);
  std::vector<double> p_values;
  for (const ComparedCell& cell : comparison.cells) {
    if (cell.test) p_values.push_back(cell.test->p_beyond((1 + bound) * (1 + cell.layout)));
  }
  const std::vector<bool> rejected = reject_by_holm(p_values, 1 - level);
  std::size_t place = 0;
  for (ComparedCell& cell : comparison.cells) {
    if (!cell.test) continue;
    const double most = 1 + comparison.threshold;
    const bool costs_more = (cell.change.effect > 1) != cell.metric->more_is_better;
    if (rejected[place++]) {
      cell.verdict = costs_more ? CompareVerdict::slower : CompareVerdict::faster;
    } else if (cell.change.bounded && cell.change.low >= (1 + cell.layout) / most &&
               cell.change.high <= most / (1 + cell.layout)) {
      cell.verdict = CompareVerdict::same;
    } else {
      cell.verdict = CompareVerdict::undecided;
      cell.more_rounds = rounds_to_decide(cell, (1 + bound) * (1 + cell.layout) - 1, p_values.size());
    }
  }
  std::ranges::stable_sort(comparison.cells, comes_before);
}

Comparison compare(const ReadResult& before, const ReadResult& after, const CompareRules& rules) {
  return Comparing(before, after, rules).compare();
}

std::vector<std::string> differing_facts(const Facts& before, const Facts& after) {
  std::set<std::string> keys;
  for (const Facts* facts : {&before, &after}) {
    for (const auto& [key, value] : *facts) keys.insert(key);
  }
  const auto value_of = [](const Facts& facts, const std::string& key) {
    const auto found = facts.find(key);
    return found == facts.end() ? std::string("none") : found->second;
  };
  std::vector<std::string> parts;
  for (const std::string& key : keys) {
    const std::string one = value_of(before, key);
    const std::string other = value_of(after, key);
    if (one != other) parts.push_back(fmt::format("{}: {} against {}", key, one, other));
  }
  return parts;
}

}  // namespace bench
