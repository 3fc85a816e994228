// The plan's part for primitives: a group for each, a cell for each row of the chosen models.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/options/workload_parameters.h"
#include "harness/plan/plan.h"
#include "harness/text/parameters.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"

namespace bench {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// Google Benchmark's repetitions with fewer operations take about as long as the one that counts.
constexpr std::int64_t usual_run_ns = 250'000'000;
constexpr std::int64_t waiting_unit_ns = 400'000;

std::string title_of(const Group& group) {
  return fmt::format("{} · {}{}", group.primitive->name, group.primitive->operation,
                     parameters_in_title(group.parameters));
}

std::string name_of(const Cell& cell, const Group& group) {
  const PrimitiveRow* row = cell.row;
  std::string name = fmt::format("{}/{}", group.primitive->name, cell.model->name);
  if (row) name += fmt::format("/via:{}", row->via);
  name += parameters_in_name(group.parameters);
  if (row && row->units != 0) name += fmt::format("/units:{}", row->units);
  if (row) name += model_parameters_text(cell) + fmt::format("/cpus:{}", row->cpus);
  return name;
}

std::string label_of(const Cell& cell) {
  if (!cell.row) return std::string(cell.model->name);
  const PrimitiveRow& row = *cell.row;
  std::string label = fmt::format("{} · {}", cell.model->name, row.via);
  if (cell.stack_bytes != default_stack_bytes) {
    label += fmt::format(" · {} of stack", format_bytes(static_cast<double>(cell.stack_bytes)));
  }
  if (row.units != 0) label += fmt::format(" · {} unit{}", row.units, row.units == 1 ? "" : "s");
  return label + fmt::format(" · {} CPU{}", row.cpus, row.cpus == 1 ? "" : "s");
}

std::optional<std::string> why_skipped(const Cell& cell, const Group& group, const Machine& machine) {
  if (!cell.row) return why_no_row(*group.primitive);
  if (cell.model->why_unavailable) {
    if (const std::string why = cell.model->why_unavailable(); !why.empty()) return "not available here: " + why;
  }
  if (cell.row->cpus > available_cpus()) {
    return fmt::format("needs {} CPUs, but this process may run on {} only; see `taskset -p $$`", cell.row->cpus,
                       available_cpus());
  }
  const std::uint32_t units = std::max(group.batch.tasks, cell.row->units);
  return machine.why_too_many(cell.model->unit, units, units);
}

void add_cell(Plan& plan, std::size_t index, const Model& model, const PrimitiveRow* row, std::uint64_t stack_bytes,
              const Options& options, const Machine& machine) {
  Group& group = plan.groups[index];
  Cell cell;
  cell.group = index;
  cell.model = &model;
  cell.row = row;
  cell.stack_bytes = stack_bytes;
  cell.name = name_of(cell, group);
  cell.label = label_of(cell);
  cell.expected_ns = usual_run_ns + group.batch.tasks * waiting_unit_ns;
  cell.time_limit_ns = options.time_limit_ns.value_or(30 * second_ns + 5 * cell.expected_ns);
  cell.skipped = why_skipped(cell, group, machine);
  group.cells.push_back(plan.cells.size());
  plan.cells.push_back(std::move(cell));
}

// Those of a fiber that were given, or the default.
std::vector<std::uint64_t> stack_sizes(const Model& model, const Options& options) {
  if (model.unit != UnitKind::fiber || options.stack_bytes.empty()) return {default_stack_bytes};
  return options.stack_bytes;
}

}  // namespace

void add_primitives(Plan& plan, const Options& options, const Machine& machine) {
  for (const Primitive* primitive : options.primitives) {
    for (const Parameters& parameters : combinations(parameters_of(*primitive), options.parameters)) {
      const std::size_t index = plan.groups.size();
      Group& group = plan.groups.emplace_back();
      group.primitive = primitive;
      group.parameters = parameters;
      group.batch.tasks = static_cast<std::uint32_t>(parameters.number("tasks"));
      group.cpus = available_cpus();
      group.title = title_of(group);
      for (const Model* model : options.models) {
        for (const PrimitiveRow& row : primitive->rows) {
          if (row.model != model->name) continue;
          for (const std::uint64_t stack_bytes : stack_sizes(*model, options)) {
            add_cell(plan, index, *model, &row, stack_bytes, options, machine);
          }
        }
        const bool none = !has_row(*primitive, model->name);
        if (none && !options.all_models) add_cell(plan, index, *model, nullptr, default_stack_bytes, options, machine);
      }
      if (plan.groups[index].cells.empty()) plan.groups.pop_back();
    }
  }
}

}  // namespace bench
