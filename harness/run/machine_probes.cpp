#include "harness/run/machine_probes.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

#include "harness/run/tries.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

// Loads that each wait for the one before, from one cache line after the other of more memory than caches hold. The
// order is that of a linear congruential generator with full period (Hull and Dobell, 1962), which comes by every line
// once and which no prefetcher follows. Misses of the translation of addresses are in the figure.
double load_ns() {
  constexpr std::size_t line_words = 64 / sizeof(std::uint64_t);
  constexpr std::uint64_t lines = 64ULL * 1024 * 1024 / 64;
  constexpr std::uint64_t steps = 100'000;
  std::vector<std::uint64_t> memory(lines * line_words);  // written, and so there
  std::uint64_t line = 1;
  const double found_ns = median_of_tries([&] {
    const std::int64_t begun_ns = now_ns();
    for (std::uint64_t step = 0; step < steps; ++step) {
      line = (line * 742'938'285 + 907'633'385 + memory[line * line_words]) % lines;  // what is loaded is 0
    }
    return static_cast<double>(now_ns() - begun_ns) / steps;
  });
  [[maybe_unused]] const volatile std::uint64_t keep = line;
  return found_ns;
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::system_error(errno, std::generic_category(), "make a pipe");
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
  UniqueFd out;
  UniqueFd in;
};

bool pass(const Pipe& from, const Pipe& to) {
  char byte = 0;
  return read(from.out.get(), &byte, 1) == 1 && write(to.in.get(), &byte, 1) == 1;
}

// Two threads on one CPU pass a byte to and fro: from one to the other, with a write and a read.
double switch_ns() {
  constexpr int trips = 1000;
  pin_to(std::array{available_cpu_numbers().front()});
  Pipe there;
  Pipe back;
  std::thread partner([&] {
    while (pass(there, back)) {
    }
  });
  const double found_ns = median_of_tries([&] {
    const std::int64_t begun_ns = now_ns();
    for (int trip = 0; trip < trips; ++trip) {
      char byte = 0;
      if (write(there.in.get(), &byte, 1) != 1 || read(back.out.get(), &byte, 1) != 1) break;
    }
    return static_cast<double>(now_ns() - begun_ns) / (2.0 * trips);
  });
  there.in.reset();
  partner.join();
  return found_ns;
}

}  // namespace

MachineProbes probe_machine() { return {.load_ns = load_ns(), .switch_ns = switch_ns()}; }

}  // namespace bench
