#include "harness/summary/service_summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "harness/summary/rows_by_reason.h"
#include "harness/summary/summary_kind.h"
#include "harness/text/quantities.h"

namespace bench {

ServiceSummary summarize_service(const Samples& samples) {
  const auto estimate = [&](auto field) {
    return median_estimate(column(samples, [&](const Sample& sample) { return std::invoke(field, *sample.service); }));
  };
  const Sample& first = samples.front();
  ServiceSummary row;
  row.rate = estimate(&ServiceSample::rate);
  row.offered_rate = estimate(&ServiceSample::offered_rate);
  row.server_busy = estimate(&ServiceSample::server_busy);
  row.generator_busy = estimate(&ServiceSample::generator_busy);
  row.generator_kept_off = estimate(&ServiceSample::generator_kept_off);
  row.fairness = estimate([](const ServiceSample& sample) { return sample.load.fairness(); });
  row.littles_law_ratio = estimate(&ServiceSample::littles_law_ratio);
  row.send_lag_p99_ns = estimate(&ServiceSample::send_lag_p99_ns);
  row.unanswered_share = estimate([](const ServiceSample& sample) {
                           const LoadCounts& load = sample.load;
                           const std::uint64_t unanswered = load.requests_unfinished + load.requests_timed_out;
                           const std::uint64_t all = load.requests_answered() + unanswered;
                           return all > 0 ? static_cast<double>(unanswered) / static_cast<double>(all) : 0;
                         }).median;
  row.classes.resize(first.service->classes.size());
  for (std::size_t index = 0; index < row.classes.size(); ++index) {
    ClassSummary& each = row.classes[index];
    each.latency_p99_ns =
        estimate([&](const ServiceSample& sample) { return sample.classes[index].latency_ns[Shown::p99]; });
    each.rate = estimate([&](const ServiceSample& sample) {
      const auto window_s = static_cast<double>(sample.load.wall_ns) / 1e9;
      return window_s > 0 ? static_cast<double>(sample.classes[index].counts.completed) / window_s : 0;
    });
    for (const Sample& sample : samples) {
      const ClassCounts& counts = sample.service->classes[index].counts;
      each.failed += counts.failed;
      each.unfinished += counts.unfinished;
    }
  }
  row.establishment_rate = estimate([](const ServiceSample& sample) {
    const auto phase_s = static_cast<double>(sample.load.connect_phase_ns) / 1e9;
    return phase_s > 0 ? static_cast<double>(sample.load.connections_established) / phase_s : 0;
  });
  const LoadCounts& first_load = first.service->load;
  row.connections_asked = first_load.connections_asked;
  row.active_asked = first_load.active_asked;
  row.connections_established = first_load.connections_established;
  row.connections_served = first_load.active_served;
  std::map<Limit, std::size_t> limits;
  for (const Sample& sample : samples) {
    const ServiceSample& service = *sample.service;
    ++limits[service.judgement.limit];
    row.connections_established = std::min(row.connections_established, service.load.connections_established);
    if (service.load.active_served <= row.connections_served) {
      row.connections_served = service.load.active_served;
      row.active_due = service.load.active_due();
    }
    for (std::size_t kind = 0; kind < row.errors.size(); ++kind) row.errors[kind] += service.load.errors[kind];
    row.refused += service.refused;
    row.requests_failed += service.load.requests_failed;
    row.requests_unfinished += service.load.requests_unfinished;
    if (row.error_text.empty()) row.error_text = service.error_text;
    if (row.server_cpu_unknown.empty()) row.server_cpu_unknown = service.server_cpu_unknown;
    row.server_switches_unknown |= service.server_switches_unknown;
  }
  row.limit = std::ranges::max_element(limits, {}, [](const auto& pair) { return pair.second; })->first;
  if (first.service->knee) {
    row.knee_rate = estimate([](const ServiceSample& sample) { return sample.knee->rate; });
    const auto distance = [&](const Sample& sample) {
      return std::abs(sample.service->knee->rate - row.knee_rate->median);
    };
    const Sample& nearest = *std::ranges::min_element(samples, {}, distance);
    row.knee = nearest.service->knee;
  }
  return row;
}

namespace {

// The system calls of a request, bare.
double ideal_of(const Group& /*group*/, const Sample& sample) { return sample.ideal_cpu_ns; }

void add_own(const SummarySource& /*source*/, const Samples& samples, CellSummary& row) {
  row.service = summarize_service(samples);
}

RankedBy ranked_by(const Group& group) {
  switch (group.load.mode) {
    case RateMode::search: return RankedBy::knee;
    case RateMode::closed: return RankedBy::rate;
    case RateMode::fixed:
    case RateMode::common: break;
  }
  return RankedBy::cpu;
}

double cost_by(const Group& /*group*/, const Sample& sample, RankedBy by) {
  if (by == RankedBy::cpu) return sample.cpu_ns;
  const double rate = by == RankedBy::knee ? sample.service->knee->rate : sample.service->rate;
  return rate > 0 ? 1 / rate : 0;
}

// Only what was measured by the same rule compares: in the closed loop the server has to be the limit, at an offered
// rate the rate has to be met.
std::string why_unranked(const CellSummary& row, RankedBy by) {
  const ServiceSummary& service = *row.service;
  if (by == RankedBy::knee) {
    return service.knee_rate && service.knee_rate->median > 0 ? "" : "keeps its promise at no rate";
  }
  const bool comparable =
      by == RankedBy::rate ? service.limit == Limit::server && service.rate.median > 0 : service.limit == Limit::rate;
  return comparable ? std::string() : std::string(limit_name(service.limit));
}

// What would serve the connections that a pool starves; empty where none starve.
std::string cure_of(const Cell& cell, const ServiceSummary& service) {
  if (cell.model->units != HowMany::workers || service.connections_served >= service.active_due) return {};
  return fmt::format(
      "{} one connection; --workers={} serves all",
      cell.workers == 1 ? "its one worker keeps" : fmt::format("each of its {} workers keeps", cell.workers),
      service.active_asked);
}

// Who is not ranked and why, and what would rank more of them.
std::string afterword(const SummarySource& source, const GroupSummary& summary) {
  const Ranking& ranking = summary.ranking;
  RowsByReason unranked;
  for (const auto& [cell, reason] : ranking.unranked) {
    const auto row = std::ranges::find(summary.cells, cell, &CellSummary::cell);
    const std::string cure = cure_of(source.plan.cells[cell], *row->service);
    unranked.add(cure.empty() ? reason : fmt::format("{}: {}", reason, cure), source.plan.cells[cell].label);
  }
  std::vector<std::string> parts;
  for (const auto& [why, rows] : unranked.groups()) parts.push_back(fmt::format("{} ({})", fmt::join(rows, ", "), why));
  std::string text;
  if (!parts.empty()) text = fmt::format("Not ranked: {}.", fmt::join(parts, "; "));
  const auto generator_bound = [](const CellSummary& row) { return row.service->limit == Limit::generator; };
  if (ranking.by == RankedBy::rate &&
      (ranking.order.size() < 2 || std::ranges::any_of(summary.cells, generator_bound))) {
    text +=
        " Closed-loop rates rank models only where the server is the limit; --rate=common ranks them by CPU per "
        "request.";
  }
  return text;
}

void warn(GroupSummary& summary) {
  for (const CellSummary& row : summary.cells) {
    if (const std::string& why = row.service->server_cpu_unknown; !why.empty()) {
      summary.warnings.push_back(fmt::format("CPU of the server unknown: {}", why));
    }
  }
}

std::string alone(const SummarySource& source, const CellSummary& row) {
  const ServiceSummary& service = *row.service;
  std::string text = fmt::format(
      "{} answers {} requests/s, half of them within {} and 99% within {}{}", source.plan.cells[row.cell].label,
      format_count(service.rate.median), format_duration(row.latency_ns[Shown::p50].median),
      is_lower_bound(service, 99) ? "no less than " : "", format_duration(row.latency_ns[Shown::p99].median));
  if (knows_costs(source.group, service)) {
    text += fmt::format(", at {} of the server's CPU each", format_duration(row.cpu_ns.median));
  }
  if (const std::string cure = cure_of(source.plan.cells[row.cell], service); !cure.empty()) text += "; " + cure;
  return text + ".";
}

}  // namespace

const SummaryKind service_summary{.ideal_ns = ideal_of,
                                  .cost = &Sample::cpu_ns,
                                  .probe = &Ruler::loopback_ns,
                                  .add_own = add_own,
                                  .ranked_by = ranked_by,
                                  .cost_by = cost_by,
                                  .why_unranked = why_unranked,
                                  .afterword = afterword,
                                  .alone = alone,
                                  .warn = warn};

}  // namespace bench
