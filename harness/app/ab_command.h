// `bench ab`: two builds in turns.
#pragma once

#include "harness/app/app.h"

namespace bench {

/// Carries out Command::ab.
Exit ab(const Options& options);

}  // namespace bench
