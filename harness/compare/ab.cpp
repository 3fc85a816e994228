#include "harness/compare/ab.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "harness/compare/comparison_report.h"
#include "harness/text/quantities.h"
#include "measure/clock.h"

namespace bench {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

// The runs of one cell by one metric, in pairs.
struct PairedCell {
  std::string name;
  const Metric* metric = nullptr;
  std::vector<double> before;
  std::vector<double> after;
  std::vector<BuildPair> builds;  // with the log-ratio of the cost
  std::string why_not;            // of the last pair without figures
  std::size_t failed = 0;         // pairs in which the candidate failed and the baseline had figures
  std::size_t missing = 0;        // pairs in which it had none for whatever reason, and the baseline did
  std::size_t differing = 0;      // pairs in which the builds were told otherwise
  std::size_t without = 0;        // pairs in which the baseline had none
  std::size_t unbelieved = 0;     // of them, those in which it ran and failed, or may not be believed
  std::string why_failed;         // of the last that failed
};

// What a round says of a cell: its value, or why there is none.
struct Figure {
  std::optional<double> value;
  std::string why_not;
  bool failed = false;
  bool unbelieved = false;
};

double half_width(const PairedCell& cell) {
  if (cell.before.empty()) return 0;  // there is nothing to wait for
  const Ratio change = compare_runs(cell.name, *cell.metric, cell.before, cell.after, true).change;
  return change.bounded ? std::sqrt(change.high / change.low) - 1 : infinite;
}

class Ab {
 public:
  Ab(const AbRules& rules, const RunSide& run, const std::function<void(std::string_view)>& tell)
      : rules_(rules), run_(run), tell_(tell), random_(rules.seed), begun_ns_(now_ns()) {}

  AbResult compare() {
    const bool whole = test_itself() && compare_builds() && confirm();
    result_.interrupted = !whole;
    return std::move(result_);
  }

 private:
  // Of the candidate, so that the machine is known before anything is said of the baseline.
  bool test_itself() {
    std::vector<PairedCell> cells;
    for (std::uint32_t pair = 0; pair < rules_.self_pairs; ++pair) {
      if (!add_pair(cells, Side::candidate)) return false;
    }
    SelfTest& self = result_.self;
    self.pairs = rules_.self_pairs;
    std::vector<double> widths;
    for (const PairedCell& cell : cells) {
      const double width = half_width(cell);
      if (!std::isfinite(width) || cell.before.empty()) continue;
      widths.push_back(width);
      if (width < self.widest) continue;
      self.widest = width;
      self.widest_cell = cell.name;
    }
    if (!widths.empty()) self.typical = median(widths);
    return true;
  }

  bool compare_builds() {
    std::vector<PairedCell> cells;
    const auto narrow = [&] {
      return std::ranges::all_of(cells, [&](const PairedCell& cell) {
        if (cell.before.empty()) return !may_still_have_figures(cell, cells.size());
        const double width = (1 + half_width(cell)) * (1 + layout_share(cell.builds, rules_.builds)) - 1;
        return width <= rules_.rules.threshold / 2 && cell.before.size() >= fewest(cells.size());
      });
    };
    const auto too_few = [&] {
      const std::size_t least = rules_.min_pairs != 0 ? rules_.min_pairs : fewest(cells.size());
      return result_.pairs < std::max<std::size_t>(least, rules_.builds);
    };
    do {
      const std::int64_t pair_begun_ns = now_ns();
      if (!add_pair(cells, Side::baseline)) return keep(cells, false);
      ++result_.pairs;
      pair_ns_ = now_ns() - pair_begun_ns;
      tell_pair("pair", result_.pairs, cells);
    } while (too_few() || (!narrow() && result_.pairs < rules_.max_pairs && !is_late()));
    return keep(cells, true);
  }

  // Runs that may not be believed are often so for what happens beside them, which passes.
  bool may_still_have_figures(const PairedCell& cell, std::size_t cells) const {
    constexpr std::size_t patience = 3;
    return cell.failed == 0 && cell.unbelieved + cell.missing != 0 && result_.pairs < patience * fewest(cells);
  }

