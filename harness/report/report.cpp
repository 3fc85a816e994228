#include "harness/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/options/suites.h"
#include "harness/summary/rows_by_reason.h"
#include "harness/text/quantities.h"
#include "harness/text/table.h"

namespace bench {
namespace {

std::string interval_text(const Estimate& estimate) {
  if (!estimate.bounded) return "-";
  return fmt::format("±{:.1f}%", estimate.half_width() * 100);
}

// Whole numbers, but one digit for what happens less than once in a batch.
std::string format_switches(double switches) {
  return switches > 0 && switches < 1 ? fmt::format("{:.1f}", switches) : format_count(std::round(switches));
}

std::string ratio_text(const std::optional<Ratio>& ratio) { return ratio ? format_ratio(ratio->effect) : "-"; }

const std::vector<std::string> console_header{"model",    "time", "95%", "over ideal", "speed-up", "CPU",
                                              "switches", "p50",  "p99", "memory",     "units"};

std::vector<std::string> console_row(const CellSummary& row, const Cell& cell, const CellResult& result) {
  return {
      cell.label,
      format_duration(row.wall_ns.median),
      interval_text(row.wall_ns),
      ratio_text(row.over_ideal),
      ratio_text(row.speedup),
      format_duration(row.cpu_ns.median),
      fmt::format("{}+{}", format_switches(row.voluntary_switches.median),
                  format_switches(row.involuntary_switches.median)),
      format_duration(row.latency_ns[0].median),
      format_duration(row.latency_ns[2].median),
      result.peak_memory_bytes > 0 ? format_bytes(static_cast<double>(result.peak_memory_bytes)) : "-",
      format_count(std::round(row.units_peak.median)),
  };
}

const std::vector<std::string> service_header{"model", "rate/s",      "95%",        "p50",      "p99",
                                              "p99.9", "CPU/request", "over ideal", "switches", "server",
                                              "load",  "served",      "limit"};

const std::vector<std::string> primitive_header{"model", "via", "units", "CPUs", "time", "95%", "CPU", "switches"};
const std::vector<std::string> memory_header{"model", "via", "units",    "CPUs",      "time",
                                             "95%",   "CPU", "switches", "user/unit", "kernel/unit"};

std::string model_of_primitive(const Cell& cell) {
  if (cell.stack_bytes == default_stack_bytes) return std::string(cell.model->name);
  return fmt::format("{} ({})", cell.model->name, format_bytes(static_cast<double>(cell.stack_bytes)));
}

std::vector<std::string> primitive_row(const CellSummary& row, const Cell& cell, const Group& group) {
  const std::uint32_t units = std::max(cell.row->units, group.batch.tasks);
  std::vector<std::string> texts{
      model_of_primitive(cell),
      std::string(cell.row->via),
      units == 0 ? "-" : fmt::to_string(units),
      fmt::to_string(cell.row->cpus),
      format_duration(row.wall_ns.median),
      interval_text(row.wall_ns),
      format_duration(row.cpu_ns.median),
      fmt::format("{:.2f}+{:.2f}", row.voluntary_switches.median, row.involuntary_switches.median),
  };
  if (group.primitive->measures_memory) {
    for (const Estimate& bytes : {row.primitive->user_bytes, row.primitive->kernel_bytes}) {
      texts.push_back(format_bytes(std::max(bytes.median, 0.0)));
    }
  }
  return texts;
}

std::string percent(double share) { return fmt::format("{:.0f}%", share * 100); }

// What is not known of a server that somebody else runs.
bool costs_unknown(const Group& group) { return group.foreign && group.foreign->pid <= 0; }

// Nothing, where no request was answered or waited for.
std::string latency_text(const Estimate& latency_ns) {
  return latency_ns.median > 0 ? format_duration(latency_ns.median) : "-";
}

// An idle server that waits and a busy one look the same to a load that knows nothing of the server's CPU.
std::string limit_text(const ServiceSummary& service, bool server_unknown) {
  const std::string limit =
      server_unknown && service.limit == Limit::latency ? "latency or server" : std::string(limit_name(service.limit));
  return service.invalid == 0 ? limit : limit + ", INVALID";
}

std::vector<std::string> service_row(const CellSummary& row, const Cell& cell, const Group& group) {
  const ServiceSummary& service = *row.service;
  const bool unknown = costs_unknown(group);
  const std::string served = fmt::format("{}/{}", service.connections_served, service.active_asked);
  return {
      cell.label,
      format_count(service.rate.median),
      interval_text(service.rate),
      latency_text(row.latency_ns[0]),
      latency_text(row.latency_ns[2]),
      latency_text(row.latency_ns[3]),
      unknown ? "-" : format_duration(row.cpu_ns.median),
      ratio_text(row.over_ideal),
      unknown ? "-" : fmt::format("{:.2f}+{:.2f}", row.voluntary_switches.median, row.involuntary_switches.median),
      unknown ? "-" : percent(service.server_busy.median),
      percent(service.generator_busy.median),
      served,
      limit_text(service, unknown),
  };
}

std::string errors_text(const ServiceSummary& service) {
  std::vector<std::string> kinds;
  for (std::size_t kind = 0; kind < service.errors.size(); ++kind) {
    if (service.errors[kind] == 0) continue;
    kinds.push_back(fmt::format("{} {}", service.errors[kind], name_of(static_cast<LoadError>(kind))));
  }
  if (kinds.empty()) return {};
  return fmt::format("errors: {}{}", fmt::join(kinds, ", "),
                     service.error_text.empty() ? "" : " (" + service.error_text + ")");
}

// As wide as the longest name of the group's rows.
std::size_t label_width(const Plan& plan, const Group& group) {
  std::size_t width = 0;
  for (const std::size_t index : group.cells) width = std::max(width, plan.cells[index].label.size());
  return width;
}

std::string note_lines(const Plan& plan, const Group& group) {
  std::string text;
  const std::size_t width = label_width(plan, group);
  for (const std::size_t index : group.cells) {
    const Cell& cell = plan.cells[index];
    if (!cell.note.empty()) text += fmt::format("  {:<{}}  here it {}\n", cell.label, width, cell.note);
  }
  return text;
}

// What a service's table has no column for: knees, memory, light connections, and whatever went wrong.
std::string service_lines(const Plan& plan, const Results& results, const GroupSummary& summary) {
  std::string text;
  RowsByReason invalid;
  const std::size_t width = label_width(plan, plan.groups[summary.group]);
  for (const CellSummary& row : summary.cells) {
    if (!row.service) continue;
    const ServiceSummary& service = *row.service;
    std::vector<std::string> parts;
    if (service.knee) {
      const Knee& knee = *service.knee;
      parts.push_back(knee.rate > 0 ? fmt::format("keeps its promise up to {} requests/s", format_count(knee.rate))
                                    : std::string("keeps its promise at no rate that was tried"));
      if (knee.above_rate > 0)
        parts.push_back(fmt::format(
            "at {} {}", format_count(knee.above_rate),
            knee.above_why == generator_was_the_limit ? knee.above_why : fmt::format("not ({})", knee.above_why)));
    }
    if (service.light_p99_ns.median > 0)
      parts.push_back(fmt::format("p99 of the light connections {}", format_duration(service.light_p99_ns.median)));
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
    if (service.requests_unfinished != 0)
      parts.push_back(
          fmt::format("{} requests never answered", format_count(static_cast<double>(service.requests_unfinished))));
    if (const std::string errors = errors_text(service); !errors.empty()) parts.push_back(errors);
    if (service.invalid != 0) {
      invalid.add(service.why_invalid,
                  fmt::format("{} ({} of {} runs)", plan.cells[row.cell].label, service.invalid, row.wall_ns.samples));
    }
    if (!parts.empty())
      text += fmt::format("  {:<{}}  {}\n", plan.cells[row.cell].label, width, fmt::join(parts, "; "));
  }
  for (const auto& [why, rows] : invalid.groups())
    text += fmt::format("  INVALID ({}): {}\n", why, fmt::join(rows, ", "));
  return text;
}

std::string checkpoint_lines(const Plan& plan, const GroupSummary& summary) {
  std::string text;
  for (const CellSummary& row : summary.cells) {
    if (!row.checkpoint_ns) continue;
    const Estimate& price = *row.checkpoint_ns;
    text += fmt::format("  {:<14}{:6.2f} ns", plan.cells[row.cell].label, price.median);
    if (price.bounded) text += fmt::format("  [{:.2f}, {:.2f}]", price.low, price.high);
    text += '\n';
  }
  if (text.empty() || !summary.compute_ns) return text;
  const Group& group = plan.groups[summary.group];
  const double steps = static_cast<double>(group.job->checkpoints(group.batch)) * group.batch.tasks;
  return fmt::format("What a checkpoint adds to a step of the plain loop ({:.2f} ns), in CPU time:\n{}",
                     summary.compute_ns->median / steps, text);
}

std::string rounds_text(const GroupSummary& summary, const Results& results) {
  std::size_t rounds = 0;
  for (const CellSummary& row : summary.cells) rounds = std::max(rounds, row.wall_ns.samples);
  std::string text = fmt::format("{} round{}", rounds, rounds == 1 ? "" : "s");
  if (results.interrupted) text += ", interrupted";
  return text;
}

const std::vector<std::string>& header_of(const Group& group) {
  if (group.primitive) return group.primitive->measures_memory ? memory_header : primitive_header;
  return group.service ? service_header : console_header;
}

std::vector<std::string> row_of(const CellSummary& row, const Cell& cell, const Group& group,
                                const CellResult& result) {
  if (group.primitive) return primitive_row(row, cell, group);
  return group.service ? service_row(row, cell, group) : console_row(row, cell, result);
}

std::string group_text(const Plan& plan, const Results& results, const GroupSummary& summary, Format format,
                       bool emphasis) {
  const Group& group = plan.groups[summary.group];
  Table table{.header = header_of(group), .rows = {}};
  for (const std::size_t index : group.cells) {
    const Cell& cell = plan.cells[index];
    const CellResult& result = results.cells[index];
    const auto row = std::ranges::find(summary.cells, index, &CellSummary::cell);
    if (cell.skipped) {
      table.rows.push_back({cell.label, "skipped: " + *cell.skipped});
    } else if (result.failure) {
      table.rows.push_back({cell.label, "failed: " + *result.failure});
    } else if (row != summary.cells.end()) {
      table.rows.push_back(row_of(*row, cell, group, result));
    } else {
      table.rows.push_back({cell.label, "not run"});
    }
  }
  std::string ideal =
      summary.cells.empty() || group.primitive ? "" : fmt::format(" · ideal {}", format_duration(summary.ideal_ns));
  if (group.service && !ideal.empty()) ideal = summary.ideal_ns > 0 ? ideal + " CPU/request" : "";
  std::string text = fmt::format("{}{} · {}\n\n", group.title, ideal, rounds_text(summary, results));
  if (format == Format::markdown) text = "### " + text;
  text += format == Format::markdown ? render_markdown(table) : render_console(table, emphasis);
  const std::string lines = note_lines(plan, group) + service_lines(plan, results, summary);
  if (!lines.empty()) text += '\n' + lines;
  const std::string checkpoints = checkpoint_lines(plan, summary);
  if (!checkpoints.empty()) text += '\n' + checkpoints;
  if (!summary.verdict.empty()) text += '\n' + summary.verdict + '\n';
  for (const std::string& warning : summary.warnings) text += fmt::format("Warning: {}.\n", warning);
  return text;
}

constexpr std::string_view legend =
    "time: one batch, median of the rounds; 95%: interval of that median; over ideal: multiple of about the shortest\n"
    "time possible; speed-up: over serial; CPU: user and system of all units; switches: waiting+preempted; p50, p99:\n"
    "from the batch's start to a task's end; memory: peak of all processes (PSS); units: alive at once.\n";

constexpr std::string_view service_legend =
    "rate/s: requests answered per second, median of the rounds; 95%: interval of that median; p50 to p99.9: latency, "
    "in an\n"
    "open loop from when a request was due; CPU/request: of the server, user and system; over ideal: multiple of its "
    "bare\n"
    "system calls; switches: of the server per request, waiting+preempted; server, load: how busy their CPUs were; "
    "served:\n"
    "active connections that got a reply; limit: why the rate was no higher.\n";

constexpr std::string_view primitive_legend =
    "time: one operation, median of the rounds; 95%: interval of that median; CPUs: over which the units are spread; "
    "CPU:\n"
    "user and system of all units per operation; switches: likewise, waiting+preempted; user/unit, kernel/unit: memory "
    "of a\n"
    "unit that waits.\n";

}  // namespace

std::string report_text(const Plan& plan, const Results& results, Format format, bool emphasis) {
  std::string text;
  for (const GroupSummary& summary : summarize(plan, results)) {
    if (!text.empty()) text += '\n';
    text += group_text(plan, results, summary, format, emphasis);
  }
  const auto is_service = [](const Group& group) { return group.service != nullptr; };
  const bool services = std::ranges::any_of(plan.groups, is_service);
  const auto is_primitive = [](const Group& group) { return group.primitive != nullptr; };
  const bool primitives = std::ranges::any_of(plan.groups, is_primitive);
  const auto is_job = [](const Group& group) { return group.job != nullptr; };
  const bool jobs = std::ranges::any_of(plan.groups, is_job);
  if (jobs) text += fmt::format("\n{}", legend);
  if (services) text += fmt::format("\n{}", service_legend);
  if (primitives) text += fmt::format("\n{}", primitive_legend);
  return text;
}

std::string plan_text(const Plan& plan) {
  std::string text;
  for (const Group& group : plan.groups) {
    text += group.title + '\n';
    for (const std::size_t index : group.cells) {
      const Cell& cell = plan.cells[index];
      text += cell.skipped ? fmt::format("  {}  skipped: {}\n", cell.name, *cell.skipped)
                           : fmt::format("  {}  about {} a run\n", cell.name,
                                         format_duration(static_cast<double>(cell.expected_ns)));
    }
  }
  const double round_ns = static_cast<double>(expected_round_ns(plan));
  const double least_ns = round_ns * plan.min_rounds;
  const double most_ns =
      std::max(least_ns, std::min(round_ns * plan.max_rounds, static_cast<double>(plan.max_time_ns)));
  const auto once_ns = static_cast<double>(expected_once_ns(plan));
  text += fmt::format("{} cell{}, seed {}; ", plan.cells.size(), plan.cells.size() == 1 ? "" : "s", plan.seed);
  if (plan.min_rounds == plan.max_rounds) {
    text += fmt::format("{} round{} of about {}: about {} in all\n", plan.min_rounds, plan.min_rounds == 1 ? "" : "s",
                        format_duration(round_ns), format_duration(least_ns + once_ns));
  } else {
    const std::string least = format_duration(least_ns + once_ns);
    const std::string most = format_duration(most_ns + once_ns);
    text += fmt::format("{} to {} rounds of about {}: {} in all\n", plan.min_rounds, plan.max_rounds,
                        format_duration(round_ns), least == most ? "about " + least : least + " to " + most);
  }
  return text;
}

namespace {

std::string list_of(RowList<Model> models) {
  std::string text;
  for (const Model& model : models) {
    text += fmt::format("  {:<14}{}\n", model.name, model.summary);
    if (!aliases_of(model).empty()) text += fmt::format("  {:<14}  also: {}\n", "", fmt::join(aliases_of(model), ", "));
    const std::string why = model.why_unavailable ? model.why_unavailable() : "";
    if (!why.empty()) text += fmt::format("  {:<14}  not available here: {}\n", "", why);
    const std::string note = model.note ? model.note() : "";
    if (!note.empty()) text += fmt::format("  {:<14}  here it {}\n", "", note);
  }
  return text;
}

// A job, a service or a primitive.
template <typename Row>
std::string list_of(const Row& workload) {
  std::string text = fmt::format("  {:<14}{}\n", workload.name, workload.summary);
  if (workload.parameters.empty()) return text;
  text += fmt::format("  {:<14}  default:", "");
  for (const Parameter& row : workload.parameters) text += fmt::format(" --{}={}", row.name, row.standard);
  return text + '\n';
}

bool all_available(RowList<Model> models) {
  return std::ranges::all_of(models, [](const Model& model) {
    return (!model.why_unavailable || model.why_unavailable().empty()) && (!model.note || model.note().empty());
  });
}

}  // namespace

std::string list_text(const Tables& tables) {
  std::string text = "Models:\n" + list_of(tables.models);
  text +=
      "  OUTER+INNER   hybrids: N copies of any model in processes (processes+epoll) or threads "
      "(threads+coroutines),\n"
      "                  nested too (processes+threads+coroutines); --workers=N, by default the CPUs\n";
  if (!tables.references.empty()) {
    text += "\nReference runtimes, by name only (--model=all leaves them out):\n" + list_of(tables.references);
  }
  text += "\nJobs:\n";
  for (const Job& job : tables.jobs) text += list_of(job);
  text += "\nServices:\n";
  for (const Service& service : tables.services) text += list_of(service);
  text += "\nPrimitives:\n";
  for (const Primitive& primitive : tables.primitives) text += list_of(primitive);
  text += "\nSuites:\n";
  for (const Suite& suite : all_suites()) text += fmt::format("  {:<14}{}\n", suite.name, suite.summary);
  if (all_available(tables.models) && all_available(tables.references)) text += "\nEvery model can run here.\n";
  return text;
}

}  // namespace bench
