#include "harness/summary/limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr double failed_share = 0.001;     // of the requests, from which on a row is about its errors
constexpr double late_share = 0.01;        // of the requests, that may be waiting at the end
constexpr double growing = 1.5;            // times the mean; a queue that grows evenly ends at twice its mean
constexpr double shared_idle = 0.15;       // of a generator's workers where each has to wait for others
constexpr double saturated_server = 0.90;  // a server that uses more of its CPUs is
constexpr double late_ns = 1e6;          // a generator that is later than this, and than half the latency, is the limit
constexpr double kept_off_share = 0.02;  // of the window: from then on the tail is about the generator's absence
constexpr double silent_share = 0.1;     // of the window, without a reply
constexpr double expected_replies = 10;  // that many would have come in that time
constexpr double below_ideal = 0.5;      // of what the bare system calls take: part of the server was not seen
constexpr double littles_law_tolerance = 0.10;

double due(const LoadFigures& figures) {
  return static_cast<double>(figures.completed + figures.failed + figures.unfinished);
}

// There may be fewer requests than connections: those that were established and never asked are not starved.
bool starves(const LoadFigures& figures) {
  const bool left_waiting = figures.unfinished + figures.timed_out != 0;
  return figures.served < figures.asked && (left_waiting || figures.established < figures.asked);
}

// Whether a server keeps up with what it is offered: what waits at the end is what waits all the time, for a latency
// that is as long as it is, and not a queue that grows.
bool keeps_up(const LoadFigures& figures) {
  return static_cast<double>(figures.waiting) <= 1 + late_share * due(figures) + growing * figures.mean_in_flight;
}

bool leaves_unanswered(const LoadFigures& figures) {
  return static_cast<double>(figures.unfinished) > failed_share * due(figures);
}

// Those of requests that took too long are closed by the load itself, which makes new ones.
bool has_lost_its_connections(const LoadFigures& figures) {
  return figures.failed > figures.timed_out && figures.at_end == 0;
}

// Its own workers wait for each other where they share a CPU; elsewhere others keep the generator off.
bool is_kept_off(const LoadFigures& figures) { return !figures.workers_share && figures.kept_off > kept_off_share; }

bool is_saturated(const LoadFigures& figures) {
  return figures.generator_idle < (figures.workers_share ? shared_idle : saturated_idle);
}

// In an open loop, by what it does itself.
bool is_late(const LoadFigures& figures) {
  return figures.offered_rate > 0 && !is_kept_off(figures) &&
         figures.send_lag_p99_ns > std::max(late_ns, figures.latency_p99_ns / 2);
}

// So long without a reply that many were to be expected, and much longer than `usual_ns`.
bool is_silent(const LoadFigures& figures, double silence_ns, double usual_ns) {
  if (figures.window_ns <= 0) return false;
  const double mean_rate = static_cast<double>(figures.completed) / figures.window_ns;
  return silence_ns > silent_share * figures.window_ns && silence_ns * mean_rate > expected_replies &&
         silence_ns > 4 * usual_ns;
}

Limit limit_of(const LoadFigures& figures) {
  const double requests = static_cast<double>(figures.completed + figures.failed);
  const bool open_loop = figures.offered_rate > 0;
  if (requests == 0 && !starves(figures)) {
    if (figures.unfinished != 0) return Limit::errors;
    return open_loop ? Limit::rate : Limit::latency;
  }
  const auto too_many = [&](std::uint64_t failed) { return static_cast<double>(failed) > failed_share * requests; };
  if (figures.wrong_replies != 0 || too_many(figures.failed - figures.timed_out)) return Limit::errors;
  if (has_lost_its_connections(figures)) return Limit::errors;
  if (starves(figures)) return Limit::starved;
  if (too_many(figures.failed)) return Limit::errors;
  const bool unanswered = leaves_unanswered(figures);
  // Where workers share a CPU that has no time left, a reply that has come waits for its worker's turn, though the rate
  // be met and what is sent be in time. One worker alone meets its rate late, if at all.
  if (is_late(figures) || (figures.workers_share && is_saturated(figures))) return Limit::generator;
  if (open_loop && keeps_up(figures) && !unanswered) return Limit::rate;
  if (is_saturated(figures)) return Limit::generator;
  if (figures.server_busy >= saturated_server) return Limit::server;
  return unanswered ? Limit::errors : Limit::latency;
}

std::string share_of_window(double ns, double window_ns) {
  return fmt::format("{} of {}", format_duration(ns), format_duration(window_ns));
}

