// Which rank does what, and what of a plan fits on them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/plan.h"
#include "harness/run/launcher.h"

namespace bench {

/// Ranks in ascending order. Each is either.
struct Roles {
  std::vector<std::uint32_t> servers;  ///< None where the server is foreign.
  std::vector<std::uint32_t> generators;

  bool serves(std::uint32_t rank) const;
};

/// Throws std::runtime_error where so many ranks are too few, or too many.
Roles choose_roles(const OverOptions& over, bool foreign, std::uint32_t ranks);

/// What is known of a rank's machine.
struct RankMachine {
  std::string host;
  std::uint32_t ports = 0;           ///< For connections to one address; 0: unknown.
  std::vector<std::string> skipped;  ///< By cell: why it does not fit there as a server; empty where it does.
  std::set<std::string> addresses;   ///< Of a server: where the others reach it.
  std::string local_target;          ///< A foreign server that is on that machine itself; empty: none is.
};

/// What `rank` does of a run of `cell`, but for where the server is reached.
PartRequest part_of_rank(const Roles& roles, const Plan& plan, std::size_t cell, std::uint32_t rank,
                         const std::vector<RankMachine>& machines);

/// Why a foreign server is not one that all of these machines can load; empty where it may be.
std::string why_not_there(const std::vector<RankMachine>& machines);

/// Has those cells skipped that do not fit on some rank's share, and says in labels and titles who does what.
void fit_to_ranks(Plan& plan, const Roles& roles, const std::vector<RankMachine>& machines);

}  // namespace bench
