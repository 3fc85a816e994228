// From the flags of services to their options. Every function throws UsageError.
#pragma once

#include "harness/options/flags.h"
#include "harness/options/options.h"

namespace bench {

/// The service options of `run`.
ServiceOptions read_service_options(const Flags& flags);

/// On which machines `run` and `load` run.
OverOptions read_over(const Flags& flags);

/// The options of `bench serve`.
ServeOptions read_serve_options(const Flags& flags, const Tables& tables);

/// The options of `bench load`; the URL is the positional argument.
LoadOptions read_load_options(const Flags& flags, const Tables& tables);

}  // namespace bench
