// The model table. A new model is one file and one row here.
#include <sys/select.h>

#include <array>

#include "models/model.h"
#include "models/poller.h"
#include "models/ring.h"
#include "models/rows.h"

namespace bench {
namespace {

constexpr std::array<std::string_view, 2> serial_aliases{"sequential", "iterative"};
constexpr std::array<std::string_view, 4> processes_aliases{"multi-process", "multiprocess", "process", "fork"};
constexpr std::array<std::string_view, 3> process_pool_aliases{"processpool", "prefork", "pool-of-processes"};
constexpr std::array<std::string_view, 3> threads_aliases{"multi-thread", "multithread", "thread"};
constexpr std::array<std::string_view, 3> thread_pool_aliases{"threadpool", "pool", "pool-of-threads"};
constexpr std::array<std::string_view, 2> gil_threads_aliases{"gil", "python-threads"};
constexpr std::array<std::string_view, 4> nonblocking_aliases{"non-blocking", "busy-poll", "busy-polling", "polling"};
constexpr std::array<std::string_view, 2> epoll_aliases{"event-loop", "reactor"};
constexpr std::array<std::string_view, 3> epoll_et_aliases{"epollet", "edge-triggered", "epoll-edge"};
constexpr std::array<std::string_view, 2> io_uring_aliases{"uring", "iouring"};
constexpr std::array<std::string_view, 3> coroutines_aliases{"coroutine", "coro", "async"};
constexpr std::array<std::string_view, 4> fibers_aliases{"fiber", "greenlet", "green-threads", "stackful"};
constexpr std::array<std::string_view, 3> reactor_pool_aliases{"half-sync", "epoll-pool", "reactor-threads"};

constexpr std::array models{
    Model{
        .name = "serial",
        .summary = "one task after another, in one thread",
        .aliases = serial_aliases,
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::one,
        .parallel = false,
        .run = run_serial,
        .serve = serve_serial,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "processes",
        .summary = "a process forked for each task",
        .aliases = processes_aliases,
        .unit = UnitKind::process,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = true,
        .run = run_processes,
        .serve = serve_processes,
        .carries_others = true,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "process-pool",
        .summary = "N processes forked beforehand, fed through a pipe",
        .aliases = process_pool_aliases,
        .unit = UnitKind::process,
        .units = Count::workers,
        .in_flight = Count::workers,
        .parallel = true,
        .run = run_process_pool,
        .serve = serve_process_pool,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "threads",
        .summary = "a thread started for each task",
        .aliases = threads_aliases,
        .unit = UnitKind::thread,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = true,
        .run = run_threads,
        .serve = serve_threads,
        .carries_others = true,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "thread-pool",
        .summary = "N threads started beforehand, fed through a queue",
        .aliases = thread_pool_aliases,
        .unit = UnitKind::thread,
        .units = Count::workers,
        .in_flight = Count::workers,
        .parallel = true,
        .run = run_thread_pool,
        .serve = serve_thread_pool,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "gil-threads",
        .summary = "a thread for each task under one global lock, as CPython has it",
        .aliases = gil_threads_aliases,
        .unit = UnitKind::thread,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_gil_threads,
        .serve = serve_gil_threads,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "nonblocking",
        .summary = "one thread that tries every socket in turn and never sleeps",
        .aliases = nonblocking_aliases,
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_nonblocking,
        .serve = serve_nonblocking,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "select",
        .summary = "one thread that runs callbacks from a loop of select",
        .aliases = {},
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_select,
        .serve = serve_select,
        .why_unavailable = nullptr,
        .max_descriptors = FD_SETSIZE,
    },
    Model{
        .name = "poll",
        .summary = "one thread that runs callbacks from a loop of poll",
        .aliases = {},
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_poll,
        .serve = serve_poll,
        .why_unavailable = nullptr,
    },
    Model{
        .name = "epoll",
        .summary = "one thread that runs callbacks from an epoll loop",
        .aliases = epoll_aliases,
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_epoll,
        .serve = serve_epoll,
        .why_unavailable = why_no_epoll_pwait2,
    },
    Model{
        .name = "epoll-et",
        .summary = "one thread that runs callbacks from an edge-triggered epoll loop",
        .aliases = epoll_et_aliases,
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_epoll_et,
        .serve = serve_epoll_et,
        .why_unavailable = why_no_epoll_pwait2,
    },
    Model{
        .name = "io-uring",
        .summary = "one thread that hands its calls to a completion ring",
        .aliases = io_uring_aliases,
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_io_uring,
        .serve = serve_io_uring,
        .why_unavailable = why_no_io_uring,
        .note = io_uring_note,
    },
    Model{
        .name = "coroutines",
        .summary = "a C++20 coroutine for each task, in one thread on epoll",
        .aliases = coroutines_aliases,
        .unit = UnitKind::coroutine,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_coroutines,
        .serve = serve_coroutines,
        .why_unavailable = why_no_epoll_pwait2,
    },
    Model{
        .name = "fibers",
        .summary = "a stackful coroutine for each task, in one thread on epoll",
        .aliases = fibers_aliases,
        .unit = UnitKind::fiber,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_fibers,
        .serve = serve_fibers,
        .why_unavailable = why_no_epoll_pwait2,
    },
    Model{
        .name = "reactor-pool",
        .summary = "one thread that waits in epoll and hands what is ready to N threads",
        .aliases = reactor_pool_aliases,
        .unit = UnitKind::thread,
        .units = Count::one_and_workers,
        .in_flight = Count::tasks,
        .parallel = true,
        .run = run_reactor_pool,
        .serve = serve_reactor_pool,
        .why_unavailable = why_no_epoll_pwait2,
    },
};

}  // namespace

std::span<const Model> all_models() { return models; }

}  // namespace bench
