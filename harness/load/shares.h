// How one load is dealt out to its workers.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/load/load_plan.h"

namespace bench {

/// What one worker does of a load.
struct WorkerShare {
  std::uint32_t worker = 0;   ///< Its number, from 0 over all processes.
  std::uint32_t workers = 1;  ///< How many there are.
  std::uint32_t connections = 0;
  std::uint32_t active = 0;
  std::uint32_t heavy = 0;  ///< Of the active ones.
  std::uint64_t first_connection =
      0;                           ///< Numbers of its first connections; the next are first + connections and so on.
  std::uint64_t first_source = 0;  ///< See begin_connection().
  double rate = 0;                 ///< Requests per second; 0: closed loop, or no active connection.
  double phase = 0;                ///< Its place among the workers, 0 to 1 of the distance between two requests.
};

/// The workers of each process.
using ProcessShares = std::vector<std::vector<WorkerShare>>;

/// Deals `plan` out to as few processes as can hold its connections, `connections_per_process` at most, and to
/// plan.threads workers, or more when there are more processes. No worker is without a connection.
/// Throws std::invalid_argument for a plan without connections or with more active ones than connections.
ProcessShares deal(const LoadPlan& plan, std::uint64_t connections_per_process);

/// What the load generator `number` of so many does of `whole`, each on a machine of its own: its share of the
/// connections and of the rate, with connections that no other has and due times between those of the others. Throws
/// std::invalid_argument where one would be left without a connection.
LoadPlan part_of(const LoadPlan& whole, std::uint32_t number, std::uint32_t generators);

/// How many connections one process can hold: its hard descriptor limit without what else it may need.
std::uint64_t connections_per_process();

}  // namespace bench
