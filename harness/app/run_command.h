// `bench run`, and whatever else carries out a plan.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "harness/app/app.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "harness/report/report.h"
#include "harness/report/result_file.h"

namespace bench {

/// Writes to standard output. Throws std::system_error where that is closed or full, since a report that nobody got is
/// a failure.
void print(std::string_view text);

/// Whether tables on standard output are to have emphasis.
bool emphasis(const Options& options);

/// How a report on standard output is to look.
ReportLook look_of(const Options& options);

/// Where the result goes as `options` say: nowhere with --out=-. Throws UsageError where that cannot be written.
std::optional<ResultFile> result_file(const Options& options, const Machine& machine);

/// Makes a plan, runs it, writes its result and prints its report, all as `options` ask for.
Exit run_and_report(const Options& options, const std::function<Plan(const Machine&)>& make);

}  // namespace bench
