// The table of reference runtimes. Which of them there were, CMakeLists.txt says.
#include "models/references/references.h"

#include <array>
#include <vector>

#include "models/poller.h"

namespace bench {
namespace {

[[maybe_unused]] constexpr std::array<std::string_view, 1> libuv_aliases{"uv"};
[[maybe_unused]] constexpr std::array<std::string_view, 2> boost_fiber_aliases{"boost-fibers", "boost.fiber"};

const std::vector<Model> references{
#ifdef BENCH_ASIO
    Model{
        .name = "asio",
        .summary = "coroutines on Asio's io_context, in one thread; compare with coroutines",
        .aliases = {},
        .unit = UnitKind::coroutine,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_asio,
        .serve = serve_asio,
        .why_unavailable = nullptr,
    },
#endif
#ifdef BENCH_LIBUV
    Model{
        .name = "libuv",
        .summary = "callbacks on libuv's loop, in one thread; compare with epoll",
        .aliases = libuv_aliases,
        .unit = UnitKind::thread,
        .units = Count::one,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_libuv,
        .serve = serve_libuv,
        .why_unavailable = nullptr,
    },
#endif
#ifdef BENCH_BOOST_FIBER
    Model{
        .name = "boost-fiber",
        .summary = "fibers on Boost.Fiber's scheduler, in one thread; compare with fibers",
        .aliases = boost_fiber_aliases,
        .unit = UnitKind::fiber,
        .units = Count::tasks,
        .in_flight = Count::tasks,
        .parallel = false,
        .run = run_boost_fiber,
        .serve = serve_boost_fiber,
        .why_unavailable = why_no_epoll_pwait2,
    },
#endif
};

}  // namespace

std::span<const Model> all_references() { return references; }

}  // namespace bench
