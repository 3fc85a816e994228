// What a load would take on many machines, worked out from what was measured on one.
#pragma once

#include <cstdint>
#include <string>

#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "harness/summary/sample.h"

namespace bench {

/// What one request and one connection of a service take, as medians over runs that may be believed; 0: not known.
struct CostFigures {
  std::size_t runs = 0;
  double generator_cpu_ns = 0;         ///< Of a load generator, for a request.
  double server_cpu_ns = 0;            ///< Of the server, for a request.
  double bytes = 0;                    ///< Both ways, for a request; without what the network adds.
  double server_connection_bytes = 0;  ///< Of memory, for a connection: the server's and the kernel's.
};

/// Of all runs of the service of the target's `cell`, with what its requests are told, whatever their connections and
/// rate; of servers those of `cell`'s model, of a pool with as many workers.
CostFigures cost_figures(const Plan& measured, const Results& results, const Plan& target, const Cell& cell);

/// For each group of `target`, whose load the first of `hosts` machines like `machine` is to bear and the others are to
/// make: how many generators that takes, what the server needs, and what all this assumes. Throws std::runtime_error
/// where nothing of a group was measured.
std::string paper_plan_text(const Plan& target, const Plan& measured, const Results& results, const Machine& machine,
                            std::uint32_t hosts);

}  // namespace bench
