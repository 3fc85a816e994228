// What people read: the table, the plan, the list of what there is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/plan.h"
#include "harness/summary/summary.h"
#include "harness/text/table.h"

namespace bench {

/// How a report is to look.
struct ReportLook {
  Format format = Format::console;  ///< Or Markdown, which knows nothing of emphasis and width.
  bool emphasis = false;
  std::size_t width = any_width;       ///< Of the console, in characters.
  std::vector<std::string> columns{};  ///< Those of a group's table that are wanted beside the first; empty: as many as
                                       ///< there is room for; "all": all.
  bool details = false;                ///< Of workloads with several groups the table of each, too.
};

/// The tables with their closing sentences and warnings: of a workload with one group that group's, of one with several
/// a table of what they are about.
std::string report_text(const Plan& plan, const Results& results, const ReportLook& look);

/// Throws UsageError where a column is asked for that no table of the plan has.
void check_columns(const Plan& plan, const std::vector<std::string>& columns);

/// One flat table of all cells with plain numbers, as CSV.
std::string report_csv(const Plan& plan, const Results& results);

/// What --dry-run prints: the cells, what is skipped, how long it may take.
std::string plan_text(const Plan& plan);

}  // namespace bench
