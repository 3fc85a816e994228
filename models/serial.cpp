// serial: one task after another.
//
// Units: the one thread of the run. Nobody wakes anybody: a wait puts the only thread to sleep and all later tasks with
// it. System calls for a task: one for each wait. It cannot overlap anything, and so it is the reference for the rest.
#include "models/blocking.h"
#include "models/rows.h"

namespace bench {

void run_serial(JobRun& job) {
  const JobRun::Unit unit(job);
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_blocking(job, index);
  }
}

}  // namespace bench
