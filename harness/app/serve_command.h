// `bench serve`: one service under one model, for any client, until it is interrupted.
#pragma once

#include "harness/app/app.h"

namespace bench {

/// Carries out Command::serve, whose options are in Options::serve.
Exit serve(const Options& options);

}  // namespace bench
