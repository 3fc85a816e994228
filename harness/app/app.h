// The application: from a command line to an exit status.
#pragma once

#include "harness/options/options.h"
#include "harness/session/crew.h"

namespace bench {

/// Exit statuses of the program.
enum class Exit : int {
  done = 0,
  failed = 1,
  usage = 2,
  slower = 3,          ///< Of a comparison: something is.
  undecided = 4,       ///< Likewise, where that was to be told.
  not_comparable = 5,  ///< Likewise.
  interrupted = 130,
};

/// Runs the program over `tables` and returns its exit status. Prints; throws nothing. `join` is of a program that can
/// work on several machines; one that cannot hands --over=mpi on to that program.
int run_app(const Tables& tables, int argc, const char* const* argv, JoinCrew join = nullptr) noexcept;

}  // namespace bench
