// Comparisons for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/compare/comparison.h"
#include "harness/options/options.h"
#include "harness/text/table.h"

namespace bench {

/// "+4.1%", "-0.3%"; from twice on "2.10×".
std::string change_text(double ratio);

/// "+1.7% to +8.1%"; "-" where there are too few runs for one.
std::string interval_text(const Ratio& ratio);

/// "1 slower, 2 faster, 30 same, 4 undecided": what there is of each.
std::string summary_line(const Comparison& comparison);

/// The summary, the table and what a reader has to know, for a console or as Markdown, where rows that have not changed
/// are folded. On a console of `width` columns what has no room is left out.
std::string comparison_text(const Comparison& comparison, Format format, bool emphasis, std::size_t width = any_width);

/// The comparisons as one document: under `comparisons` each with its labels, rules, counts and cells. Holds no NaN, no
/// infinity and no null.
nlohmann::ordered_json comparison_json(const std::vector<Comparison>& comparisons);

/// One flat table with plain numbers, as CSV.
std::string comparison_csv(const std::vector<Comparison>& comparisons);

}  // namespace bench
