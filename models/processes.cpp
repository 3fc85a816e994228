// processes: a process for each task.
//
// Units: as many processes as tasks, all forked first and then waited for. The kernel wakes the parent when a child
// ends; children do not know of each other. System calls for a task: fork, the waits of the task, exit, wait. A child
// shares nothing but the mapping made before the fork, so a task cannot hand its parent more than what lies there.
#include "models/blocking.h"
#include "models/child.h"
#include "models/rows.h"

namespace bench {

void run_processes(JobRun& job) {
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) {
      fork_unit(job, [&job, index] { run_blocking(job, index); });
    }
    for (std::uint32_t index = 0; index < job.tasks(); ++index) reap_unit(job);
  }
}

}  // namespace bench
