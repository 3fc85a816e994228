// How primitives are reported: operations of each kind of unit, which do different things, so that none is best.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/report/report_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

const std::vector<std::string> columns{"model", "via", "units", "CPUs", "time", "95%", "CPU", "switches"};
const std::vector<std::string> memory_columns{"model", "via", "units",    "CPUs",      "time",
                                              "95%",   "CPU", "switches", "user/unit", "kernel/unit"};

std::string model_of_primitive(const Cell& cell) {
  if (cell.stack_bytes == default_stack_bytes) return std::string(cell.model->name);
  return fmt::format("{} ({})", cell.model->name, format_bytes(static_cast<double>(cell.stack_bytes)));
}

std::vector<std::string> row_of(const CellSummary& row, const Cell& cell, const Group& group,
                                const CellResult& /*result*/) {
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

const std::vector<std::string>& header_of(const Group& group) {
  return group.primitive->measures_memory ? memory_columns : columns;
}

constexpr std::string_view legend =
    "time: one operation, median of the rounds; 95%: interval of that median; CPUs: over which the units are spread; "
    "CPU:\n"
    "user and system of all units per operation; switches: likewise, waiting+preempted; user/unit, kernel/unit: memory "
    "of a\n"
    "unit that waits.\n";

}  // namespace

const ReportKind primitive_report{.header = header_of,
                                  .row = row_of,
                                  .ideal = no_ideal,
                                  .lines = no_lines,
                                  .paragraph = no_paragraph,
                                  .legend = legend,
                                  .has_ranking = false,
                                  .counted = "tasks",
                                  .rows = &primitive_row_parts};

}  // namespace bench
