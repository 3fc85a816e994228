// One table for the groups of a workload: models by what its parameters were.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/summary/summary.h"

namespace bench {

/// What the titles of groups have in common, and what is each one's own: "io · 2 CPUs" and {"10 tasks", "100 tasks"}.
struct SplitTitles {
  std::string common;
  std::vector<std::string> own;  ///< In the order of the groups; parts are joined by line breaks.
};
/// "10 tasks · wait 1ms" of a title with line breaks.
std::string on_one_line(std::string title);

SplitTitles split_titles(const std::vector<std::string>& titles);

/// The first of them that has rows, since it knows how the workload was run; 0 where none has.
std::size_t leading(std::span<const GroupSummary> summaries);

/// The tables of `summaries`, which are of one workload: for each figure a row for each model, or what tells it from
/// others of that model, and a column for each group, in as many tables as their width demands; then what came of those
/// without a figure, and the verdict of each group. Not wrapped.
std::string pivot_text(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries, bool emphasis,
                       std::size_t width);

/// The same as Markdown.
std::string pivot_markdown(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries);

}  // namespace bench
