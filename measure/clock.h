// The one clock of all measurements.
#pragma once

#include <ctime>

#include <cstdint>

namespace bench {

inline constexpr std::int64_t second_ns = 1'000'000'000;

/// The time of `clock` in nanoseconds: CLOCK_MONOTONIC for durations, or a CPU clock.
inline std::int64_t clock_ns(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * second_ns + time.tv_nsec;
}

/// Nanoseconds since an arbitrary start; the same in every process, never set back.
inline std::int64_t now_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }

}  // namespace bench
