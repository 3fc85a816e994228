// Runs what claims need, and judges them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/claims/claim.h"
#include "harness/options/options.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "harness/summary/sample.h"

namespace bench {

/// How long claims are looked into.
struct ClaimRules {
  std::uint32_t rounds = 16;
  std::int64_t max_time_ns = 0;  ///< After which no further round begins, but for the first six.
  bool quick = false;            ///< What takes long is left out.
};

/// The verdicts, and the runs that they rest on, as those of one plan.
struct JudgedClaims {
  std::vector<Judged> judged;
  Machine machine;
  Plan plan;
  Results results;
};

/// What `claims` need, each part once, in the order of the claims.
std::vector<const Part*> parts_of(std::span<const Claim* const> claims, bool quick);

/// Runs the parts' cells in turns, a round of all parts after another, so that the machine's drift falls on all alike,
/// and judges the claims in their order. `tell` gets a line before each round. Once `interrupts()` is
/// not 0 nothing more is run, and what was measured is judged.
/// Throws UsageError where a part's flags are wrong.
JudgedClaims judge_claims(const Tables& tables, std::span<const Claim* const> claims, const ClaimRules& rules,
                          const std::function<void(std::string_view)>& tell, const std::function<int()>& interrupts);

}  // namespace bench
