// A crew whose processes were started, placed and joined by MPI: mpirun, or what a site has in its place.
#pragma once

#include "harness/session/crew.h"

namespace bench {

/// JoinCrew over MPI_COMM_WORLD. It may be called once in a process, which must not fork afterwards: runs are forked by
/// the launcher, which was there before.
std::unique_ptr<Crew> join_over_mpi(const CrewSetup& setup);

}  // namespace bench
