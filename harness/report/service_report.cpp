// How services are reported: requests per second, latencies, and what limited them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "harness/report/report_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr double beyond_its_cpus = 1.05;  // what clocks that are read one after the other do not explain

// The interval stands beside what the models are ranked by.
constexpr ReportColumn interval_column{"95%", 0, "interval of the median beside it"};
constexpr std::string_view rate_meaning = "requests answered per second, median of the rounds";
constexpr std::string_view latency_meaning =
    "latency, in an open loop from when a request was due, ≥ where it is the age of requests that were not answered";
constexpr ReportColumn p50_column{"p50", 3, latency_meaning};
constexpr ReportColumn p99_column{"p99", 0, latency_meaning};
constexpr ReportColumn p99_9_column{"p99.9", 8, latency_meaning};
constexpr std::string_view cpu_meaning = "of the server, user and system";
constexpr ReportColumn over_ideal_column{"over ideal", 5,
                                         "multiple of its bare system calls and of the computation that was asked for"};
constexpr ReportColumn switches_column{"switches", 9, "of the server per request, waiting+preempted"};
constexpr std::string_view busy_meaning = "how busy its CPUs were";
constexpr ReportColumn server_column{"server", 6, busy_meaning};
constexpr ReportColumn load_column{"load", 7, busy_meaning};
constexpr ReportColumn served_column{"served", 4, "active connections that got a reply"};
constexpr ReportColumn limit_column{"limit", 0, "why the rate was no higher"};
constexpr auto closed_columns = std::to_array<ReportColumn>({{"model"},
                                                             {"rate/s", 0, rate_meaning},
                                                             interval_column,
                                                             p50_column,
                                                             p99_column,
                                                             p99_9_column,
                                                             {"CPU/request", 1, cpu_meaning},
                                                             over_ideal_column,
                                                             switches_column,
                                                             server_column,
                                                             load_column,
                                                             served_column,
                                                             limit_column});
constexpr auto open_columns = std::to_array<ReportColumn>({{"model"},
                                                           {"rate/s", 2, rate_meaning},
                                                           p50_column,
                                                           p99_column,
                                                           p99_9_column,
                                                           {"CPU/request", 0, cpu_meaning},
                                                           interval_column,
                                                           over_ideal_column,
                                                           switches_column,
                                                           server_column,
                                                           load_column,
                                                           served_column,
                                                           limit_column});

bool is_ranked_by_cpu(const Group& group) {
  return !group.foreign && (group.load.mode == RateMode::fixed || group.load.mode == RateMode::common);
}

std::string percent(double share) { return fmt::format("{:.0f}%", share * 100); }

// How many CPUs a server of somebody else could use is not known.
std::string busy_text(double share, const Group& group) {
  return group.foreign ? percent(share) + " of one CPU" : percent(share);
}

// Nothing, where no request was answered or waited for.
std::string latency_text(const CellSummary& row, Shown::Place place) {
  const double latency_ns = row.latency_ns[place].median;
  if (latency_ns <= 0) return "-";
  return (is_lower_bound(*row.service, shown_percentiles[place]) ? "≥" : "") + format_duration(latency_ns);
}

// An idle server that waits and a busy one look the same to a load that knows nothing of the server's CPU.
std::string limit_text(const CellSummary& row, bool server_unknown) {
  const ServiceSummary& service = *row.service;
  const std::string limit =
      server_unknown && service.limit == Limit::latency ? "latency or server" : std::string(limit_name(service.limit));
  return row.runs.valid() ? limit : "invalid";
}

std::vector<std::string> row_of(const CellSummary& row, const Cell& cell, const Group& group,
                                const CellResult& /*result*/) {
  const ServiceSummary& service = *row.service;
  const bool unknown = !knows_costs(group, service);
  const std::string served = fmt::format("{}/{}", service.connections_served, service.active_asked);
  std::vector<std::string> cells{
      cell.label,
      format_count(service.rate.median),
      latency_text(row, Shown::p50),
      latency_text(row, Shown::p99),
      latency_text(row, Shown::p99_9),
      unknown ? "-" : format_duration(row.cpu_ns.median),
      ratio_text(row.over_ideal),
      knows_switches(group, service)
          ? fmt::format("{:.2f}+{:.2f}", row.voluntary_switches.median, row.involuntary_switches.median)
          : "-",
      unknown ? "-" : busy_text(service.server_busy.median, group),
      percent(service.generator_busy.median),
      served,
      limit_text(row, unknown),
  };
  const bool by_cpu = is_ranked_by_cpu(group);
  cells.insert(cells.begin() + (by_cpu ? 6 : 2),
               by_cpu ? interval_text(row.cpu_ns, format_duration) : interval_text(service.rate, format_count));
  return cells;
}

std::string errors_text(const ServiceSummary& service) {
  if (std::ranges::all_of(service.errors, [](std::uint64_t count) { return count == 0; })) return {};
  return "errors since the first connect: " + describe_errors(service.errors, service.error_text);
}

// "p99 of light 1.20 ms, of heavy 6.30 ms"; nothing where requests were not told apart. Of what is pushed the table
// does not say how much it is: "of delivery 1.60 ms (49,500/s)".
std::string classes_text(const Service& told, const ServiceSummary& service) {
  std::vector<std::string> parts;
  for (std::size_t index = 0; index < service.classes.size(); ++index) {
    const ClassSummary& each = service.classes[index];
    const RequestClass& row = told.classes[index];
    const double p99_ns = each.latency_p99_ns.median;
    if (p99_ns <= 0) continue;
    parts.push_back(fmt::format("of {} {}", row.name, format_duration(p99_ns)));
    if (row.asked_by == AskedBy::nobody) parts.back() += fmt::format(" ({}/s)", format_count(each.rate.median));
  }
  return parts.empty() ? std::string() : fmt::format("p99 {}", fmt::join(parts, ", "));
}

