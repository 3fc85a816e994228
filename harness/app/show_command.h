// `bench show`: an old result again.
#pragma once

#include "harness/app/app.h"
#include "harness/options/options.h"

namespace bench {

/// Carries out Command::show.
Exit show(const Tables& tables, const Options& options);

}  // namespace bench
