#include "harness/run/ruler.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "harness/plan/machine.h"
#include "measure/affinity.h"
#include "measure/clock.h"

namespace bench {
namespace {

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

// The median of several tries of `measure`, which a stall in one of them does not move.
template <typename Measure>
double median_of_tries(Measure measure) {
  std::array<double, 7> tries{};
  for (double& result : tries) result = measure();
  std::ranges::sort(tries);
  return tries[tries.size() / 2];
}

// Six chains that do not depend on each other fill a core's execution units, so that a neighbour on its other hardware
// thread shows; a single chain leaves room for one and hardly slows down.
double spin_ns() {
  constexpr int rounds = 20;
  constexpr int steps = 1000;
  return median_of_tries([] {
    std::array<std::uint64_t, 6> chains{1, 2, 3, 4, 5, 6};
    const std::int64_t begin_ns = now_ns();
    for (int i = 0; i < rounds * steps; ++i) {
      for (std::uint64_t& value : chains) {
        value += (value << 3) + 1;
        asm volatile("" : "+r"(value));  // keeps the loop from being folded
      }
    }
    return static_cast<double>(now_ns() - begin_ns) / rounds;
  });
}

double system_call_ns() {
  constexpr int calls = 500;
  return median_of_tries([] {
    const std::int64_t begin_ns = now_ns();
    for (int i = 0; i < calls; ++i) syscall(SYS_getppid);
    return static_cast<double>(now_ns() - begin_ns) / calls;
  });
}

// Two threads on two CPUs pass a counter to and fro in one cache line.
double line_trip_ns(int first_cpu, int second_cpu) {
  constexpr std::uint32_t trips = 1000;
  alignas(64) std::atomic<std::uint32_t> counter{0};
  std::atomic<bool> stop{false};
  std::thread partner([&] {
    pin_to(second_cpu);
    while (!stop.load(std::memory_order_relaxed)) {
      const std::uint32_t seen = counter.load(std::memory_order_acquire);
      if (seen % 2 == 1) counter.store(seen + 1, std::memory_order_release);
    }
  });
  pin_to(first_cpu);
  const auto pass = [&](std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) {
      const std::uint32_t mine = counter.load(std::memory_order_relaxed) + 1;
      counter.store(mine, std::memory_order_release);
      while (counter.load(std::memory_order_acquire) != mine + 1) {
      }
    }
  };
  pass(10);  // the partner has started
  const double trip_ns = median_of_tries([&] {
    const std::int64_t begin_ns = now_ns();
    pass(trips / 2);
    return static_cast<double>(now_ns() - begin_ns) / trips;
  });
  stop.store(true);
  partner.join();
  return trip_ns;
}

}  // namespace

Ruler measure_ruler() {
  const std::vector<int> cpus = available_cpu_numbers();
  Ruler ruler;
  ruler.spin_ns = spin_ns();
  ruler.system_call_ns = system_call_ns();
  if (cpus.size() > 1) ruler.line_trip_ns = line_trip_ns(cpus[0], cpus[1]);
  return ruler;
}

}  // namespace bench
