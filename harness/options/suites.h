// Suites: well-known comparisons, each a set of defaults for the flags of `bench run`.
#pragma once

#include <span>
#include <string_view>

#include "harness/options/flags.h"

namespace bench {

/// A flag and the value that a suite gives it where the command line gives none.
struct FlagDefault {
  std::string_view flag;
  std::string_view value;
};

/// Defaults that are planned together.
using SuitePart = std::span<const FlagDefault>;

/// A row of the suite table. All parts of a suite are one plan.
struct Suite {
  std::string_view name;
  std::string_view summary;
  std::span<const SuitePart> parts;
};

/// Every suite.
std::span<const Suite> all_suites();

/// The suite that --suite names; null where it is not given. Throws UsageError.
const Suite* chosen_suite(const Flags& flags);

/// `flags` with the defaults of `part` where nothing was given.
Flags with_defaults(Flags flags, SuitePart part);

}  // namespace bench
