// epoll-et: one thread that runs callbacks from an event loop, edge-triggered.
//
// Units: the one thread. Jobs run in the callbacks of job_loop.h, as under `epoll`: a share of an epoll_pwait2 for each
// wait of a task. A callback is never interrupted, and a second CPU is of no use.
//
// As a server it is reactor.h over an epoll instance that tells of each change once: that bytes have come, that there
// is room again. So what was told is kept here until a call on the socket has shown that it is over, by EAGAIN or by
// fewer bytes than there was room for (epoll(7)); what is wanted and still ready is reported again, behind the
// others, so that a peer that never stops sending has one receive at each turn like any other. System calls for a
// request: recv, send, and a share of an epoll_wait; what is wanted of a socket changes without a call, but for
// EPOLLOUT, which is asked for when a socket is full for the first time and stays. For datagrams the unit is the same
// thread, which takes all that have come; a datagram socket would tell of room after each datagram it has sent.
#include "models/loop/edge_poller.h"
#include "models/loop/job_loop.h"
#include "models/loop/reactor.h"
#include "models/model.h"

namespace bench {
namespace {

void run_epoll_et(JobRun& job) { run_in_loop<EdgePoller>(job); }

void serve_epoll_et(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<EdgePoller>(server).run();
}

}  // namespace

extern constinit const Model epoll_et_model{
    .name = "epoll-et",
    .summary = "one thread that runs callbacks from an edge-triggered epoll loop",
    .aliases = {"epollet", "edge-triggered", "epoll-edge"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_epoll_et,
    .serve = serve_epoll_et,
    .why_unavailable = why_no_epoll_pwait2,
};

}  // namespace bench
