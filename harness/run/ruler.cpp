#include "harness/run/ruler.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "harness/run/bare_request.h"
#include "harness/run/tries.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

// Six chains that do not depend on each other fill a core's execution units, so that a neighbour on its other hardware
// thread shows; a single chain leaves room for one and hardly slows down.
double spin_ns() {
  constexpr int rounds = 5;
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
  constexpr int calls = 80;
  return median_of_tries([] {
    const std::int64_t begin_ns = now_ns();
    for (int i = 0; i < calls; ++i) syscall(SYS_getppid);
    return static_cast<double>(now_ns() - begin_ns) / calls;
  });
}

// Two threads on two CPUs pass a counter to and fro in one cache line.
double line_trip_ns(int first_cpu, int second_cpu) {
  constexpr std::uint32_t trips = 120;
  alignas(64) std::atomic<std::uint32_t> counter{0};
  std::atomic<bool> stop{false};
  // It has the affinity of who starts it. Started on the first CPU it would wait there, behind the loop that waits for
  // it, for the scheduler's next tick.
  pin_to(std::array{second_cpu});
  std::thread partner([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const std::uint32_t seen = counter.load(std::memory_order_acquire);
      if (seen % 2 == 1) counter.store(seen + 1, std::memory_order_release);
    }
  });
  pin_to(std::array{first_cpu});
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

Ruler measure_ruler(std::span<const int> cpus) {
  constexpr std::size_t most = 4;
  cpus = cpus.first(std::min(cpus.size(), most));
  const std::vector<int> before = available_cpu_numbers();
  Ruler ruler;
  for (const int cpu : cpus) {
    pin_to(std::array{cpu});
    ruler.spin_ns = std::max(ruler.spin_ns, spin_ns());
    ruler.system_call_ns = std::max(ruler.system_call_ns, system_call_ns());
  }
  pin_to(cpus.first(1));
  ruler.loopback_ns = measure_bare_request(Transport::tcp, 64, 64);
  if (cpus.size() > 1) ruler.line_trip_ns = line_trip_ns(cpus.front(), cpus.back());
  pin_to(before);
  return ruler;
}

std::int64_t busy_ns(std::span<const int> cpus) {
  std::ifstream file("/proc/stat");
  std::int64_t ticks = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::int64_t user = 0;
    std::int64_t nice = 0;
    std::int64_t system = 0;
    std::int64_t idle = 0;
    std::int64_t io_wait = 0;
    std::int64_t interrupts = 0;
    std::int64_t soft_interrupts = 0;
    fields >> name >> user >> nice >> system >> idle >> io_wait >> interrupts >> soft_interrupts;
    if (name.size() < 4 || !name.starts_with("cpu")) continue;
    if (std::ranges::find(cpus, std::stoi(name.substr(3))) == cpus.end()) continue;
    ticks += user + nice + system + interrupts + soft_interrupts;
  }
  return ticks * tick_ns();
}

}  // namespace bench
