#include "harness/summary/limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

constexpr double failed_share = 0.001;     // of the requests, from which on a row is about its errors
constexpr double late_share = 0.01;        // of the requests, that may be waiting at the end
constexpr double growing = 1.5;            // times the mean; a queue that grows evenly ends at twice its mean
constexpr double saturated_server = 0.90;  // a server that uses more of its CPUs is
constexpr double late_ns = 1e6;  // a generator that is later than this, and than half the latency, is the limit
constexpr double littles_law_tolerance = 0.10;

// There may be fewer requests than connections: those that were established and never asked are not starved.
bool starves(const LoadFigures& figures) {
  return figures.served < figures.asked && (figures.unfinished != 0 || figures.established < figures.asked);
}

// Whether a server keeps up with what it is offered: what waits at the end is what waits all the time, for a latency
// that is as long as it is, and not a queue that grows.
bool keeps_up(const LoadFigures& figures) {
  const double due = static_cast<double>(figures.completed + figures.failed + figures.unfinished);
  return static_cast<double>(figures.waiting) <= 1 + late_share * due + growing * figures.mean_in_flight;
}

Limit limit_of(const LoadFigures& figures) {
  const double requests = static_cast<double>(figures.completed + figures.failed);
  const bool open_loop = figures.offered_rate > 0;
  if (requests == 0 && !starves(figures)) return open_loop ? Limit::rate : Limit::latency;
  if (figures.wrong_replies != 0 || static_cast<double>(figures.failed) > failed_share * requests) return Limit::errors;
  if (starves(figures)) return Limit::starved;
  const bool late = figures.send_lag_p99_ns > std::max(late_ns, figures.latency_p99_ns / 2);
  if (open_loop && late) return Limit::generator;
  if (open_loop && keeps_up(figures)) return Limit::rate;
  if (figures.generator_idle < saturated_idle) return Limit::generator;
  return figures.server_busy >= saturated_server ? Limit::server : Limit::latency;
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
  Judgement judgement;
  judgement.limit = limit_of(figures);
  const auto invalid = [&](std::string why) {
    judgement.valid = false;
    if (judgement.why_invalid.empty()) judgement.why_invalid = std::move(why);
  };
  if (figures.wrong_replies != 0) invalid(fmt::format("{} wrong replies", figures.wrong_replies));
  if (figures.completed == 0) {
    invalid(judgement.limit == Limit::rate ? "no request was due" : "no request was answered");
  }
  if (judgement.limit == Limit::generator) invalid(std::string(generator_was_the_limit));
  if (std::abs(figures.littles_law_ratio - 1) > littles_law_tolerance) {
    invalid(
        fmt::format("time in flight is {:.2f} × what rate and latency say (Little's law)", figures.littles_law_ratio));
  }
  return judgement;
}

}  // namespace bench
