// `bench export`: a result in a format of other tools.
#pragma once

#include "harness/app/app.h"

namespace bench {

/// Carries out Command::export_result.
Exit export_result(const Options& options);

}  // namespace bench
