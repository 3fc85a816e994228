// What differs between kinds of workloads in what people read, and what is the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/report/row_parts.h"
#include "harness/summary/summary.h"

namespace bench {

/// How a kind is reported.
struct ReportKind {
  /// The head of a group's table, and the row of a cell that has samples.
  const std::vector<std::string>& (*header)(const Group& group);
  std::vector<std::string> (*row)(const CellSummary& row, const Cell& cell, const Group& group,
                                  const CellResult& result);

  /// What the title says of the ideal of a group with samples: " · ideal 10.0 ms"; empty where there is none.
  std::string (*ideal)(const GroupSummary& summary);

  /// Lines under the table for what it has no column for; empty without any.
  std::string (*lines)(const Plan& plan, const Results& results, const GroupSummary& summary);

  /// A paragraph below them; likewise.
  std::string (*paragraph)(const Plan& plan, const GroupSummary& summary);

  std::string_view legend;   ///< What the columns mean.
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

/// "±1.3%"; "-" with too few samples.
std::string interval_text(const Estimate& estimate);

/// "1.94×"; "-" where it is not known.
std::string ratio_text(const std::optional<Ratio>& ratio);

/// As wide as the longest label of the group's cells.
std::size_t label_width(const Plan& plan, const Group& group);

}  // namespace bench
