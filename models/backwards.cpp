// backwards: one task after another, the last one first.
//
// Units: the one thread of the run. Nobody wakes anybody: a wait puts the only thread to sleep and all other tasks with
// it. System calls for a task: one for each wait. It has jobs only.
#include "models/blocking/blocking.h"
#include "models/model.h"

namespace bench {
namespace {

void run_backwards(JobRun& job) {
  const Run::Unit unit(job);
  while (job.next_batch()) {
    for (std::uint32_t left = job.tasks(); left != 0; --left) run_blocking(job, left - 1);
  }
}

}  // namespace

extern constinit const Model backwards_model{
    .name = "backwards",
    .summary = "one task after another, the last one first",
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::one,
    .run = run_backwards,
};

}  // namespace bench
