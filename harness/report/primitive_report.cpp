// How primitives are reported: operations of each kind of unit, which do different things, so that none is best.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/report/report_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr std::string_view memory = "memory of a unit that waits";
constexpr auto columns = std::to_array<ReportColumn>({{"model"},
                                                      {"via"},
                                                      {"units", 4},
                                                      {"CPUs", 0, "over which the units are spread"},
                                                      {"time", 0, "one operation, median of the rounds"},
                                                      {"95%", 1, "interval of that median"},
                                                      {"CPU", 2, "user and system of all units per operation"},
                                                      {"switches", 3, "of all units per operation, waiting+preempted"},
                                                      {"user/unit", 0, memory},
                                                      {"kernel/unit", 0, memory}});
constexpr std::size_t memory_columns = 2;  // the last, of what measures memory

constexpr auto figures = std::to_array<PivotFigure>({
    {"time of an operation", [](const CellSummary& row) { return format_duration(row.wall_ns.median); }},
});

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
      interval_text(row.wall_ns, format_duration),
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

std::span<const ReportColumn> columns_of(const Group& group) {
  return std::span(columns).first(columns.size() - (group.primitive->measures_memory ? 0 : memory_columns));
}

std::span<const PivotFigure> figures_of(const Group& /*group*/) { return figures; }

}  // namespace

const ReportKind primitive_report{.columns = columns_of,
                                  .row = row_of,
                                  .figures = figures_of,
                                  .ideal = no_ideal,
                                  .lines = no_lines,
                                  .paragraph = no_paragraph,
                                  .has_ranking = false,
                                  .counted = "tasks",
                                  .rows = &primitive_row_parts};

}  // namespace bench
