// What else runs on the machine before a plan begins.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What others used of the CPUs during a look.
struct Neighbours {
  double busy = 0;                                      ///< As a share of all CPUs that this process may run on.
  std::vector<std::pair<std::string, double>> busiest;  ///< Commands, the three that used most, in CPUs.
};

/// Looks for as long as `duration`, asleep. Processes that came or went meanwhile are in `busy` alone.
Neighbours look_at_neighbours(std::chrono::nanoseconds duration);

/// Whether they use so much that figures suffer: a tenth of the CPUs.
bool are_disturbing(const Neighbours& neighbours);

/// "other processes use 87% of the CPUs (cc1plus 1.52, ninja 0.12 CPUs)".
std::string describe(const Neighbours& neighbours);

/// Looks until nobody disturbs, `patience` is over or `stop()` says so; what was seen last.
Neighbours wait_for_quiet(std::chrono::nanoseconds patience,
                          const std::function<Neighbours(std::chrono::nanoseconds)>& look,
                          const std::function<bool()>& stop);

}  // namespace bench
