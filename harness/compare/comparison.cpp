#include "harness/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>

#include "harness/summary/summary_kind.h"

namespace bench {
namespace {

constexpr double level = 0.95;

// Two numbers that differ by 2% at the most.
bool are_near(const std::string& one, const std::string& other) {
  const double a = std::strtod(one.c_str(), nullptr);
  const double b = std::strtod(other.c_str(), nullptr);
  return a > 0 && b > 0 && std::abs(a - b) <= 0.02 * std::max(a, b);
}

// What two cells were told and that differs, "offered rate: 20,000/s against 26,000/s"; empty where nothing does.
std::string differing_parameters(const ReadCell& before, const ReadCell& after) {
  const std::vector<std::string> parts = differing_facts(before.parameters, after.parameters);
  return parts.empty() ? std::string() : parts.front();
}

// Half the interval, as the logarithm of a ratio.
double half_width(const Ratio& ratio) {
  return ratio.bounded ? std::log(ratio.high / ratio.low) / 2 : std::numeric_limits<double>::infinity();
}

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

// The regime of more than half of a cell's valid runs.
std::optional<Regime> usual_regime(const ReadCell& cell, const Ruler& best, double Ruler::*probe) {
  std::map<Regime, std::size_t> counts;
  std::size_t valid = 0;
  for (const ReadRun& run : cell.runs) {
    if (!run.why_invalid.empty()) continue;
    ++valid;
    ++counts[regime_of(run.surroundings, best, probe)];
  }
  for (const auto& [regime, count] : counts) {
    if (2 * count > valid) return regime;
  }
  return std::nullopt;
}

bool is_steady(std::optional<Regime> regime) { return regime == Regime::usual || regime == Regime::slow; }

// How far a file's cells moved by this metric between their first and their last rounds, as a share: the median over
// the cells; nothing where none has rounds enough.
std::optional<double> drift_within(const ReadResult& result, const Metric& metric) {
  std::vector<double> moves;
  for (const ReadCell& cell : result.cells) {
    const std::vector<double> values = values_of(cell, metric, {}, &Ruler::spin_ns, std::nullopt);
    if (values.size() < 2 * fewest_runs || !are_positive(values)) continue;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    const double first = median(std::vector(values.begin(), middle));
    moves.push_back(std::abs(std::log(median(std::vector(middle, values.end())) / first)));
  }
  if (moves.empty()) return std::nullopt;
  return std::expm1(median(moves));
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
    const Metric& own = main_metric(before_.groups[before.group].ranked_by);
    std::vector<const Metric*> chosen = rules_.metrics;
    if (chosen.empty()) {
      // A server whose CPU time nobody could read is held to its latency.
      chosen = {all_values(before, own).empty() && !before.runs.empty() ? &metric_named("p99") : &own};
    }
    for (const Metric* metric : chosen) {
      double Ruler::*const probe = summary_kind(before_.groups[before.group].kind).probe;
      std::string why = why_not(before, after, *metric, probe);
      const bool had = has_figures(before, *metric);
      const bool ran = had || !before.failure.empty() || !before.invalid.empty();
      if (!why.empty()) {
        found_.cells.push_back({.name = before.name,
                                .metric = metric,
                                .why = std::move(why),
                                .had_figures = ran,
                                .lost = had && !has_figures(after, *metric)});
        continue;
      }
      found_.cells.push_back(compare_alike(before, after, *metric, probe));
      found_.cells.back().had_figures = true;
      found_.cells.back().drift = drift_of(*metric);
    }
  }

