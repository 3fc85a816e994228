// The rows of the result file: one for each run, and those that sum up a cell.
#pragma once

#include <nlohmann/json.hpp>

#include "harness/plan/plan.h"
#include "harness/summary/sample.h"
#include "harness/summary/summary.h"

namespace bench {

/// All rows, cell by cell, as results/schema.json describes them. `summaries` are those of the plan's groups.
nlohmann::ordered_json result_rows(const Plan& plan, const Results& results,
                                   const std::vector<GroupSummary>& summaries);

}  // namespace bench
