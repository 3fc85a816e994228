// The two halves of `reactor-pool`.
#pragma once

#include "measure/job_run.h"
#include "measure/server_run.h"

namespace bench {

/// As Model has them.
void run_reactor_pool(JobRun& job);
void serve_reactor_pool(ServerRun& server);

}  // namespace bench
