// What differs between kinds of workloads in what people read, and what is the same.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/report/row_parts.h"
#include "harness/summary/summary.h"

namespace bench {

/// A column of a group's table.
struct ReportColumn {
  std::string_view name;
  int importance = 0;          ///< Where there is no room for all, the least important are left out; 0: never.
  std::string_view meaning{};  ///< What the legend says of it; the same of neighbours is said once. Empty: nothing.
};

/// What a table of several groups shows of a cell: its name, and the text of one with samples.
struct PivotFigure {
  std::string_view name;
  std::string (*text)(const CellSummary& row);
};

/// How a kind is reported.
struct ReportKind {
  /// The columns of a group's table, and the row of a cell that has samples.
  std::span<const ReportColumn> (*columns)(const Group& group);
  std::vector<std::string> (*row)(const CellSummary& row, const Cell& cell, const Group& group,
                                  const CellResult& result);

  /// What a table of several groups shows; the first is what cells are ranked by, where they are.
  std::span<const PivotFigure> (*figures)(const Group& group);

  /// What the title says of the ideal of a group with samples: " · ideal 10.0 ms"; empty where there is none.
  std::string (*ideal)(const GroupSummary& summary);

  /// Lines under the table for what it has no column for; empty without any.
  std::string (*lines)(const Plan& plan, const Results& results, const GroupSummary& summary);

  /// A paragraph below them; likewise.
  std::string (*paragraph)(const Plan& plan, const GroupSummary& summary);

  bool has_ranking;          ///< Whether its cells do the same, so that one may be best.
  std::string_view counted;  ///< A parameter that another column of the CSV shows already; empty: none.
  const RowParts* rows;      ///< Of the result file.
};

extern const ReportKind job_report;
extern const ReportKind service_report;
extern const ReportKind primitive_report;

/// That of a group's workload.
const ReportKind& report_kind(const Group& group);

/// For ReportKind: no ideal, no lines, no paragraph.
std::string no_ideal(const GroupSummary& summary);
std::string no_lines(const Plan& plan, const Results& results, const GroupSummary& summary);
std::string no_paragraph(const Plan& plan, const GroupSummary& summary);

/// "±1.3%"; "-" with too few samples; where it is wider than what it is about: "10.0 ms to 345 ms, too noisy to use".
std::string interval_text(const Estimate& estimate, std::string (*format)(double));

/// Lines, indented or not, as a list of Markdown with an empty line before it, for one right behind a table would be a
/// row of it; empty without any.
std::string markdown_list(const std::string& lines);

/// "1.94×"; "-" where it is not known.
std::string ratio_text(const std::optional<Ratio>& ratio);

/// As wide as the longest label of the group's cells.
std::size_t label_width(const Plan& plan, const Group& group);

}  // namespace bench
