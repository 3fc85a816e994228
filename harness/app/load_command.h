// `bench load`: measures any server.
#pragma once

#include "harness/app/app.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"

namespace bench {

/// The plan of Options::load: a cell for each combination of connections and rates, whose server is not ours. Throws
/// UsageError for a URL that makes no sense.
Plan make_load_plan(const Tables& tables, const Options& options, const Machine& machine);

/// Carries out Command::load, where `join` says so on several machines.
Exit load(const Tables& tables, const Options& options, JoinCrew join = nullptr);

}  // namespace bench
