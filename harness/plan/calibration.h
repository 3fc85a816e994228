// How much computation a duration is.
#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

/// How long a step of service_compute() takes on this machine when it is at its best: measured once in a process, or as
/// the variable BENCH_STEP_NS says, by which one process hands it on to others.
double step_ns();

/// The steps of service_compute() that take `duration` of CPU time on this machine when it is at its best: by
/// step_ns(), so that all models are given the same work. Zero for zero.
std::uint64_t steps_of(std::chrono::nanoseconds duration);

}  // namespace bench
