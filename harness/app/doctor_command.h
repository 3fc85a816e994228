// `bench doctor`: what on this machine spoils measurements, and how steady it is.
#pragma once

#include "harness/app/app.h"

namespace bench {

/// Carries out Command::doctor.
Exit doctor(const Tables& tables, const Options& options);

}  // namespace bench
