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
#include "harness/session/progress.h"

namespace bench {

/// Writes to standard output. Throws std::system_error where that is closed or full, since a report that nobody got is
/// a failure.
void print(std::string_view text);

/// Whether what started several processes of this program together says that this one is not the first, so that it
/// leaves to that one what all of them would say. A guess, for before MPI can be asked.
bool is_another_rank();

/// Whether tables on standard output are to have emphasis.
bool emphasis(const Options& options);

/// How a report on standard output is to look.
ReportLook look_of(const Options& options);

/// Where the result goes as `options` say: nowhere with --out=-. Throws UsageError where that cannot be written.
std::optional<ResultFile> result_file(const Options& options, const Machine& machine);

/// Says who else is at work before something is measured, if that is much; with --wait-for-quiet waits until they are
/// not.
void await_quiet(const Options& options, Progress& progress);

/// Makes a plan, runs it, writes its result and prints its report, all as `options` ask for. With --over=mpi it `join`s
/// the other machines, and does only the plan's runs where another leads.
Exit run_and_report(const Options& options, const std::function<Plan(const Machine&)>& make, JoinCrew join = nullptr);

}  // namespace bench
