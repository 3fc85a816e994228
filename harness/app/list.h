// `bench list`: what there is.
#pragma once

#include <string>

#include "harness/options/options.h"

namespace bench {

/// The models, workloads and suites, what is unavailable here, and why.
std::string list_text(const Tables& tables);

}  // namespace bench
