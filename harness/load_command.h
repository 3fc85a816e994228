// `bench load`: measures any server.
#pragma once

#include "harness/app.h"

namespace bench {

/// Carries out Command::load, whose options are in Options::load.
Exit load(const Options& options);

}  // namespace bench
