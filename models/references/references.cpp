// The table of reference runtimes. Which of them there were, CMakeLists.txt says.
#include "models/references/references.h"

#include <vector>

namespace bench {
namespace {

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
};

}  // namespace

std::span<const Model> all_references() { return references; }

}  // namespace bench
