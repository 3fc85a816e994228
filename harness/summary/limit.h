// What limited a service's row, and whether its figures may be believed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

/// A load generator that has nothing to do for less of the window is saturated.
inline constexpr double saturated_idle = 0.10;

/// Why a row that the generator limited is invalid.
inline constexpr std::string_view generator_was_the_limit = "the load generator was the limit";

/// The name of a limit in reports.
std::string_view limit_name(Limit limit);

/// What a run says of both its sides, as judge() needs it. Times in ns; all of the measured window.
struct LoadFigures {
  double offered_rate = 0;  ///< Requests per second that were asked for; 0: closed loop.
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;      ///< Requests given up because of errors.
  std::uint64_t unfinished = 0;  ///< Requests that were due and never answered.
  std::uint64_t wrong_replies = 0;
  std::uint64_t waiting = 0;      ///< Requests that were due and not answered at the end of the window.
  double mean_in_flight = 0;      ///< Requests under way, averaged over the window.
  std::uint64_t asked = 0;        ///< Active connections asked for.
  std::uint64_t established = 0;  ///< Of them, those that were established.
  std::uint64_t served = 0;       ///< Of them, those that got a reply.
  double latency_p99_ns = 0;
  double send_lag_p99_ns = 0;  ///< How late the generator itself was.
  double generator_idle = 0;   ///< Share of the window in which the generator's workers had nothing to do.
  double server_busy = 0;      ///< CPU time as a share of what the model can use and the load has left.
  double littles_law_ratio = 1;
};

struct Judgement {
  Limit limit = Limit::latency;
  bool valid = true;
  std::string why_invalid;  ///< For people; empty when valid.
};

/// Judges a row. What fails or starves comes first; then whether the generator was late, which shows in its lag and
/// in how much of the window it had nothing to do, asleep or kept from its CPU; then the server.
Judgement judge(const LoadFigures& figures);

}  // namespace bench