// "keeps its promise up to 8,000 requests/s (95% 7,600 to 8,400); at 8,400 not (p99 12.0 ms)"
std::string knee_text(const Knee& knee, const Estimate& rate) {
  const bool found = knee.why_not_found.empty();
  std::string text(found ? "keeps its promise at no rate that was tried" : "is known to keep its promise at no rate");
  if (knee.rate > 0) {
    text = fmt::format("keeps its promise {} {} requests/s", found ? "up to" : "at", format_count(knee.rate));
  }
  if (rate.samples > 1) {
    text +=
        fmt::format(" ({} {} to {})", rate.bounded ? "95%" : "range", format_count(rate.low), format_count(rate.high));
  }
  if (knee.above_rate > 0) text += fmt::format("; at {} not ({})", format_count(knee.above_rate), knee.above_why);
  return text;
}

// What a service's table has no column for: knees, classes, memory, and whatever went wrong.
std::string lines_of(const Plan& plan, const Results& results, const GroupSummary& summary) {
  std::string text;
  const std::size_t width = label_width(plan, plan.groups[summary.group]);
  for (const CellSummary& row : summary.cells) {
    if (!row.service) continue;
    const ServiceSummary& service = *row.service;
    std::vector<std::string> parts;
    if (service.knee) parts.push_back(knee_text(*service.knee, *service.knee_rate));
    if (std::string classes = classes_text(*plan.groups[summary.group].service, service); !classes.empty())
      parts.push_back(std::move(classes));
    if (const auto& memory = results.cells[row.cell].memory) {
      parts.push_back(fmt::format("memory per connection {} user + {} kernel",
                                  format_bytes(std::max(memory->user_bytes, 0.0)),
                                  format_bytes(std::max(memory->kernel_bytes, 0.0))));
    }
    constexpr std::uint64_t many = 10'000;
    if (service.connections_asked >= many) {
      parts.push_back(fmt::format("{} connections/s established", format_count(service.establishment_rate.median)));
    }
    if (service.connections_established < service.connections_asked) {
      parts.push_back(
          fmt::format("{} of {} connections established", service.connections_established, service.connections_asked));
    }
    if (service.requests_unfinished != 0) {
      parts.push_back(fmt::format("{} request{} never answered",
                                  format_count(static_cast<double>(service.requests_unfinished)),
                                  service.requests_unfinished == 1 ? "" : "s"));
    }
    const Group& group = plan.groups[summary.group];
    if (!group.foreign && knows_costs(group, service) && service.server_busy.median > beyond_its_cpus) {
      parts.push_back(
          "the server used more CPUs than its model runs on: so do threads of the kernel or of a library that work "
          "for it");
    }
    if (service.refused != 0) {
      parts.push_back(
          fmt::format("the server had no unit, descriptor or memory to spare {} times: see `ulimit -u` and "
                      "`ulimit -n`",
                      format_count(static_cast<double>(service.refused))));
    }
    if (const std::string errors = errors_text(service); !errors.empty()) parts.push_back(errors);
    if (!parts.empty())
      text += fmt::format("  {:<{}}  {}\n", plan.cells[row.cell].label, width, fmt::join(parts, "; "));
  }
  return text;
}

std::span<const ReportColumn> columns_of(const Group& group) {
  return is_ranked_by_cpu(group) ? std::span<const ReportColumn>(open_columns) : closed_columns;
}

std::string cpu_text(const CellSummary& row) { return format_duration(row.cpu_ns.median); }
std::string rate_of(const CellSummary& row) { return format_count(row.service->rate.median); }
std::string p99_text(const CellSummary& row) { return latency_text(row, Shown::p99); }
std::string knee_rate_text(const CellSummary& row) {
  return row.service->knee_rate ? format_count(row.service->knee_rate->median) : "-";
}

constexpr PivotFigure p99_figure{"p99 of the latency", p99_text};
constexpr auto by_cpu = std::to_array<PivotFigure>({{"CPU per request", cpu_text}, p99_figure});
constexpr auto by_rate = std::to_array<PivotFigure>({{"requests per second", rate_of}, p99_figure});
constexpr auto by_knee =
    std::to_array<PivotFigure>({{"highest rate per second that keeps its promise", knee_rate_text}});

std::span<const PivotFigure> figures_of(const Group& group) {
  if (group.load.mode == RateMode::search) return by_knee;
  return is_ranked_by_cpu(group) ? std::span<const PivotFigure>(by_cpu) : by_rate;
}

std::string ideal_of(const GroupSummary& summary) {
  return summary.ideal_ns > 0 ? fmt::format(" · ideal {} CPU/request", format_duration(summary.ideal_ns)) : "";
}

}  // namespace

const ReportKind service_report{.columns = columns_of,
                                .row = row_of,
                                .figures = figures_of,
                                .ideal = ideal_of,
                                .lines = lines_of,
                                .paragraph = no_paragraph,
                                .has_ranking = true,
                                .counted = {},
                                .rows = &service_row_parts};

}  // namespace bench
