#include "harness/compare/comparison_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/text/quantities.h"
#include "harness/text/table.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array verdicts{CompareVerdict::slower, CompareVerdict::faster, CompareVerdict::same,
                              CompareVerdict::undecided, CompareVerdict::not_comparable};

std::string value_text(const Metric& metric, const Estimate& estimate) {
  const std::string half = estimate.bounded && std::isfinite(estimate.half_width())
                               ? fmt::format(" ±{:.1f}%", estimate.half_width() * 100)
                               : std::string();
  return metric.show(estimate.median) + half;
}

std::string verdict_text(const ComparedCell& cell) {
  std::string text(verdict_name(cell.verdict));
  if (!cell.why.empty()) return fmt::format("{} ({})", text, cell.why);
  if (cell.verdict != CompareVerdict::undecided) return text;
  if (cell.more_rounds == 0) return text + " (more rounds hardly decide it)";
  return text + fmt::format(" (about {} more round{})", format_count(static_cast<double>(cell.more_rounds)),
                            cell.more_rounds == 1 ? "" : "s");
}

std::vector<std::string> row_of(const ComparedCell& cell) {
  const std::string name(cell.metric->name);
  return {cell.name,
          name,
          value_text(*cell.metric, cell.before),
          value_text(*cell.metric, cell.after),
          change_text(cell.change.effect),
          interval_text(cell.change),
          fmt::to_string(cell.change.pairs),
          verdict_text(cell)};
}

Table table_of(const Comparison& comparison, const std::vector<const ComparedCell*>& cells) {
  Table table{.header = {"cell", "metric", comparison.before, comparison.after, "change", "95%",
                         comparison.paired ? "pairs" : "runs", "verdict"},
              .rows = {}};
  for (const ComparedCell* cell : cells) {
    if (cell->is_compared()) {
      table.rows.push_back(row_of(*cell));
    } else {
      table.add_remark(cell->name, fmt::format("{} not comparable: {}", cell->metric->name, cell->why));
    }
  }
  return table;
}

std::string names_line(const std::vector<std::string>& names, std::string_view label) {
  return names.empty() ? std::string() : fmt::format("Only in {}: {}\n", label, fmt::join(names, ", "));
}

// What the builds' layout adds to the bound.
std::string layout_text(const Comparison& comparison) {
  double widest = 0;
  for (const ComparedCell& cell : comparison.cells) {
    if (std::isfinite(cell.layout)) widest = std::max(widest, cell.layout);
  }
  return widest > 0 ? fmt::format(" and what the layout of the builds leaves open (up to {:.1f}%)", widest * 100) : "";
}

// What a reader has to know to believe the table.
std::string notes_of(const Comparison& comparison) {
  std::string text =
      names_line(comparison.only_before, comparison.before) + names_line(comparison.only_after, comparison.after);
  for (const std::string& note : comparison.notes) text += note + "\n";
  const std::size_t tested =
      static_cast<std::size_t>(std::ranges::count_if(comparison.cells, &ComparedCell::is_compared));
  if (tested == 0) return text;
  const double drift = comparison.drift.value_or(0);
  text += fmt::format(
      "slower, faster: beyond {:.3g}%{}, by Holm's procedure at 5% for {} together; same: the whole 95% interval "
      "within "
      "{:.3g}%.\n",
      std::max(comparison.threshold, drift) * 100, layout_text(comparison),
      tested == 1 ? "the cell" : fmt::format("all {} rows", tested), comparison.threshold * 100);
  if (comparison.paired) {
    const bool is_open = std::ranges::any_of(comparison.cells, [](const ComparedCell& cell) {
      return cell.verdict == CompareVerdict::undecided && cell.layout > 0;
    });
    if (is_open) text += "More --builds narrow what their layout leaves open.\n";
    return text + "Both builds ran in turns, in random order within each pair; change: median of the pairs' ratios.\n";
  }
  const std::string moved =
      comparison.drift ? fmt::format(
                             "Within a file, figures moved by {:.1f}% between its first and its last rounds; no "
                             "less is called a change.",
                             drift * 100)
                       : "How far figures move within a file takes 12 rounds and more to tell.";
  return text +
         fmt::format(
             "Runs of separate files were not interleaved: a machine that changed in between looks like a change "
             "of the program. {} `bench ab --baseline=…` runs both builds in turns.\n",
             moved);
}

// Takes out what a reader misses least until the table fits; returns the names of that.
std::vector<std::string> narrowed(Table& table, std::size_t width) {
  std::vector<std::string> names;
  const auto fits = [&] { return width == any_width || width_of(table) <= width; };
  for (const std::size_t least : {6U, 3U, 2U, 1U}) {  // runs, after, before and metric, where they then stand
    if (fits()) return names;
    names.push_back(table.header[least]);
    erase_columns(table, {least});
  }
  if (fits()) return names;
  for (TableRow& row : table.rows) {
    if (!row.is_remark) row.back().resize(std::min(row.back().size(), row.back().find(" (")));
  }
  names.emplace_back("the rounds that would decide");
  if (fits()) return names;
  names.push_back(table.header[2]);
  erase_columns(table, {2});  // the interval
  return names;
}

