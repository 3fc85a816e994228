// A result in the formats of other tools.
#pragma once

#include <cstdint>
#include <string>

#include "harness/compare/read_result.h"

namespace bench {

/// github-action-benchmark's customSmallerIsBetter: an array of the cells, each with what its table is ranked by, in ns
/// (of a rate, the time of a request). Cells without figures are left out.
std::string export_github_action(const ReadResult& result);

/// RFC 4180, a line for each cell.
std::string export_csv(const ReadResult& result);

/// A table for each group that fits a pull request's comment, with the sentence that closes it; its warnings are
/// folded.
std::string export_markdown(const ReadResult& result);

/// JUnit's XML: a suite for each group, a case for each cell, which fails where the cell failed or may not be believed.
std::string export_junit(const ReadResult& result);

}  // namespace bench