  // A second series over all cells, in which those that are slower have to be slower again.
  bool confirm() {
    std::vector<ComparedCell*> doubtful;
    for (ComparedCell& cell : result_.comparison.cells) {
      if (cell.verdict == CompareVerdict::slower) doubtful.push_back(&cell);
    }
    if (doubtful.empty()) return true;
    const std::size_t enough = std::max<std::size_t>(fewest(doubtful.size()), rules_.builds);
    std::vector<PairedCell> cells;
    // As many as before: fewer would acquit what they cannot tell.
    while (result_.confirming < std::max<std::size_t>(enough, result_.pairs)) {
      if (!add_pair(cells, Side::baseline)) return false;
      tell_pair("confirming, pair", ++result_.confirming, cells);
    }
    keep_failures(cells);
    Comparison again;
    again.paired = true;
    again.threshold = rules_.rules.threshold;
    for (const ComparedCell* cell : doubtful) {
      const auto same = std::ranges::find_if(cells, [&](const PairedCell& each) {
        return each.name == cell->name && each.metric == cell->metric && !each.before.empty();
      });
      if (same != cells.end()) {
        again.cells.push_back(compare_runs(same->name, *same->metric, same->before, same->after, true));
        again.cells.back().layout = layout_share(same->builds, rules_.builds);
      }
    }
    decide(again);
    for (ComparedCell* cell : doubtful) {
      const auto found = std::ranges::find_if(again.cells, [&](const ComparedCell& each) {
        return each.name == cell->name && each.metric == cell->metric;
      });
      // What has no figures any more is not acquitted.
      if (found == again.cells.end() || found->verdict == CompareVerdict::slower) continue;
      cell->verdict = CompareVerdict::undecided;
      cell->why = fmt::format("slower in {} pairs, but not again in {} more: {}, 95% {}", result_.pairs,
                              result_.confirming, change_text(found->change.effect), interval_text(found->change));
    }
    return true;
  }

  // What fails in the second series has failed, whether or not it was in doubt.
  void keep_failures(const std::vector<PairedCell>& cells) {
    for (const PairedCell& cell : cells) {
      if (cell.failed == 0) continue;
      const auto found = std::ranges::find_if(result_.comparison.cells, [&](const ComparedCell& each) {
        return each.name == cell.name && each.metric == cell.metric;
      });
      if (found == result_.comparison.cells.end() || found->lost) continue;
      found->had_figures = found->lost = true;
      found->why = fmt::format("{} of {} more pairs: {}", cell.failed, result_.confirming, cell.why_failed);
    }
  }

  // So many pairs let the least p-value pass Holm's first step.
  static std::size_t fewest(std::size_t cells) {
    return std::max<std::size_t>(fewest_runs,
                                 static_cast<std::size_t>(std::ceil(1 - std::log2(smallest_level(cells)))));
  }

  bool is_late() const { return now_ns() - begun_ns_ + pair_ns_ > rules_.max_time_ns; }

  // Runs `first` and the candidate, in an order that over two pairs is either way round once.
  bool add_pair(std::vector<PairedCell>& cells, Side first) {
    if (orders_.empty()) {
      const bool first_is_turned = random_() % 2 == 0;
      orders_ = {!first_is_turned, first_is_turned};
    }
    const bool turned = orders_.back();
    orders_.pop_back();
    const BuildPair builds = next_builds();
    const auto run = [&](bool candidate) {
      return candidate ? run_(Side::candidate, static_cast<std::uint32_t>(builds.after))
                       : run_(first, static_cast<std::uint32_t>(builds.before));
    };
    const std::optional<ReadResult> one = run(turned);
    if (!one) return false;
    const std::optional<ReadResult> other = run(!turned);
    if (!other) return false;
    for (const ReadResult* round : {&*one, &*other}) note_others(*round);
    add_readings(cells, turned ? *other : *one, turned ? *one : *other, builds);
    return true;
  }

  void note_others(const ReadResult& round) {
    for (const ReadCell& cell : round.cells) {
      for (const ReadRun& run : cell.runs) others_busy_.push_back(run.surroundings.others_busy);
    }
  }

