// The search for the highest rate that keeps a promise about latency.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/options/service_options.h"
#include "harness/summary/sample.h"

namespace bench {

/// What a try says of the server.
enum class TryOutcome : std::uint8_t {
  kept,     ///< The rate was met and the promise kept.
  broken,   ///< The server did not meet the rate, or not within the promise.
  unknown,  ///< Somebody else was in the way, or the requests were too few.
};

/// How a rate went.
struct RateTry {
  TryOutcome outcome = TryOutcome::unknown;
  double quantile_ns = 0;      ///< The latency that the promise is about.
  std::uint64_t requests = 0;  ///< That it rests on.
  double window_ns = 0;        ///< How long it was tried.
  std::string why{};           ///< What was broken, or why nothing is known; empty when kept.
};

/// Holds a sample against the promise. What others made slow is unknown; what was kept in spite of them is kept.
RateTry judge_rate(const Sample& sample, const Slo& slo);

/// The fewest requests that a quantile may rest on, so that ten lie beyond it: 1,000 for a p99.
double requests_needed(const Slo& slo);

/// How long a try has to be for those requests: as long as `usual`, or longer, but 20 seconds at the most where `usual`
/// is no more.
std::chrono::nanoseconds try_duration(double rate, const Slo& slo, std::chrono::nanoseconds usual);

/// The lowest rate at which such a try has them.
double lowest_rate(const Slo& slo, std::chrono::nanoseconds usual);

/// Finds the highest rate that holds on a grid of 5%: steps that double until one holds and one breaks, then halves,
/// then a second try on either side. A rate holds or breaks by the majority of its tries. One of unknown outcome is
/// tried again; after three of these the rate counts as out of reach, and so the knee is sought below it. The search
/// ends with what it knows after 18 such tries, such tries of 20 seconds in sum, or 40 tries of all.
class RateSearch {
 public:
  /// Begins a little below `capacity` requests per second, and never goes below `lowest`.
  explicit RateSearch(double capacity, double lowest = 1);

  bool done() const { return !next_; }

  /// The rate to try next; not once the search is done.
  double next_rate() const { return rate_of(*next_); }

  /// What became of next_rate().
  void tell(RateTry tried);

  /// What was found, and if it was not, why.
  Knee knee() const;

 private:
  // The tries of one rate.
  struct Tries {
    std::uint32_t kept = 0;
    std::uint32_t broken = 0;
    std::uint32_t unknown = 0;
    RateTry last_kept;
    RateTry last_broken;
    std::string why_unknown;  // of the last such try

    bool holds() const { return kept > broken; }
    bool breaks() const { return broken > kept; }
    bool given_up() const;
    std::uint32_t all() const { return kept + broken + unknown; }
  };
  using Step = std::map<int, Tries>::const_pointer;

  // The highest step that holds below all that do not, and the lowest of those.
  struct Bracket {
    Step held = nullptr;
    Step above = nullptr;  // breaks, or is out of reach
  };

  static double rate_of(int step);
  Bracket bracket() const;
  bool closed(const Bracket& around) const;
  bool found(const Bracket& around) const;
  std::optional<int> choose();
  std::optional<int> confirm(const Bracket& around) const;
  std::string why_not_found(const Bracket& around) const;
  bool spoilt() const;  // too many tries of unknown outcome

  std::map<int, Tries> tries_;  // by step on the grid
  int lowest_step_;
  std::optional<int> next_;
  int stride_ = 1;
  std::uint32_t tried_ = 0;
  std::uint32_t unknown_ = 0;
  double unknown_ns_ = 0;
};

}  // namespace bench
