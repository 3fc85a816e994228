// nonblocking: one thread that tries every socket in turn and never sleeps.
//
// Units: the one thread. Nobody wakes it, for it is always awake and uses the whole of its CPU, also when there is
// nothing to do: that is the model. Jobs run in the callbacks of job_loop.h, which looks at the clock until the next
// deadline has come: no system call for a wait. A callback is never interrupted, and a second CPU is of no use.
//
// As a server it is reactor.h over a poller that asks no one: each turn of the loop is a sweep over all descriptors
// that something is wanted of, and each is worth an attempt; mostly the call says EAGAIN. System calls for a request:
// recv, send, and those that were in vain, as many as there are connections, plus accept and the ticker's read, in each
// sweep. So it answers a few connections sooner than anyone who has to be woken, and many idle ones cost as much as
// busy ones. How busy it is says nothing about how near it is to its limit. For datagrams the unit is the same thread,
// which takes all that have come.
#include "models/loop/job_loop.h"
#include "models/loop/reactor.h"
#include "models/loop/sweep.h"
#include "models/model.h"

namespace bench {
namespace {

void run_nonblocking(JobRun& job) { run_in_loop<Sweep>(job); }

void serve_nonblocking(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<Sweep>(server).run();
}

}  // namespace

extern constinit const Model nonblocking_model{
    .name = "nonblocking",
    .summary = "one thread that tries every socket in turn and never sleeps",
    .aliases = {"non-blocking", "busy-poll", "busy-polling", "polling"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_nonblocking,
    .serve = serve_nonblocking,
};

}  // namespace bench