// Why what the server and the load have counted cannot both be true; empty where it can.
std::string why_counts_differ(const LoadFigures::Counted& counted) {
  const auto& [what, accepted, answered, begun] = counted;
  if (answered > accepted) {
    return fmt::format("{} {} got replies, and the server took {}: another server answers at its address", answered,
                       what, accepted);
  }
  if (begun && accepted > *begun) {
    return fmt::format("the server took {} {}, and the load made {}: others use it", accepted, what, *begun);
  }
  return {};
}

// Why figures may not be believed, for people.
struct Reason {
  Doubt doubt = Doubt::none;
  std::string text{};
};

Reason why_invalid(const LoadFigures& figures, Limit limit) {
  if (figures.wrong_replies != 0) return {Doubt::other, text_of(LoadError::wrong_reply, figures.wrong_replies)};
  if (figures.completed == 0) {
    return {Doubt::other, limit == Limit::rate ? "no request was due" : "no request was answered"};
  }
  if (figures.offered_rate == 0 && figures.drained == figures.completed) {
    return {Doubt::other, fmt::format("no reply came within the window of {}; --duration makes it longer",
                                      format_duration(figures.window_ns))};
  }
  if (has_lost_its_connections(figures)) return {Doubt::other, "no connection stood at the end of the window"};
  if (limit == Limit::errors && leaves_unanswered(figures)) {
    return {Doubt::unanswered, fmt::format("{} of {} requests were never answered", figures.unfinished, due(figures))};
  }
  if (limit != Limit::starved && is_kept_off(figures)) {
    return {Doubt::kept_off,
            fmt::format("{} the load generator from its CPU for {:.0f}% of the window",
                        figures.others_busy > kept_off_share ? "other processes kept" : "something kept",
                        figures.kept_off * 100)};
  }
  if (limit != Limit::starved) {
    if (is_silent(figures, figures.silent_at_end_ns, figures.latency_p50_ns)) {
      return {Doubt::other, fmt::format("no reply came in the last {}",
                                        share_of_window(figures.silent_at_end_ns, figures.window_ns))};
    }
    if (is_silent(figures, figures.silence_ns, figures.latency_p99_ns)) {
      return {Doubt::other,
              fmt::format("no reply came for {}", share_of_window(figures.silence_ns, figures.window_ns))};
    }
  }
  if (limit == Limit::generator) {
    return {Doubt::other, std::string(is_late(figures) ? generator_was_late : generator_was_busy)};
  }
  if (std::abs(figures.littles_law_ratio - 1) > littles_law_tolerance) {
    return {Doubt::other, fmt::format("time in flight is {:.2f} × what rate and latency say (Little's law)",
                                      figures.littles_law_ratio)};
  }
  if (figures.counted) {
    if (std::string why = why_counts_differ(*figures.counted); !why.empty()) {
      return {Doubt::other, std::move(why)};
    }
  }
  if (figures.over_ideal > 0 && figures.over_ideal < below_ideal) {
    return {Doubt::other,
            fmt::format("the server used {:.2f} × the CPU time of its bare system calls: not all of it was seen",
                        figures.over_ideal)};
  }
  return {};
}

// Slices without a reply.
struct Silence {
  std::size_t longest = 0;
  std::size_t at_end = 0;
};

Silence silence_of(const std::array<std::uint64_t, window_slices>& replies) {
  Silence silence;
  for (const std::uint64_t count : replies) {
    silence.at_end = count == 0 ? silence.at_end + 1 : 0;
    silence.longest = std::max(silence.longest, silence.at_end);
  }
  return silence;
}

}  // namespace

std::string_view limit_name(Limit limit) {
  switch (limit) {
    case Limit::server: return "server";
    case Limit::generator: return "generator";
    case Limit::latency: return "latency";
    case Limit::rate: return "rate";
    case Limit::starved: return "starved";
    case Limit::errors: break;
  }
  return "errors";
}

Judgement judge(const LoadFigures& figures) {
  const Limit limit = limit_of(figures);
  Reason why = why_invalid(figures, limit);
  return {.limit = limit, .valid = why.doubt == Doubt::none, .why_invalid = std::move(why.text), .doubt = why.doubt};
}

double silence_ns(const std::array<std::uint64_t, window_slices>& replies, double window_ns) {
  return static_cast<double>(silence_of(replies).longest) * window_ns / window_slices;
}

double silent_at_end_ns(const std::array<std::uint64_t, window_slices>& replies, double window_ns) {
  return static_cast<double>(silence_of(replies).at_end) * window_ns / window_slices;
}

}  // namespace bench
