// The table as CSV: a row for each cell. Columns that are not of every kind of workload are there when the plan has
// such, and empty in the rows of the others.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "harness/report/report.h"
#include "harness/report/report_kind.h"
#include "harness/text/parameters.h"
#include "harness/text/table.h"

namespace bench {
namespace {

// A cell and what became of it.
struct Source {
  const Plan& plan;
  const Cell& cell;
  const Group& group;
  const CellResult& result;
  const CellSummary* sums;  // null without samples
};

// The kinds of workloads that have a column, as a set.
constexpr unsigned set_of(Kind kind) { return 1U << static_cast<unsigned>(kind); }

enum class Of : unsigned {
  jobs = set_of(Kind::job),
  services = set_of(Kind::service),
  primitives = set_of(Kind::primitive),
  no_primitives = jobs | services,
  all = no_primitives | primitives,
};

struct Column {
  std::string name;
  Of of;
  std::function<std::string(const Source& source)> text;  // none: the parameters of the workloads of that kind
};

template <typename Value>
std::string number(const Value& value) {
  return fmt::to_string(value);  // of a fraction as many digits as it takes to read the same back
}

std::string number(const std::optional<Ratio>& ratio) { return ratio ? number(ratio->effect) : ""; }

// A column of the cell's summary; empty without samples.
template <auto field>
std::string summed(const Source& source) {
  return source.sums ? number((source.sums->*field).median) : "";
}

template <std::size_t which>
std::string latency(const Source& source) {
  return source.sums ? number(source.sums->latency_ns[which].median) : "";
}

// Likewise; empty too of a server whose costs are not known.
template <auto field>
std::string cost(const Source& source) {
  const bool unknown = source.sums && source.sums->service && !knows_costs(source.group, *source.sums->service);
  return unknown ? "" : summed<field>(source);
}

template <auto field>
std::string switches(const Source& source) {
  const bool unknown = source.sums && source.sums->service && !knows_switches(source.group, *source.sums->service);
  return unknown ? "" : summed<field>(source);
}

// Likewise, of what only services have.
template <auto field>
std::string service_median(const Source& source) {
  return source.sums ? number((*source.sums->service.*field).median) : "";
}

template <auto field>
std::string service_number(const Source& source) {
  return source.sums ? number(*source.sums->service.*field) : "";
}

template <auto field>
std::string service_percent(const Source& source) {
  return source.sums ? number((*source.sums->service.*field).median * 100) : "";
}

std::string server_percent(const Source& source) {
  return source.sums && !knows_costs(source.group, *source.sums->service)
             ? ""
             : service_percent<&ServiceSummary::server_busy>(source);
}

std::string memory_text(const Source& source, double UnitMemory::*field) {
  return source.result.memory ? number((*source.result.memory).*field) : "";
}

// Of a primitive's memory, where that is measured.
template <auto field>
std::string primitive_median(const Source& source) {
  if (!source.sums || !source.group.primitive->measures_memory) return "";
  return number((*source.sums->primitive.*field).median);
}

// As on the command line: several times in one cell are joined by colons.
std::string times_text(const std::vector<std::chrono::nanoseconds>& times) {
  std::vector<std::int64_t> numbers;
  for (const std::chrono::nanoseconds time : times) numbers.push_back(time.count());
  return fmt::format("{}", fmt::join(numbers, ":"));
}

std::string value_text(const Parameter& row, const ParameterValue& value) {
  switch (row.kind) {
    case ParameterKind::rate: return number(std::get<double>(value));
    case ParameterKind::share: return number(std::get<double>(value) * 100);
    case ParameterKind::choice: return std::string(row.choices[std::get<std::uint64_t>(value)]);
    case ParameterKind::pair: {
      const auto& pair = std::get<CountPair>(value);
      return fmt::format("{}:{}", pair.first, pair.second);
    }
    case ParameterKind::durations: return times_text(std::get<std::vector<std::chrono::nanoseconds>>(value));
    case ParameterKind::count:
    case ParameterKind::size:
    case ParameterKind::duration: break;
  }
  return number(std::get<std::uint64_t>(value));
}

std::string units_text(const Source& source) {
  const std::uint32_t units = std::max(source.group.batch.tasks, source.cell.row ? source.cell.row->units : 0);
  return units == 0 ? "" : number(units);
}

// Of a model whose units have stacks that can be told.
std::string stack_text(const Source& source) {
  return source.cell.model->unit == UnitKind::fiber ? number(source.cell.stack_bytes) : "";
}

std::string offered_rate(const Source& source) {
  if (!source.sums || source.sums->service->offered_rate.median <= 0) return "";
  return number(source.sums->service->offered_rate.median);
}

// A member of the knee's rate over the rounds; empty where none was searched.
template <auto field>
std::string knee_rate(const Source& source) {
  return source.sums && source.sums->service->knee_rate ? number((*source.sums->service->knee_rate).*field) : "";
}

// The lowest rate that breaks the promise; empty where none is known.
std::string above_knee(const Source& source) {
  const bool known = source.sums && source.sums->service->knee && source.sums->service->knee->above_rate > 0;
  return known ? number(source.sums->service->knee->above_rate) : "";
}

std::string error_text(const Source& source) {
  if (source.cell.skipped) return "skipped: " + *source.cell.skipped;
  return source.result.failure.value_or("");
}

const std::vector<Column> columns{
    {"name", Of::all, [](const Source& s) { return s.cell.name; }},
    {"workload", Of::all, [](const Source& s) { return std::string(s.group.name()); }},
    {"model", Of::all, [](const Source& s) { return std::string(s.cell.model->name); }},
    {"via", Of::primitives, [](const Source& s) { return s.cell.row ? std::string(s.cell.row->via) : ""; }},
    {"units", Of::primitives, units_text},
    {"", Of::jobs, nullptr},
    {"", Of::primitives, nullptr},
    {"connections", Of::services, [](const Source& s) { return number(s.group.load.connections); }},
    {"active", Of::services, [](const Source& s) { return number(s.group.load.active); }},
    {"", Of::services, nullptr},
    {"pipeline", Of::services, [](const Source& s) { return number(s.group.load.pipeline); }},
    {"service_cpu_ns", Of::services, [](const Source& s) { return number(s.group.load.service_cpu.count()); }},
    {"service_wait_ns", Of::services, [](const Source& s) { return number(s.group.load.parameters.wait.count()); }},
    {"heavy_percent", Of::services, [](const Source& s) { return number(s.group.load.parameters.heavy_share * 100); }},
    {"offered_rate_per_second", Of::services, offered_rate},
    {"cpus", Of::all, [](const Source& s) { return number(s.cell.row ? s.cell.row->cpus : s.group.cpus); }},
    {"workers", Of::no_primitives, [](const Source& s) { return s.cell.shows_workers ? number(s.cell.workers) : ""; }},
    {"stack_bytes", Of::no_primitives, stack_text},
    {"samples", Of::all, [](const Source& s) { return s.sums ? number(s.sums->wall_ns.samples) : ""; }},
    {"wall_ns", Of::all, summed<&CellSummary::wall_ns>},
    {"wall_low_ns", Of::all, [](const Source& s) { return s.sums ? number(s.sums->wall_ns.low) : ""; }},
    {"wall_high_ns", Of::all, [](const Source& s) { return s.sums ? number(s.sums->wall_ns.high) : ""; }},
    {"rate_per_second", Of::services, service_median<&ServiceSummary::rate>},
    {"rate_low_per_second", Of::services,
     [](const Source& s) { return s.sums ? number(s.sums->service->rate.low) : ""; }},
    {"rate_high_per_second", Of::services,
     [](const Source& s) { return s.sums ? number(s.sums->service->rate.high) : ""; }},
    {"over_ideal", Of::no_primitives, [](const Source& s) { return s.sums ? number(s.sums->over_ideal) : ""; }},
    {"speedup_over_serial", Of::jobs, [](const Source& s) { return s.sums ? number(s.sums->speedup) : ""; }},
    {"cpu_ns", Of::all, cost<&CellSummary::cpu_ns>},
    {"voluntary_switches", Of::all, switches<&CellSummary::voluntary_switches>},
    {"involuntary_switches", Of::all, switches<&CellSummary::involuntary_switches>},
    {"latency_p50_ns", Of::no_primitives, latency<Shown::p50>},
    {"latency_p90_ns", Of::no_primitives, latency<Shown::p90>},
    {"latency_p99_ns", Of::no_primitives, latency<Shown::p99>},
    {"latency_p99_9_ns", Of::no_primitives, latency<Shown::p99_9>},
    {"peak_memory_bytes", Of::jobs, [](const Source& s) { return s.sums ? number(s.result.peak_memory_bytes) : ""; }},
    {"user_bytes_per_connection", Of::services,
     [](const Source& s) { return memory_text(s, &UnitMemory::user_bytes); }},
    {"kernel_bytes_per_connection", Of::services,
     [](const Source& s) { return memory_text(s, &UnitMemory::kernel_bytes); }},
    {"user_bytes_per_unit", Of::primitives, primitive_median<&PrimitiveSummary::user_bytes>},
    {"kernel_bytes_per_unit", Of::primitives, primitive_median<&PrimitiveSummary::kernel_bytes>},
    {"units_peak", Of::no_primitives, summed<&CellSummary::units_peak>},
    {"server_cpu_percent", Of::services, server_percent},
    {"generator_cpu_percent", Of::services, service_percent<&ServiceSummary::generator_busy>},
    {"fairness", Of::services, service_median<&ServiceSummary::fairness>},
    {"connections_established", Of::services, service_number<&ServiceSummary::connections_established>},
    {"connections_served", Of::services, service_number<&ServiceSummary::connections_served>},
    {"requests_failed", Of::services, service_number<&ServiceSummary::requests_failed>},
    {"requests_unfinished", Of::services, service_number<&ServiceSummary::requests_unfinished>},
    {"knee_rate_per_second", Of::services, knee_rate<&Estimate::median>},
    {"knee_low_per_second", Of::services, knee_rate<&Estimate::low>},
    {"knee_high_per_second", Of::services, knee_rate<&Estimate::high>},
    {"above_knee_per_second", Of::services, above_knee},
    {"limit", Of::services,
     [](const Source& s) { return s.sums ? std::string(limit_name(s.sums->service->limit)) : ""; }},
    {"invalid_samples", Of::all, [](const Source& s) { return s.sums ? number(s.sums->runs.invalid) : ""; }},
    {"invalid_reason", Of::all, [](const Source& s) { return s.sums ? s.sums->runs.why_invalid : ""; }},
    {"error", Of::all, error_text},
};

bool fits(const Column& column, const Group& group) {
  return (static_cast<unsigned>(column.of) & set_of(group.kind())) != 0;
}

bool has_column(const Parameter& row, const Group& group) { return row.name != report_kind(group).counted; }

// The parameter of that key, wherever a workload has one.
std::string parameter_text(const std::string& key, const Source& source) {
  for (const auto& [row, value] : source.group.parameters.all()) {
    if (key_of(*row) == key && has_column(*row, source.group)) return value_text(*row, value);
  }
  return {};
}

// Adds those of the groups' parameters that have no column yet.
void add_parameters(const Plan& plan, const Column& place, std::vector<Column>& shown) {
  for (const Group& group : plan.groups) {
    if (!fits(place, group)) continue;
    for (const auto& [row, value] : group.parameters.all()) {
      const std::string key = key_of(*row);
      if (!has_column(*row, group) || std::ranges::find(shown, key, &Column::name) != shown.end()) continue;
      shown.push_back({key, Of::all, [key](const Source& source) { return parameter_text(key, source); }});
    }
  }
}

std::vector<Column> columns_for(const Plan& plan) {
  std::vector<Column> shown;
  for (const Column& column : columns) {
    if (!column.text) {
      add_parameters(plan, column, shown);
    } else if (std::ranges::any_of(plan.groups, [&](const Group& group) { return fits(column, group); })) {
      shown.push_back(column);
    }
  }
  return shown;
}

}  // namespace

std::string report_csv(const Plan& plan, const Results& results) {
  const std::vector<Column> shown = columns_for(plan);
  Table table;
  for (const Column& column : shown) table.header.push_back(column.name);
  for (const GroupSummary& summary : summarize(plan, results)) {
    const Group& group = plan.groups[summary.group];
    for (const std::size_t index : group.cells) {
      const auto found = std::ranges::find(summary.cells, index, &CellSummary::cell);
      const Source source{.plan = plan,
                          .cell = plan.cells[index],
                          .group = group,
                          .result = results.cells[index],
                          .sums = found == summary.cells.end() ? nullptr : &*found};
      std::vector<std::string>& row = table.rows.emplace_back();
      for (const Column& column : shown) row.push_back(fits(column, group) ? column.text(source) : "");
    }
  }
  return render_csv(table);
}

}  // namespace bench
