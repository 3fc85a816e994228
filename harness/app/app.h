// The application: from a command line to an exit status.
#pragma once

#include "harness/options/options.h"

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

/// Runs the program over `tables` and returns its exit status. Prints; throws nothing.
int run_app(const Tables& tables, int argc, const char* const* argv) noexcept;

}  // namespace bench
