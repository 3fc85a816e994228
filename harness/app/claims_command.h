// `bench claims`: what the notes claim, tried on this machine.
#pragma once

#include "harness/app/app.h"

namespace bench {

/// Carries out Command::claims.
Exit claims(const Tables& tables, const Options& options);

}  // namespace bench
