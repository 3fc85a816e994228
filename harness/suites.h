// Suites: well-known comparisons, each a set of defaults for the flags of `bench run`.
#pragma once

#include <span>
#include <string_view>

#include "harness/flags.h"

namespace bench {

/// A flag and the value that a suite gives it where the command line gives none.
struct FlagDefault {
  std::string_view flag;
  std::string_view value;
};

/// A row of the suite table.
struct Suite {
  std::string_view name;
  std::string_view summary;
  std::span<const FlagDefault> defaults;
};

/// Every suite.
std::span<const Suite> all_suites();

/// Adds the defaults of the suite that --suite names, where it is given. Throws UsageError.
void apply_suite(Flags& flags);

}  // namespace bench
