// reactor-pool: one thread waits for all, N threads work.
//
// Units: N workers and the reactor's thread. The reactor's thread sleeps in epoll and puts what is due into a queue
// under a mutex; a condition variable wakes a worker for it. A worker runs a task up to its next wait, leaves that to
// the reactor's thread, which it wakes through an eventfd where it would sleep for too long, and takes the next. So any
// number of tasks wait at once, and N compute or read and write files. System calls for a task: futexes where the queue
// was empty, shares of an epoll_pwait2 and of an eventfd's write and read. A task is not switched at checkpoints; the
// kernel switches the threads.
//
// As a server its reactor's thread accepts and watches each connection for one report (EPOLLONESHOT). A worker that
// gets the connection receives, runs the session, sends, and has it watched again; until then no other thread touches
// it. Waits of a session are timed by the reactor's thread and hold no worker; computations hold one. System calls for
// a request: recv, send, epoll_ctl, a share of an epoll_wait, and futexes where the queue was empty; each request
// crosses from one thread to another. Datagrams are received by the workers, the socket being handed to one at a time:
// it receives one, has the socket watched again, and answers.
#include "models/reactor_pool.h"

#include "models/loop/poller.h"
#include "models/model.h"

namespace bench {

extern constinit const Model reactor_pool_model{
    .name = "reactor-pool",
    .summary = "one thread that waits in epoll and hands what is ready to N threads",
    .aliases = {"half-sync", "epoll-pool", "reactor-threads"},
    .unit = UnitKind::thread,
    .units = HowMany::one_and_workers,
    .in_flight = HowMany::tasks,
    .parallel = true,
    .loops = true,
    .run = run_reactor_pool,
    .serve = serve_reactor_pool,
    .why_unavailable = why_no_epoll_pwait2,
};

}  // namespace bench
