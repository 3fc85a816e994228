// `bench run --dry-run --hosts=N`: a plan past this machine, on paper.
#pragma once

#include "harness/app/app.h"
#include "harness/options/options.h"

namespace bench {

/// Prints what the plan would take on OverOptions::hosts machines like this one.
Exit plan_on_paper(const Tables& tables, const Options& options);

}  // namespace bench
