// asio: the reference of `coroutines`, C++20 coroutines as Asio 1.22 runs them.
//
// Units: a coroutine for each task (asio::co_spawn), all in one thread, which runs an io_context. What a coroutine
// waits for is done by the io_context: it hands the outcome to a queue, from which the coroutine goes on. System calls
// for a task: a share of a timerfd_settime and an epoll_wait for each wait. Coroutines give way at checkpoints by
// asio::post; one that computes between two of them, or reads or writes a file, holds up all others.
//
// As a server it has a coroutine for each connection, and one that accepts; for datagrams one that receives and
// answers, and another for each answer that takes time. Where it differs from `coroutines`: an operation is tried at
// once and waits for its socket only where that fails (edge-triggered epoll), which costs the recv that finds nothing
// yet; what succeeds at once goes through the queue all the same; a coroutine within each operation carries its
// outcome; an executor whose type is erased; and a connection owns a buffer, since bytes may come while any other is
// being served. System calls for a request: recv twice, send, and a share of an epoll_wait.
#include "models/references/asio.h"

#include "models/model.h"

namespace bench {

extern constinit const Model asio_model{
    .name = "asio",
    .summary = "coroutines on Asio's io_context, in one thread; compare with coroutines",
    .unit = UnitKind::coroutine,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = on_asio::run,
    .serve = on_asio::serve,
    .why_no_transfers = "has other sockets for datagrams than those that its connections are made of",
};

}  // namespace bench