  // Of the runs of both that found the machine in the same steady regime, if these say about as much as all do.
  ComparedCell compare_alike(const ReadCell& before, const ReadCell& after, const Metric& metric,
                             double Ruler::*probe) const {
    ComparedCell of_all =
        compare_runs(before.name, metric, all_values(before, metric), all_values(after, metric), false);
    const double enough = smallest_level(before_.cells.size());
    const bool all_decide = of_all.test->least_p() <= enough;
    std::vector<ComparedCell> candidates;
    for (const Regime regime : {Regime::usual, Regime::slow}) {
      const std::vector<double> some_before = values_of(before, metric, best_, probe, regime);
      const std::vector<double> some_after = values_of(after, metric, best_, probe, regime);
      if (some_before.size() < std::max(fewest_runs, of_all.before.samples / regime_share)) continue;
      if (some_after.size() < std::max(fewest_runs, of_all.after.samples / regime_share)) continue;
      ComparedCell some = compare_runs(before.name, metric, some_before, some_after, false);
      if (all_decide && some.test->least_p() > enough) continue;
      some.regime = regime;
      candidates.push_back(std::move(some));
    }
    candidates.push_back(std::move(of_all));
    double narrowest = std::numeric_limits<double>::infinity();
    for (const ComparedCell& cell : candidates) narrowest = std::min(narrowest, half_width(cell.change));
    return *std::ranges::find_if(candidates, [&](const ComparedCell& cell) {
      return half_width(cell.change) <= regime_width * narrowest || &cell == &candidates.back();
    });
  }

  static std::vector<double> all_values(const ReadCell& cell, const Metric& metric) {
    return values_of(cell, metric, {}, &Ruler::spin_ns, std::nullopt);
  }

  static bool has_figures(const ReadCell& cell, const Metric& metric) {
    const std::vector<double> values = all_values(cell, metric);
    return cell.failure.empty() && cell.invalid.empty() && !values.empty() && are_positive(values);
  }

  // Why a cell is not comparable; empty where it is.
  std::string why_not(const ReadCell& before, const ReadCell& after, const Metric& metric, double Ruler::*probe) const {
    const ReadGroup& group = before_.groups[before.group];
    const ReadGroup& other = after_.groups[after.group];
    for (const auto& [cell, result] : {std::pair(&before, &before_), std::pair(&after, &after_)}) {
      if (!cell->failure.empty()) return fmt::format("failed in {}: {}", result->label, cell->failure);
      if (!cell->invalid.empty()) return fmt::format("invalid in {}: {}", result->label, cell->invalid);
    }
    if (std::string told = differing_parameters(before, after); !told.empty()) return told;
    if (group.kind != other.kind || group.ranked_by != other.ranked_by) return "the files rank it by different figures";
    for (const auto& [cell, result] : {std::pair(&before, &before_), std::pair(&after, &after_)}) {
      const std::vector<double> values = all_values(*cell, metric);
      if (values.empty()) return fmt::format("no figure in {} of: {}", result->label, metric.meaning);
      if (!are_positive(values)) return fmt::format("0 in {}: {}", result->label, metric.meaning);
    }
    const std::optional<Regime> here = usual_regime(before, best_, probe);
    const std::optional<Regime> there = usual_regime(after, best_, probe);
    const auto share_one = [&](Regime regime) {
      return values_of(before, metric, best_, probe, regime).size() >= fewest_runs &&
             values_of(after, metric, best_, probe, regime).size() >= fewest_runs;
    };
    if (is_steady(here) && is_steady(there) && here != there && !share_one(Regime::usual) && !share_one(Regime::slow)) {
      return fmt::format("the machine was in another regime: {} in {}, {} in {}", regime_name(*here), before_.label,
                         regime_name(*there), after_.label);
    }
    return {};
  }

  double drift_of(const Metric& metric) {
    const auto known = drifts_.find(&metric);
    if (known != drifts_.end()) return known->second;
    const std::optional<double> one = drift_within(before_, metric);
    const std::optional<double> other = drift_within(after_, metric);
    const double drift = std::max(one.value_or(0), other.value_or(0));
    if (one || other) found_.drift = std::max(found_.drift.value_or(0), drift);
    return drifts_[&metric] = drift;
  }

