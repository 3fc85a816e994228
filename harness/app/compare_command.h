// `bench compare`: result files against each other.
#pragma once

#include <vector>

#include "harness/app/app.h"
#include "harness/compare/comparison.h"

namespace bench {

/// The rules that `options` ask for. Throws UsageError for a metric that there is none of.
CompareRules rules_of(const VerdictOptions& options);

/// What comparisons of one machine's results end with.
Exit exit_of(const std::vector<Comparison>& comparisons, const VerdictOptions& options);

/// Prints comparisons of one machine's results in the format that `options` ask for.
void print_comparisons(const std::vector<Comparison>& comparisons, const Options& options);

/// Carries out Command::compare.
Exit compare_files(const Options& options);

}  // namespace bench