  // Over as many pairs as there are builds, each of either side is in one.
  BuildPair next_builds() {
    if (meetings_.empty()) {
      std::vector<std::size_t> others(rules_.builds);
      std::iota(others.begin(), others.end(), std::size_t{0});
      std::ranges::shuffle(others, random_);
      for (std::size_t build = 0; build < others.size(); ++build) {
        meetings_.push_back({.before = build, .after = others[build]});
      }
    }
    const BuildPair next = meetings_.back();
    meetings_.pop_back();
    return next;
  }

  void add_readings(std::vector<PairedCell>& cells, const ReadResult& before, const ReadResult& after,
                    const BuildPair& builds) {
    const CompareRules& rules = rules_.rules;
    for (const ReadCell& cell : before.cells) {
      const auto other = std::ranges::find(after.cells, cell.name, &ReadCell::name);
      if (other == after.cells.end()) {
        note_lonely(result_.comparison.only_before, cell.name);
        continue;
      }
      std::vector<const Metric*> chosen = rules.metrics;
      if (chosen.empty()) chosen = {&main_metric(before.groups[cell.group].ranked_by)};
      for (const Metric* metric : chosen) add_reading(cells, cell, *other, *metric, builds);
    }
    for (const ReadCell& cell : after.cells) {
      if (std::ranges::find(before.cells, cell.name, &ReadCell::name) == before.cells.end()) {
        note_lonely(result_.comparison.only_after, cell.name);
      }
    }
  }

  static void note_lonely(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }

  static Figure read(const ReadCell& cell, const Metric& metric, std::string_view side) {
    if (!cell.failure.empty()) {
      return {.value = {}, .why_not = fmt::format("failed in the {}: {}", side, cell.failure), .failed = true};
    }
    std::string why = fmt::format("no figure in the {} of: {}", side, metric.meaning);
    bool unbelieved = false;
    for (const ReadRun& run : cell.runs) {
      unbelieved = unbelieved || !run.why_invalid.empty();
      const std::optional<double> value = run.values[place_of(metric)];
      if (!run.why_invalid.empty()) why = fmt::format("invalid in the {}: {}", side, run.why_invalid);
      if (run.why_invalid.empty() && value && *value > 0) return {.value = value, .why_not = {}};
    }
    return {.value = {}, .why_not = std::move(why), .unbelieved = unbelieved};
  }

  static void add_reading(std::vector<PairedCell>& cells, const ReadCell& before, const ReadCell& after,
                          const Metric& metric, BuildPair builds) {
    auto cell = std::ranges::find_if(
        cells, [&](const PairedCell& each) { return each.name == before.name && each.metric == &metric; });
    if (cell == cells.end()) {
      cells.push_back({.name = before.name,
                       .metric = &metric,
                       .before = {},
                       .after = {},
                       .builds = {},
                       .why_not = {},
                       .why_failed = {}});
      cell = cells.end() - 1;
    }
    Figure one = read(before, metric, "baseline");
    Figure other = read(after, metric, "candidate");
    const std::vector<std::string> differing = differing_facts(before.parameters, after.parameters);
    if (!differing.empty()) {
      ++cell->differing;
      cell->why_not = differing.front();
      return;
    }
    if (one.value && other.value) {
      cell->before.push_back(*one.value);
      cell->after.push_back(*other.value);
      builds.log_ratio = std::log(*other.value / *one.value);
      cell->builds.push_back(builds);
      return;
    }
    if (!one.value) ++cell->without;
    if (one.unbelieved || one.failed) ++cell->unbelieved;
    if (one.value) ++cell->missing;
    if (one.value && other.failed) {
      ++cell->failed;
      cell->why_failed = other.why_not;
    }
    cell->why_not = one.value ? std::move(other.why_not) : std::move(one.why_not);
  }

  // A candidate that has failed once has failed; runs that may not be believed happen to both, but not mostly to one.
  static ComparedCell without_loss(ComparedCell cell, const PairedCell& from) {
    const std::size_t pairs = from.before.size() + from.missing + from.without;
    cell.had_figures = !from.before.empty() || from.missing != 0 || from.differing != 0 || from.unbelieved != 0;
    cell.lost = from.failed != 0 || 2 * from.missing > pairs;
    if (from.failed != 0) {
      cell.why = fmt::format("{} of {} pairs: {}", from.failed, pairs, from.why_failed);
    } else if (cell.lost) {
      cell.why = fmt::format("{} of {} pairs: {}", from.missing, pairs, from.why_not);
    }
    return cell;
  }