  const ReadResult& before_;
  const ReadResult& after_;
  const CompareRules& rules_;
  Ruler best_;
  std::map<const Metric*, double> drifts_;
  Comparison found_;
};

// About how many rounds more would make the interval narrow enough to lie on one side of the bound: half its width goes
// with one over the root of their number.
std::size_t rounds_to_decide(const ComparedCell& cell, double bound, std::size_t cells) {
  constexpr double many = 10'000;
  const auto rounds = static_cast<double>(cell.change.pairs);
  // So many that the least p-value passes Holm's first step.
  const double fewest = std::ceil(1 + std::log2(static_cast<double>(cells) / (1 - level)));
  if (!cell.change.bounded || !std::isfinite(bound)) return static_cast<std::size_t>(std::max(fewest - rounds, 1.0));
  const double width = half_width(cell.change);
  const double distance = std::abs(std::abs(std::log(cell.change.effect)) - std::log1p(bound));
  const double wanted = std::max(rounds * width * width / (distance * distance), fewest);
  return wanted - rounds > many ? 0 : static_cast<std::size_t>(std::max(std::ceil(wanted - rounds), 1.0));
}

// By the size of the change; what is not comparable comes last.
bool comes_before(const ComparedCell& one, const ComparedCell& other) {
  if (!one.is_compared() || !other.is_compared()) return one.is_compared() && !other.is_compared();
  return std::abs(std::log(one.change.effect)) > std::abs(std::log(other.change.effect));
}

// Beyond which a ratio of costs is a change.
double bound_of(const Comparison& comparison, const ComparedCell& cell) {
  return (1 + std::max(comparison.threshold, cell.drift)) * (1 + cell.layout);
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

double smallest_level(std::size_t cells) { return (1 - level) / static_cast<double>(std::max<std::size_t>(cells, 1)); }

void decide(Comparison& comparison) {
  std::vector<double> p_values;
  for (const ComparedCell& cell : comparison.cells) {
    if (cell.test) p_values.push_back(cell.test->p_beyond(bound_of(comparison, cell)));
  }
  const std::vector<bool> rejected = reject_by_holm(p_values, 1 - level);
  std::size_t place = 0;
  for (ComparedCell& cell : comparison.cells) {
    if (!cell.test) continue;
    const double within = (1 + comparison.threshold) / (1 + cell.layout);
    const bool costs_more = (cell.change.effect > 1) != cell.metric->more_is_better;
    cell.decidable = std::isfinite(cell.layout) && cell.test->least_p() <= smallest_level(p_values.size());
    if (rejected[place++]) {
      cell.verdict = costs_more ? CompareVerdict::slower : CompareVerdict::faster;
    } else if (cell.change.bounded && cell.change.low >= 1 / within && cell.change.high <= within &&
               cell.drift <= comparison.threshold) {
      cell.verdict = CompareVerdict::same;
    } else {
      cell.verdict = CompareVerdict::undecided;
      cell.more_rounds = rounds_to_decide(cell, bound_of(comparison, cell) - 1, p_values.size());
    }
    cell.test.reset();  // it may be large
  }
  std::ranges::stable_sort(comparison.cells, comes_before);
}

Comparison compare(const ReadResult& before, const ReadResult& after, const CompareRules& rules) {
  Comparison comparison = Comparing(before, after, rules).compare();
  for (const ReadResult* result : {&before, &after}) {
    if (result->interrupted) {
      comparison.notes.push_back(
          fmt::format("{} was interrupted: it may have fewer runs than its plan had.", result->label));
    }
  }
  const auto host_of = [](const ReadResult& result) {
    const auto host = result.software.find("host");
    return host == result.software.end() ? std::string() : host->second;
  };
  if (host_of(before) != host_of(after)) {
    comparison.notes.push_back(fmt::format(
        "{} was measured on host {}, {} on host {}: they are alike in all that is looked at, and may still differ.",
        before.label, host_of(before), after.label, host_of(after)));
  }
  return comparison;
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
    if (key.ends_with("_steps") && are_near(one, other)) continue;  // each run calibrates them
    if (one != other) parts.push_back(fmt::format("{}: {} against {}", key, one, other));
  }
  return parts;
}

}  // namespace bench
