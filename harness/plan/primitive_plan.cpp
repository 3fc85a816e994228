// The plan's part for primitives: a group for each, a cell for each row of the chosen models.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/options/workload_parameters.h"
#include "harness/plan/plan_kind.h"
#include "harness/text/parameters.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"

namespace bench {
namespace {

std::string title_of(const Group& group) {
  return fmt::format("{} · {}{}", group.primitive->name, group.primitive->operation,
                     parameters_in_title(group.parameters));
}

std::string name_of(const Cell& cell, const Group& group, const Options& /*options*/) {
  const PrimitiveRow* row = cell.row;
  std::string name = fmt::format("{}/{}", group.primitive->name, cell.model->name);
  if (row) name += fmt::format("/via:{}", row->via);
  name += parameters_in_name(group.parameters);
  if (row && row->units != 0) name += fmt::format("/units:{}", row->units);
  if (row) name += model_parameters_text(cell) + fmt::format("/cpus:{}", row->cpus);
  return name;
}

std::string label_of(const Cell& cell, const Options& /*options*/) {
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
  if (auto why = why_unavailable(cell)) return why;
  if (cell.row->cpus > available_cpus()) {
    return fmt::format("needs {} CPUs, but this process may run on {} only; see `taskset -p $$`", cell.row->cpus,
                       available_cpus());
  }
  const std::uint32_t units = std::max(group.batch.tasks, cell.row->units);
  return machine.why_too_many(cell.model->unit, units, units);
}

// Those of a fiber that were given, or the default.
std::vector<std::uint64_t> stack_sizes(const Model& model, const Options& options) {
  if (model.unit != UnitKind::fiber) return {default_stack_bytes};
  return given_or(options.stack_bytes, default_stack_bytes);
}

std::vector<Group> groups_of(const Options& options, const CpuSplit& /*cpus*/) {
  std::vector<Group> groups;
  for (const Primitive* primitive : options.primitives) {
    for (const Parameters& parameters : combinations(parameters_of(*primitive), options.parameters)) {
      Group& group = groups.emplace_back();
      group.primitive = primitive;
      group.parameters = parameters;
      group.batch.tasks = static_cast<std::uint32_t>(parameters.number("tasks"));
      group.cpus = available_cpus();
      group.title = title_of(group);
    }
  }
  return groups;
}

// A cell for each row of a model; where models were named, one that says so for those that have none.
std::vector<Cell> cells_of(const Group& group, const Options& options) {
  std::vector<Cell> cells;
  const auto add = [&](const Model& model, const PrimitiveRow* row, std::uint64_t stack_bytes) {
    Cell& cell = cells.emplace_back();
    cell.model = &model;
    cell.row = row;
    cell.stack_bytes = stack_bytes;
  };
  for (const Model* model : options.models) {
    for (const PrimitiveRow& row : group.primitive->rows) {
      if (row.model != model->name) continue;
      for (const std::uint64_t stack_bytes : stack_sizes(*model, options)) add(*model, &row, stack_bytes);
    }
    const bool none = !has_row(*group.primitive, model->name);
    if (none && !options.all_models) add(*model, nullptr, default_stack_bytes);
  }
  return cells;
}

// Google Benchmark's repetitions with fewer operations take about as long as the one that counts.
std::int64_t expected_ns(const Cell& /*cell*/, const Group& group, const Options& /*options*/) {
  constexpr std::int64_t usual_run_ns = 250'000'000;
  constexpr std::int64_t waiting_unit_ns = 400'000;
  return usual_run_ns + group.batch.tasks * waiting_unit_ns;
}

std::string no_note(const Cell& /*cell*/, const Group& /*group*/) { return {}; }

// Memory is measured in the rounds.
std::int64_t nothing_once(const Cell& /*cell*/, const Group& /*group*/, const ServiceOptions& /*options*/) { return 0; }

}  // namespace

const PlanKind primitive_plan{.groups = groups_of,
                              .cells = cells_of,
                              .name = name_of,
                              .label = label_of,
                              .expected_ns = expected_ns,
                              .patience_ns = 30'000'000'000,
                              .patience = 5,
                              .why_skipped = why_skipped,
                              .note = no_note,
                              .once_ns = nothing_once};

}  // namespace bench
