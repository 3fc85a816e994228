// A process of the load generator.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "harness/load/load_plan.h"
#include "harness/load/shares.h"
#include "harness/load/worker.h"

namespace bench {

/// What one process does: worker i has shares[i] and links[i].
struct WorkerProcess {
  const LoadPlan& plan;
  std::span<const WorkerShare> shares;
  std::span<const WorkerLink> links;
  std::span<const int> cpus;  ///< The workers are pinned to them in turn; may be empty.
  LoadControl& control;
};

/// The life of a process that was forked for `process` by `parent`: a thread for each worker, the first in the thread
/// that calls. Closes all descriptors but the standard ones and those in the links. Does not return.
[[noreturn]] void run_worker_process(const WorkerProcess& process, pid_t parent);

}  // namespace bench
