// poll: one thread that asks the kernel about every connection at each turn.
//
// Units: the one thread. Jobs run in the callbacks of job_loop.h, which sleeps in ppoll until the next deadline: a
// share of a ppoll for each wait of a task. A callback is never interrupted, and a second CPU is of no use.
//
// As a server it is reactor.h over an array of one pollfd for each connection. The kernel keeps nothing between two
// calls: it is handed the whole array each time, asks each socket and enqueues itself on it, and the loop then looks
// through the array for those that are ready. System calls for a request: recv, send, and a share of a ppoll, which
// costs time in proportion to all connections, idle ones too; epoll's does to those that are ready. What is watched
// changes without a call. For datagrams the unit is the same thread, which takes all that have come.
#include "models/loop/job_loop.h"
#include "models/loop/poll_poller.h"
#include "models/loop/reactor.h"
#include "models/model.h"

namespace bench {
namespace {

void run_poll(JobRun& job) { run_in_loop<PollPoller>(job); }

void serve_poll(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<PollPoller>(server).run();
}

}  // namespace

extern constinit const Model poll_model{
    .name = "poll",
    .summary = "one thread that runs callbacks from a loop of poll",
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_poll,
    .serve = serve_poll,
};

}  // namespace bench
