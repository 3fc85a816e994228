// select: one thread that asks the kernel about sets of descriptors, the oldest of the readiness calls.
//
// Units: the one thread. Jobs run in the callbacks of job_loop.h, which sleeps in pselect until the next deadline: a
// share of a pselect for each wait of a task. A callback is never interrupted, and a second CPU is of no use.
//
// As a server it is reactor.h over two bit sets by descriptor, of those to be read and those to be written. The call
// overwrites its sets with the answer, so they are copied for each; the kernel and then the loop look through them up
// to the highest descriptor. System calls for a request: recv, send, and a share of a pselect, which costs time in
// proportion to all connections. A set has FD_SETSIZE bits, 1,024: a connection with a higher descriptor is refused,
// and the next ones wait in the backlog until it is tried again. A peer that resets while nothing is wanted of it is
// not noticed until something is. For datagrams the unit is the same thread, which takes all that have come.
#include <sys/select.h>

#include "models/loop/job_loop.h"
#include "models/loop/reactor.h"
#include "models/loop/select_poller.h"
#include "models/model.h"

namespace bench {
namespace {

void run_select(JobRun& job) { run_in_loop<SelectPoller>(job); }

void serve_select(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<SelectPoller>(server).run();
}

}  // namespace

extern constinit const Model select_model{
    .name = "select",
    .summary = "one thread that runs callbacks from a loop of select",
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_select,
    .serve = serve_select,
    .max_descriptors = FD_SETSIZE,
};

}  // namespace bench
