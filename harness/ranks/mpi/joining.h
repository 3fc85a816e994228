// How ranks become a crew: they shake hands, share out roles and find ways to each other.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <map>
#include <vector>

#include "harness/ranks/mpi/calls.h"
#include "harness/ranks/roles.h"
#include "harness/session/crew.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A rank among the others.
struct Joined {
  Roles roles;
  std::map<std::uint32_t, in_addr> ways;  ///< To the leader and the servers, by rank.
  UniqueFd to_leader;                     ///< This rank's lifeline; none at the leader.

  // At the leader, by rank.
  std::vector<RankMachine> machines;
  std::vector<CrewHost> hosts;
  std::vector<UniqueFd> lifelines;  ///< None to itself.
};

/// All ranks call it together. Where they do not fit together, the leader throws std::runtime_error that says who and
/// why, and the others leave. What one alone cannot do, it says, and MPI ends the others.
Joined join_ranks(const CrewSetup& setup, Mpi& mpi);

}  // namespace bench
