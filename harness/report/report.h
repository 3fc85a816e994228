// What people read: the table, the plan, the list of what there is.
#pragma once

#include <string>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/plan.h"
#include "harness/summary/summary.h"

namespace bench {

/// The tables of all groups with their closing sentences and warnings, for a console or as Markdown.
std::string report_text(const Plan& plan, const Results& results, Format format, bool emphasis);

/// One flat table of all cells with plain numbers, as CSV.
std::string report_csv(const Plan& plan, const Results& results);

/// What --dry-run prints: the cells, what is skipped, how long it may take.
std::string plan_text(const Plan& plan);

}  // namespace bench
