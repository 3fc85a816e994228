// What limited a service's row, and whether its figures may be believed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "measure/load_report.h"

namespace bench {

/// Why the rate of a row was not twice as high.
enum class Limit : std::uint8_t {
  server,     ///< The server used all of the CPUs that it can use, or all that the load left of them.
  generator,  ///< The load generator was the limit, or so late that its figures are its own.
  latency,    ///< Neither was busy: each waited for the other.
  rate,       ///< No more was asked for, and all of it was met.
  starved,    ///< Some connections were never served.
  errors,     ///< Requests failed.
};

inline constexpr std::array every_limit{Limit::server, Limit::generator, Limit::latency,
                                        Limit::rate,   Limit::starved,   Limit::errors};

/// A load generator that has nothing to do for less of the window is saturated.
inline constexpr double saturated_idle = 0.10;

/// Why a row that the generator limited is invalid.
inline constexpr std::string_view generator_was_busy = "the load generator was the limit: it was busy all the time";
inline constexpr std::string_view generator_was_late = "the load generator was the limit: it sent requests too late";

/// The name of a limit in reports.
std::string_view limit_name(Limit limit);

/// What a run says of both its sides, as judge() needs it. Times in ns; all of the measured window.
struct LoadFigures {
  double window_ns = 0;
  double offered_rate = 0;       ///< Requests per second that were asked for; 0: closed loop.
  std::uint64_t completed = 0;   ///< Requests answered, in the window or in its drain.
  std::uint64_t drained = 0;     ///< Of them, those answered in the drain: no rate counts them.
  std::uint64_t failed = 0;      ///< Requests given up because of errors.
  std::uint64_t timed_out = 0;   ///< Of them, those that took too long.
  std::uint64_t unfinished = 0;  ///< Requests that were due and never answered.
  std::uint64_t wrong_replies = 0;
  std::uint64_t waiting = 0;      ///< Requests that were due and not answered at the end of the window.
  double mean_in_flight = 0;      ///< Requests under way, averaged over the window.
  std::uint64_t asked = 0;        ///< Active connections asked for.
  std::uint64_t established = 0;  ///< Of them, those that were established.
  std::uint64_t served = 0;       ///< Of them, those that got a reply.
  std::uint64_t at_end = 0;       ///< Of them, those that stood at the end of the window.
  double silence_ns = 0;          ///< The longest time without any reply.
  double silent_at_end_ns = 0;    ///< That at the end of the window.
  double latency_p50_ns = 0;
  double latency_p99_ns = 0;
  double send_lag_p99_ns = 0;  ///< How late the generator itself was.
  double generator_idle = 0;   ///< Share of the window in which the generator's CPUs had nothing of it to do.
  double kept_off = 0;         ///< Share of the window in which the generator's workers could have run and did not.
  bool workers_share = false;  ///< Several workers of the generator run on one CPU.
  double others_busy = 0;      ///< What other processes used of the CPUs of both sides, as a share.
  double server_busy = 0;      ///< CPU time as a share of what the model can use and the load has left.
  double over_ideal = 0;       ///< Server CPU per request as a multiple of its bare system calls; 0: not known.
  double littles_law_ratio = 1;

  /// Over the whole run, by what the server counts: connections, datagrams or transfers.
  struct Counted {
    std::string_view what;               ///< "connections"
    std::uint64_t accepted = 0;          ///< By the server.
    std::uint64_t answered = 0;          ///< Of the load's, those that got a reply; at least so many.
    std::optional<std::uint64_t> begun;  ///< By the load, failed attempts too; nothing where nobody counts them.
  };
  std::optional<Counted> counted = std::nullopt;  ///< Nothing where the server is foreign.
};

/// What kind of reason there is against a run's figures.
enum class Doubt : std::uint8_t {
  none,
  unanswered,  ///< Requests were never answered.
  kept_off,    ///< The generator was kept from its CPU.
  other,
};

struct Judgement {
  Limit limit = Limit::latency;
  bool valid = true;
  std::string why_invalid{};  ///< For people; empty when valid.
  Doubt doubt = Doubt::none;
};

/// Judges a run. What fails or starves comes first; then whether the generator was late, which shows in its lag and
/// in how much of the window it had nothing to do; then the server. A run whose parts cannot all be true is invalid.
Judgement judge(const LoadFigures& figures);

/// How long a window of `window_ns` went without any reply: the longest time, or that at its end; as its slices tell.
double silence_ns(const std::array<std::uint64_t, window_slices>& replies, double window_ns);
double silent_at_end_ns(const std::array<std::uint64_t, window_slices>& replies, double window_ns);

}  // namespace bench
