// How the cells of a group compare: which are best, which the data cannot tell apart, and which have no place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/summary/regime.h"
#include "harness/summary/statistics.h"

namespace bench {

/// What a group's cells are ranked by.
enum class RankedBy : std::uint8_t {
  time,  ///< Wall time of a batch over the same run's ideal, which takes out how fast the machine was in that second.
  cpu,   ///< CPU time of the server per request, at the same offered rate.
  rate,  ///< Requests answered per second in the closed loop, where the server is the limit.
  knee,  ///< The highest rate that keeps the promise.
};

/// As the result file has it: "time", "server_cpu_per_request", "rate", "knee_rate".
std::string_view ranked_by_name(RankedBy by);

/// A value of a run, and the machine's regime then.
struct RoundValue {
  double value = 0;
  Regime regime = Regime::unknown;
};

/// Values of runs by the round they belong to, for pairing.
using ByRound = std::map<std::uint32_t, RoundValue>;

/// The ratio over the rounds that have both; over those alone where both runs found the machine in the same steady
/// regime if these are a third of them, enough for an interval, and scatter so much less that it is narrower. Nothing
/// without a round that has both, above 0.
std::optional<Ratio> ratio_within_rounds(const ByRound& numerators, const ByRound& denominators, double level = 0.95);

/// A cell of the plan and its cost, of which less is better: its median, over the runs that its figures rest on, and
/// that of each valid run.
struct CellCost {
  std::size_t cell = 0;
  double median = 0;
  ByRound cost;
};

/// A cell's place, and how many times the first one's cost its own is; nothing where they share no round.
struct Place {
  std::size_t cell = 0;
  std::optional<Ratio> over_first;
};

/// A cell without a place, and why.
struct Unranked {
  std::size_t cell = 0;
  std::string reason;
};

struct Ranking {
  RankedBy by = RankedBy::time;
  bool bounded = false;                        ///< Whether there are enough rounds to tell cells apart at all.
  std::vector<Place> order;                    ///< Least first: by the median cost, but no cell behind one it is told
                                               ///< to be better than.
  std::vector<std::size_t> best;               ///< Cells: the tie that the first is in, or the first alone.
  std::optional<Place> next;                   ///< The one behind them, which is told from at least one of them.
  std::vector<std::vector<std::size_t>> ties;  ///< Longest runs of the order in which no two cells are told apart.
  std::vector<Unranked> unranked;
};

/// Puts the cells in order, those of equal cost as they are given. Each pair is told apart, or not, at 99% where there
/// are 8 rounds and more, which allows for some pairs in a table; fewer rounds can do it only if all are of one mind,
/// at 95%.
Ranking rank(RankedBy by, std::vector<CellCost> costs);

}  // namespace bench
