#include "harness/load/shares.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::uint64_t spare_descriptors = 500;

// The part of `total` that falls to `index` of `parts`. The first ones take what does not divide, so that who has
// more connections never has fewer active ones.
std::uint32_t part(std::uint64_t total, std::uint64_t parts, std::uint64_t index) {
  return static_cast<std::uint32_t>(total / parts + (index < total % parts ? 1 : 0));
}

// Neither kind may vanish by rounding when there are two connections to tell apart.
std::uint32_t heavy_connections(const LoadPlan& plan) {
  if (plan.heavy) return *plan.heavy;
  if (plan.heavy_share <= 0 || plan.active == 0) return 0;
  if (plan.heavy_share >= 1) return plan.active;
  const auto rounded = static_cast<std::uint32_t>(std::lround(plan.heavy_share * plan.active));
  return plan.active < 2 ? rounded : std::clamp<std::uint32_t>(rounded, 1, plan.active - 1);
}

}  // namespace

ProcessShares deal(const LoadPlan& plan, std::uint64_t connections_per_process) {
  if (plan.connections == 0) throw std::invalid_argument("a load needs at least one connection");
  if (plan.active > plan.connections)
    throw std::invalid_argument("a load has more active connections than connections");
  if (plan.pipeline == 0) throw std::invalid_argument("a load needs a pipeline of at least one request");
  if (plan.max_connections_per_process != 0) {
    connections_per_process = std::min<std::uint64_t>(connections_per_process, plan.max_connections_per_process);
  }
  connections_per_process = std::max<std::uint64_t>(connections_per_process, 1);
  const auto processes =
      static_cast<std::uint32_t>((plan.connections + connections_per_process - 1) / connections_per_process);
  // Each process has as many workers as the others, so that each worker has as many connections.
  const std::uint32_t threads = std::clamp<std::uint32_t>(plan.threads, 1, plan.connections);
  const std::uint32_t workers_each =
      std::max(std::min((threads + processes - 1) / processes, plan.connections / processes), 1U);
  const std::uint32_t workers = processes * workers_each;
  const std::uint32_t busy_workers = std::min(workers, plan.active);
  const std::uint32_t heavy = heavy_connections(plan);

  ProcessShares shares(processes);
  std::uint64_t first = 0;
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    WorkerShare share{.worker = worker, .workers = workers};
    share.connections = part(plan.connections, workers, worker);
    share.active = part(plan.active, workers, worker);
    share.heavy = part(heavy, workers, worker);
    share.first_connection = plan.first_connection + first;
    first += share.connections;
    if (share.active != 0 && plan.rate > 0) {
      share.rate = plan.rate * share.active / plan.active;
      share.phase = (worker + static_cast<double>(plan.number) / plan.generators) / busy_workers;
    }
    shares[worker / workers_each].push_back(share);
  }
  return shares;
}

LoadPlan part_of(const LoadPlan& whole, std::uint32_t number, std::uint32_t generators) {
  if (whole.connections < generators) {
    throw std::invalid_argument(
        fmt::format("{} connections are too few for {} load generators", whole.connections, generators));
  }
  LoadPlan mine = whole;
  mine.connections = part(whole.connections, generators, number);
  mine.active = part(whole.active, generators, number);
  mine.heavy = part(heavy_connections(whole), generators, number);
  mine.number = number;
  mine.generators = generators;
  for (std::uint32_t before = 0; before < number; ++before) {
    mine.first_connection += part(whole.connections, generators, before);
  }
  if (whole.active != 0) mine.rate = whole.rate * mine.active / whole.active;
  mine.seed = whole.seed + (std::uint64_t{number} << 32);  // each worker adds its own number
  return mine;
}

std::uint64_t connections_per_process() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto descriptors = static_cast<std::uint64_t>(limit.rlim_max);
  return descriptors > 2 * spare_descriptors ? descriptors - spare_descriptors : descriptors / 2;
}

}  // namespace bench
