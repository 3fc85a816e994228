// How much computation a duration is.
#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

/// The steps of service_compute() that take `duration` of CPU time on this machine when it is at its best: measured
/// once in a process, so that all models are given the same work. Zero for zero.
std::uint64_t steps_of(std::chrono::nanoseconds duration);

}  // namespace bench