  // Turns pairs into verdicts.
  bool keep(const std::vector<PairedCell>& cells, bool whole) {
    Comparison& comparison = result_.comparison;
    comparison.before = "baseline";
    comparison.after = "candidate";
    comparison.paired = true;
    comparison.threshold = rules_.rules.threshold;
    for (const PairedCell& cell : cells) {
      ComparedCell compared{.name = cell.name, .metric = cell.metric, .why = cell.why_not};
      if (!cell.before.empty()) {
        compared = compare_runs(cell.name, *cell.metric, cell.before, cell.after, true);
        compared.layout = layout_share(cell.builds, rules_.builds);
      }
      comparison.cells.push_back(without_loss(std::move(compared), cell));
    }
    decide(comparison);
    for (const PairedCell& cell : cells) tell_of_left_out(cell, comparison);
    constexpr double disturbing = 0.1;
    if (const double others = others_busy_.empty() ? 0 : median(others_busy_); others > disturbing) {
      comparison.notes.push_back(
          fmt::format("Other processes used {:.0f}% of the CPUs, which makes runs slow and intervals wide; "
                      "--wait-for-quiet=TIME waits until they do not.",
                      others * 100));
    }
    return whole;
  }

  // Pairs without a figure on either side, of a cell that has some: fewer tell less, and more will be lost as well.
  static void tell_of_left_out(const PairedCell& cell, Comparison& comparison) {
    const std::size_t left_out = cell.missing + cell.without;
    const std::size_t pairs = cell.before.size() + left_out;
    if (cell.before.empty() || 10 * left_out <= pairs) return;
    comparison.notes.push_back(
        fmt::format("{}: {} of {} pairs are left out: {}.", cell.name, left_out, pairs, cell.why_not));
    for (ComparedCell& compared : comparison.cells) {
      if (compared.name == cell.name && compared.metric == cell.metric) {
        compared.more_rounds = compared.more_rounds * pairs / cell.before.size();
      }
    }
  }

  void tell_pair(std::string_view what, std::uint32_t pair, const std::vector<PairedCell>& cells) const {
    double widest = 0;
    for (const PairedCell& cell : cells) widest = std::max(widest, half_width(cell));
    tell_(fmt::format("{} {}: {}", what, pair,
                      std::isfinite(widest) ? fmt::format("widest interval ±{:.1f}%", widest * 100)
                                            : std::string("too few for an interval yet")));
  }

  const AbRules& rules_;
  const RunSide& run_;
  const std::function<void(std::string_view)>& tell_;
  std::mt19937_64 random_;
  std::int64_t begun_ns_;
  std::int64_t pair_ns_ = 0;
  std::vector<BuildPair> meetings_;  // of builds, still to come
  std::vector<double> others_busy_;  // what others used of the CPUs in each run
  std::vector<bool> orders_;         // of the pairs to come: whether they are turned round
  AbResult result_;
};

}  // namespace

double SelfTest::decidable(double half_width, std::uint32_t in_pairs, double threshold) const {
  const double then = in_pairs == 0 ? half_width : half_width * std::sqrt(static_cast<double>(pairs) / in_pairs);
  return (1 + threshold) * (1 + then) - 1;
}

AbResult run_ab(const AbRules& rules, const RunSide& run, const std::function<void(std::string_view)>& tell) {
  return Ab(rules, run, tell).compare();
}

std::string self_test_text(const AbResult& result) {
  const SelfTest& self = result.self;
  if (self.typical <= 0) {
    return fmt::format(
        "The candidate against itself, {} pairs: too few of them may be believed to tell what today can be decided.\n",
        self.pairs);
  }
  const double threshold = result.comparison.threshold;
  const auto share = [&](double width) {
    return fmt::format("{:.1f}%", self.decidable(width, result.pairs, threshold) * 100);
  };
  return fmt::format(
      "The candidate against itself, {} pairs: today {} pairs tell what is slower by about {} and more from the "
      "threshold of {:.3g}% ({} of {}).\n",
      self.pairs, result.pairs, share(self.typical), threshold * 100, share(self.widest), self.widest_cell);
}

}  // namespace bench
