// Two builds in turns: pairs of runs in random order, until each cell is decided or the time is up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/compare/comparison.h"
#include "harness/compare/read_result.h"

namespace bench {

enum class Side : std::uint8_t { baseline, candidate };

/// How long builds are compared, and by what.
struct AbRules {
  CompareRules rules;
  std::uint32_t builds = 1;                ///< Of each side, which differ in their layout alone.
  std::uint32_t self_pairs = fewest_runs;  ///< Of the candidate with itself, at the beginning.
  std::uint32_t min_pairs = 0;  ///< 0: as many as it takes to say slower or faster of the cells that there are.
  std::uint32_t max_pairs = 200;
  std::int64_t max_time_ns = 0;
  std::uint64_t seed = 0;
};

/// What runs a round of the plan under a build of one of the sides, from 0. Nothing: it was interrupted.
using RunSide = std::function<std::optional<ReadResult>(Side side, std::uint32_t build)>;

/// What the candidate against itself says of the machine: the half of the 95% interval of a cell's ratio, as a share.
struct SelfTest {
  std::uint32_t pairs = 0;
  double typical = 0;  ///< The median over the cells.
  double widest = 0;
  std::string widest_cell;

  /// About what share a difference must have for so many pairs to decide that it is beyond `threshold`.
  double decidable(double half_width, std::uint32_t in_pairs, double threshold) const;
};

struct AbResult {
  SelfTest self;
  Comparison comparison;
  std::uint32_t pairs = 0;       ///< Of the first series.
  std::uint32_t confirming = 0;  ///< Of the second; 0: nothing was slower.
  bool interrupted = false;
};

/// Compares candidate with baseline. Each pair is run in random order, as often the one as the other way round. Rounds
/// end when every interval is narrower than half the threshold, after `max_pairs`, or when the time is up, but not
/// before `min_pairs`. A cell that is slower is so only if a second series says so too, which takes as many pairs as
/// the cells in doubt need and is not held to the time. `tell` gets a line now and then.
AbResult run_ab(const AbRules& rules, const RunSide& run, const std::function<void(std::string_view)>& tell);

/// "This build against itself …": what this machine can decide today.
std::string self_test_text(const AbResult& result);

}  // namespace bench
