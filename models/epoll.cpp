// epoll: one thread that runs callbacks from an event loop, level-triggered.
//
// Units: the one thread. Each task runs in a callback until it must wait, arms a timer and returns to the loop
// (job_loop.h); the loop sleeps in epoll_pwait2 until the next deadline and calls back whoever is due. System calls for
// a task: a share of an epoll_pwait2 for each of its waits. A callback is never interrupted, not at a checkpoint
// either: a task that computes holds up all others, and a second CPU is of no use. So does one that reads or writes a
// file: a regular file is always ready, and epoll refuses to watch it.
//
// As a server it keeps all connections in the one loop of reactor.h: one that is readable is read once, answered and
// left. System calls for a request: recv, send, and a share of an epoll_wait. For datagrams the unit is the same
// thread, which takes all that have come.
#include "models/loop/job_loop.h"
#include "models/loop/poller.h"
#include "models/loop/reactor.h"
#include "models/model.h"

namespace bench {
namespace {

void run_epoll(JobRun& job) { run_in_loop<EpollPoller>(job); }

void serve_epoll(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<EpollPoller>(server).run();
}

}  // namespace

extern constinit const Model epoll_model{
    .name = "epoll",
    .summary = "one thread that runs callbacks from an epoll loop",
    .aliases = {"event-loop", "reactor"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_epoll,
    .serve = serve_epoll,
    .why_unavailable = why_no_epoll_pwait2,
};

}  // namespace bench