std::string console_text(const Comparison& comparison, bool emphasis, std::size_t width) {
  std::vector<const ComparedCell*> all;
  for (const ComparedCell& cell : comparison.cells) all.push_back(&cell);
  Table table = table_of(comparison, all);
  const std::vector<std::string> names = narrowed(table, width);
  const std::string no_room =
      names.empty() ? "" : fmt::format("(No room for: {}; a wider terminal shows them.)\n", fmt::join(names, ", "));
  const std::string head =
      fmt::format("{} against {}: {}\n", comparison.after, comparison.before, summary_line(comparison));
  return fmt::format("{}\n{}{}\n{}", wrapped(head, width), render_console(table, emphasis, width),
                     wrapped(no_room, width), wrapped(notes_of(comparison), width));
}

std::string markdown_text(const Comparison& comparison) {
  std::vector<const ComparedCell*> shown;
  std::vector<const ComparedCell*> folded;
  for (const ComparedCell& cell : comparison.cells) {
    (cell.verdict == CompareVerdict::same ? folded : shown).push_back(&cell);
  }
  std::string text =
      fmt::format("### {} against {}: {}\n\n", comparison.after, comparison.before, summary_line(comparison));
  if (!shown.empty()) text += render_markdown(table_of(comparison, shown)) + "\n";
  if (!folded.empty()) {
    text += fmt::format("<details>\n<summary>{} the same</summary>\n\n{}\n</details>\n\n", folded.size(),
                        render_markdown(table_of(comparison, folded)));
  }
  return text + notes_of(comparison);
}

Json estimate_json(const Estimate& estimate) {
  return {{"median", estimate.median},
          {"low", estimate.low},
          {"high", estimate.high},
          {"runs", estimate.samples},
          {"bounded", estimate.bounded}};
}

Json cell_json(const ComparedCell& cell) {
  Json json{{"name", cell.name}, {"metric", cell.metric->name}, {"verdict", verdict_name(cell.verdict)}};
  if (!cell.why.empty()) json["why"] = cell.why;
  if (!cell.is_compared()) return json;
  json["more_is_better"] = cell.metric->more_is_better;
  json["before"] = estimate_json(cell.before);
  json["after"] = estimate_json(cell.after);
  json["change"] = {{"effect", cell.change.effect},
                    {"low", cell.change.low},
                    {"high", cell.change.high},
                    {"bounded", cell.change.bounded}};
  if (cell.layout > 0 && std::isfinite(cell.layout)) json["layout_percent"] = cell.layout * 100;
  if (cell.regime) json["regime"] = regime_name(*cell.regime);
  if (cell.verdict == CompareVerdict::undecided && cell.more_rounds != 0) json["more_rounds"] = cell.more_rounds;
  return json;
}

}  // namespace

std::string change_text(double ratio) {
  if (ratio >= 2 || ratio <= 0.5) return format_ratio(ratio);
  return fmt::format("{:+.1f}%", (ratio - 1) * 100);
}

std::string interval_text(const Ratio& ratio) {
  return ratio.bounded ? fmt::format("{} to {}", change_text(ratio.low), change_text(ratio.high)) : "-";
}

std::string summary_line(const Comparison& comparison) {
  std::vector<std::string> parts;
  for (const CompareVerdict verdict : verdicts) {
    const std::size_t count = comparison.count(verdict);
    if (count != 0) parts.push_back(fmt::format("{} {}", count, verdict_name(verdict)));
  }
  return parts.empty() ? "nothing to compare" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string comparison_text(const Comparison& comparison, Format format, bool emphasis, std::size_t width) {
  return format == Format::markdown ? markdown_text(comparison) : console_text(comparison, emphasis, width);
}

Json comparison_json(const std::vector<Comparison>& comparisons) {
  Json all = Json::array();
  for (const Comparison& comparison : comparisons) {
    Json counts = Json::object();
    for (const CompareVerdict verdict : verdicts)
      counts[std::string(verdict_name(verdict))] = comparison.count(verdict);
    Json cells = Json::array();
    for (const ComparedCell& cell : comparison.cells) cells.push_back(cell_json(cell));
    all.push_back({{"before", comparison.before},
                   {"after", comparison.after},
                   {"paired", comparison.paired},
                   {"threshold_percent", comparison.threshold * 100},
                   {"counts", std::move(counts)},
                   {"cells", std::move(cells)},
                   {"only_before", comparison.only_before},
                   {"only_after", comparison.only_after}});
    if (!comparison.notes.empty()) all.back()["notes"] = comparison.notes;
    if (comparison.drift) all.back()["drift_percent"] = *comparison.drift * 100;
  }
  return {{"comparisons", std::move(all)}};
}

std::string comparison_csv(const std::vector<Comparison>& comparisons) {
  Table table{.header = {"before", "after", "cell", "metric", "before_median", "after_median", "ratio", "ratio_low",
                         "ratio_high", "bounded", "verdict", "why", "more_rounds"},
              .rows = {}};
  for (const Comparison& comparison : comparisons) {
    for (const ComparedCell& cell : comparison.cells) {
      const auto figure = [&](double value) { return cell.is_compared() ? fmt::to_string(value) : std::string(); };
      table.rows.push_back({comparison.before, comparison.after, cell.name, std::string(cell.metric->name),
                            figure(cell.before.median), figure(cell.after.median), figure(cell.change.effect),
                            figure(cell.change.low), figure(cell.change.high), figure(cell.change.bounded ? 1 : 0),
                            std::string(verdict_name(cell.verdict)), cell.why,
                            cell.more_rounds != 0 ? fmt::to_string(cell.more_rounds) : std::string()});
    }
  }
  return render_csv(table);
}

}  // namespace bench
