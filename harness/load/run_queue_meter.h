// How long a thread waited for its CPU, as sum and number of times the kernel tells it (sched-stats.rst,
// /proc/<pid>/schedstat), without the short waits that are no fault of anybody: a server on the same CPU finishes what
// it does and keeps its client waiting for 5 to 10 µs each time, and a halted CPU takes 20 µs and more to wake up.
#pragma once

#include <cstdint>

namespace bench {

/// What the kernel has counted since the thread began.
struct RunQueueTimes {
  std::int64_t waited_ns = 0;  ///< Ready to run, while the CPU ran others.
  std::int64_t turns = 0;      ///< How often it got the CPU.
};

/// Adds up the waits of one thread from looks that lie about `apart_ns` apart.
class RunQueueMeter {
 public:
  /// How far apart looks should lie: of waits in a row only sum and number are known, so that many short ones hide a
  /// long one among them: 50 in a millisecond hide 1 ms at most.
  static constexpr std::int64_t apart_ns = 1'000'000;

  /// The waits since the last look count, all of them, when they took longer than waking up does in the mean.
  void look(const RunQueueTimes& times) noexcept {
    constexpr std::int64_t wake_up_ns = 20'000;
    const std::int64_t waited_ns = times.waited_ns - last_.waited_ns;
    if (waited_ns > (times.turns - last_.turns) * wake_up_ns) kept_off_ns_ += waited_ns;
    last_ = times;
  }

  std::int64_t kept_off_ns() const noexcept { return kept_off_ns_; }

 private:
  RunQueueTimes last_;
  std::int64_t kept_off_ns_ = 0;
};

}  // namespace bench
