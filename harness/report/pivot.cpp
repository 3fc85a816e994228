#include "harness/report/pivot.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/report/report_kind.h"
#include "harness/summary/rows_by_reason.h"
#include "harness/text/split.h"
#include "harness/text/table.h"

namespace bench {
namespace {

constexpr std::string_view part_separator = " · ";

std::vector<std::string> parts_of(std::string_view title) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = title.find(part_separator);
    parts.emplace_back(title.substr(0, end));
    if (end == std::string_view::npos) return parts;
    title.remove_prefix(end + part_separator.size());
  }
}

bool holds(const std::vector<std::string>& parts, const std::string& part) {
  return std::ranges::find(parts, part) != parts.end();
}

// What is told of a workload's groups.
class Pivot {
 public:
  Pivot(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries)
      : plan_(plan), results_(results), summaries_(summaries), kind_(report_kind(group_of(summaries.front()))) {
    std::vector<std::string> titles;
    for (const GroupSummary& summary : summaries) titles.push_back(group_of(summary).title);
    titles_ = split_titles(titles);
    for (const GroupSummary& summary : summaries) {
      for (const std::size_t cell : group_of(summary).cells) {
        const std::string& label = plan.cells[cell].label;
        if (std::ranges::find(labels_, label) == labels_.end()) labels_.push_back(label);
      }
    }
  }

  const std::string& title() const { return titles_.common; }
  std::span<const PivotFigure> figures() const { return kind_.figures(group_of(summaries_[leading(summaries_)])); }

  /// With the columns of the groups from `first` on, up to `end`.
  Table table(const PivotFigure& figure, std::size_t first, std::size_t end) const {
    Table table{.header = {"model"}, .rows = {}};
    for (std::size_t column = first; column < end; ++column) table.header.push_back(titles_.own[column]);
    for (const std::string& label : labels_) {
      std::vector<std::string>& row = table.rows.emplace_back();
      row.push_back(label);
      for (std::size_t column = first; column < end; ++column) {
        row.push_back(text(figure, label, summaries_[column]));
      }
    }
    return table;
  }

  bool has_marks() const {
    return std::ranges::any_of(summaries_, [](const GroupSummary& summary) { return !summary.ranking.best.empty(); });
  }

  bool has_brackets() const {
    const auto bracketed = [&](const GroupSummary& summary) {
      return std::ranges::any_of(summary.cells, [&](const CellSummary& row) { return is_bracketed(row, summary); });
    };
    return std::ranges::any_of(summaries_, bracketed);
  }

  /// Why cells have no figure, or one that does not compare: a line for each reason.
  std::string reasons() const {
    RowsByReason reasons;
    for (std::size_t column = 0; column < summaries_.size(); ++column) {
      for (const std::size_t index : group_of(summaries_[column]).cells) {
        const std::string why = why_without(index, summaries_[column]);
        if (!why.empty()) reasons.add(why, fmt::format("{} ({})", plan_.cells[index].label, one_line(column)));
      }
    }
    std::string text;
    for (const auto& [why, rows] : reasons.groups()) text += fmt::format("  {}: {}\n", why, fmt::join(rows, ", "));
    return text;
  }

  std::string verdicts() const {
    std::string text;
    RowsByReason same;
    for (std::size_t column = 0; column < summaries_.size(); ++column) {
      if (!summaries_[column].verdict.empty()) same.add(summaries_[column].verdict, one_line(column));
    }
    for (const auto& [verdict, columns] : same.groups()) {
      text += fmt::format("{}: {}\n", fmt::join(columns, ", "), verdict);
    }
    for (std::size_t column = 0; column < summaries_.size(); ++column) {
      const GroupSummary& summary = summaries_[column];
      const auto remarked = std::ranges::find_if_not(summary.cells, &std::string::empty, &CellSummary::remark);
      if (remarked != summary.cells.end()) {
        text += fmt::format("{}, {}: {}.\n", one_line(column), plan_.cells[remarked->cell].label, remarked->remark);
      }
    }
    return text;
  }

 private:
  const Group& group_of(const GroupSummary& summary) const { return plan_.groups[summary.group]; }

  std::string one_line(std::size_t column) const { return on_one_line(titles_.own[column]); }

  std::string text(const PivotFigure& figure, const std::string& label, const GroupSummary& summary) const {
    for (const CellSummary& row : summary.cells) {
      if (plan_.cells[row.cell].label != label || results_.cells[row.cell].failure) continue;
      const std::string text = figure.text(row);
      if (is_bracketed(row, summary)) return "(" + text + ")";
      const bool ranked_by = &figure == &figures().front();
      const bool best = ranked_by && std::ranges::find(summary.ranking.best, row.cell) != summary.ranking.best.end();
      return text + (best ? "*" : room_for_marks(figure));
    }
    return "-" + room_for_marks(figure);
  }

