// libuv: the reference of `epoll`, callbacks as libuv's loop runs them (Node.js lives on it).
//
// Units: the one thread. Each task runs in a callback until it must wait, starts its timer and returns to the loop.
// System calls for a task: a share of an epoll_wait for each of its waits. A callback is never interrupted, not at a
// checkpoint either. libuv counts in whole milliseconds and from the beginning of one: a wait has to be rounded up and
// lengthened by one in order not to be cut short, so that it takes up to 2 ms more than under `epoll`. Files are read
// and written by libuv's pool of four threads, where `epoll` does that in the callback.
//
// As a server it keeps all connections in the one loop: one that is readable is read into a buffer that all share,
// answered by uv_try_write, and what the socket does not take is left to uv_write. Where it differs from `epoll`: read
// and write in the place of recv and send; handles that are closed in two turns of the loop; and datagrams are received
// until there are none, with one call that finds nothing at each wake-up. Connections are accepted by the same calls as
// under `epoll`, on a handle that only polls: where descriptors have run out, libuv's own listener would take
// connections and close them without a word. System calls for a request: read, write, and a share of an epoll_wait.
#include "models/references/libuv.h"

#include "models/model.h"

namespace bench {

extern constinit const Model libuv_model{
    .name = "libuv",
    .summary = "callbacks on libuv's loop, in one thread; compare with epoll",
    .aliases = {"uv"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = on_libuv::run,
    .serve = on_libuv::serve,
    .why_no_transfers = "has other sockets for datagrams than those that its connections are made of",
};

}  // namespace bench