  // Behind what has none, where others in the table do.
  std::string room_for_marks(const PivotFigure& figure) const {
    return has_brackets() || (&figure == &figures().front() && has_marks()) ? " " : "";
  }

  static bool is_bracketed(const CellSummary& row, const GroupSummary& summary) {
    return !row.runs.valid() ||
           std::ranges::find(summary.ranking.unranked, row.cell, &Unranked::cell) != summary.ranking.unranked.end();
  }

  std::string why_without(std::size_t index, const GroupSummary& summary) const {
    const Cell& cell = plan_.cells[index];
    if (cell.skipped) return "skipped: " + *cell.skipped;
    if (const auto& failure = results_.cells[index].failure) return "failed: " + *failure;
    const auto row = std::ranges::find(summary.cells, index, &CellSummary::cell);
    if (row == summary.cells.end()) return "not run";
    return row->runs.valid() ? "" : "invalid (" + row->runs.why_invalid + ")";
  }

  const Plan& plan_;
  const Results& results_;
  std::span<const GroupSummary> summaries_;
  const ReportKind& kind_;
  SplitTitles titles_;
  std::vector<std::string> labels_;  // in the order of the first group that has them
};

// The tables of a figure, side by side as far as they fit.
std::string figure_text(const Pivot& pivot, const PivotFigure& figure, std::size_t columns, bool emphasis,
                        std::size_t width) {
  std::string text;
  for (std::size_t first = 0; first < columns;) {
    std::size_t end = columns;
    while (width != any_width && end > first + 1 && width_of(pivot.table(figure, first, end)) > width) --end;
    if (first != 0) text += '\n';
    text += render_console(pivot.table(figure, first, end), emphasis);
    first = end;
  }
  return text;
}

std::string marks_text(const Pivot& pivot, const Results& results) {
  std::vector<std::string_view> marks;
  if (results.interrupted) marks.emplace_back("interrupted, so that not all rounds were run");
  if (pivot.has_marks()) marks.emplace_back("*: best, or the data cannot tell it from the best");
  if (pivot.has_brackets()) marks.emplace_back("( ): not ranked, for the reason below");
  return marks.empty() ? "" : fmt::format("{}. --details shows intervals and all else.\n", fmt::join(marks, "; "));
}

}  // namespace

std::string on_one_line(std::string title) {
  for (std::size_t at = 0; (at = title.find('\n', at)) != std::string::npos; at += part_separator.size()) {
    title.replace(at, 1, part_separator);
  }
  return title;
}

std::size_t leading(std::span<const GroupSummary> summaries) {
  const auto found = std::ranges::find_if(summaries, [](const GroupSummary& one) { return !one.cells.empty(); });
  return found == summaries.end() ? 0 : static_cast<std::size_t>(found - summaries.begin());
}

SplitTitles split_titles(const std::vector<std::string>& titles) {
  std::vector<std::vector<std::string>> parts;
  for (const std::string& title : titles) parts.push_back(parts_of(title));
  std::vector<std::string> common;
  for (const std::string& part : parts.front()) {
    if (std::ranges::all_of(parts, [&](const auto& each) { return holds(each, part); })) common.push_back(part);
  }
  SplitTitles split{.common = fmt::format("{}", fmt::join(common, part_separator)), .own = {}};
  for (auto& each : parts) {
    std::erase_if(each, [&](const std::string& part) { return holds(common, part); });
    // A title leaves out what is as it is by default.
    split.own.push_back(each.empty() ? "as usual" : fmt::format("{}", fmt::join(each, "\n")));
  }
  return split;
}

std::string pivot_text(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries, bool emphasis,
                       std::size_t width) {
  const Pivot pivot(plan, results, summaries);
  std::string text;
  for (const PivotFigure& figure : pivot.figures()) {
    if (!text.empty()) text += '\n';
    text += wrapped(fmt::format("{} · {}\n\n", pivot.title(), figure.name), width);
    text += figure_text(pivot, figure, summaries.size(), emphasis, width);
  }
  if (const std::string marks = marks_text(pivot, results); !marks.empty()) text += '\n' + wrapped(marks, width);
  if (const std::string reasons = pivot.reasons(); !reasons.empty()) text += '\n' + wrapped(reasons, width, 2);
  if (const std::string verdicts = pivot.verdicts(); !verdicts.empty()) text += '\n' + wrapped(verdicts, width, 2);
  return text;
}

std::string pivot_markdown(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries) {
  const Pivot pivot(plan, results, summaries);
  std::string text;
  for (const PivotFigure& figure : pivot.figures()) {
    if (!text.empty()) text += '\n';
    text += fmt::format("### {} · {}\n\n{}", pivot.title(), figure.name,
                        render_markdown(pivot.table(figure, 0, summaries.size())));
  }
  if (const std::string marks = marks_text(pivot, results); !marks.empty()) text += '\n' + marks;
  text += markdown_list(pivot.reasons()) + markdown_list(pivot.verdicts());
  return text;
}

}  // namespace bench
