#include "harness/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "harness/plan/plan_kind.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"

namespace bench {
namespace {

constexpr std::array<const PlanKind*, kind_count> kinds{&job_plan, &service_plan, &primitive_plan};

// What the parts of a suite share about services: as the first that has some says.
const ServiceOptions& shared_services(const Options& options) {
  if (!options.services.empty()) return options.service;
  for (const Options& part : options.further_parts) {
    if (!part.services.empty()) return part.service;
  }
  return options.service;
}

// The groups of the chosen workloads and their cells.
void add_part(Plan& plan, const Options& options, const Machine& machine) {
  for (const PlanKind* kind : kinds) {
    for (Group& group : kind->groups(options, plan.cpu_split)) {
      hold_to_quota(group, plan.cpu_quota);
      for (Cell& cell : kind->cells(group, options)) {
        cell.group = plan.groups.size();
        cell.name = kind->name(cell, group, options);
        // What an earlier part of a suite measures under the same name is not measured again.
        if (std::ranges::find(plan.cells, cell.name, &Cell::name) != plan.cells.end()) continue;
        cell.label = kind->label(cell, options);
        cell.expected_ns = kind->expected_ns(cell, group, options);
        const std::int64_t wait_ns = group.service ? longest_wait_ns(options.service.client) : 0;
        cell.time_limit_ns =
            options.time_limit_ns.value_or(kind->patience_ns + kind->patience * cell.expected_ns + wait_ns);
        cell.skipped = kind->why_skipped(cell, group, machine);
        if (!cell.skipped) cell.note = kind->note(cell, group);
        group.cells.push_back(plan.cells.size());
        plan.cells.push_back(std::move(cell));
      }
      if (!group.cells.empty()) plan.groups.push_back(std::move(group));
    }
  }
}

}  // namespace

Plan make_plan(const Options& options, const Machine& machine) {
  Plan plan;
  plan.seed = options.seed ? *options.seed : std::random_device{}();
  plan.injected_slowdown = options.injected_slowdown;
  plan.measure_memory = std::getenv("BENCH_NO_MEMORY") == nullptr;
  plan.max_time_ns = options.max_time_ns;
  plan.cpu_quota = machine.cpu_quota;
  if (options.repetitions) plan.min_rounds = plan.max_rounds = *options.repetitions;
  plan.services = shared_services(options);
  plan.cpu_split = options.over.mpi ? cpus_of_machines(available_cpu_numbers(), plan.services)
                                    : split_cpus(available_cpu_numbers(), plan.services);
  add_part(plan, options, machine);
  for (const Options& part : options.further_parts) add_part(plan, part, machine);
  number_workloads(plan);
  return plan;
}

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, kind_count> names{"job", "service", "primitive"};
  return names[static_cast<std::size_t>(kind)];
}

void hold_to_quota(Group& group, const std::optional<CpuQuota>& quota) {
  if (!quota) return;
  group.quota_cpus = quota->cpus;
  group.title += quota_in_title(quota);
}

void number_workloads(Plan& plan) {
  std::vector<std::string_view> names;
  for (Group& group : plan.groups) {
    const auto known = std::ranges::find(names, group.name());
    group.workload = static_cast<std::size_t>(known - names.begin());
    if (known == names.end()) names.push_back(group.name());
  }
}

std::vector<std::string_view> workload_names(const Plan& plan) {
  std::vector<std::string_view> names;
  for (const Group& group : plan.groups) {
    if (group.workload == names.size()) names.push_back(group.name());
  }
  return names;
}

std::int64_t expected_round_ns(const Plan& plan) {
  std::int64_t total_ns = 0;
  for (const Cell& cell : plan.cells) {
    if (!cell.skipped) total_ns += cell.expected_ns;
  }
  return total_ns;
}

std::int64_t expected_once_ns(const Plan& plan) {
  std::int64_t total_ns = 0;
  for (const Cell& cell : plan.cells) {
    if (cell.skipped) continue;
    const Group& group = plan.group_of(cell);
    total_ns += of_kind(group, kinds).once_ns(cell, group, plan.services);
  }
  return total_ns;
}

std::string model_parameters_text(const Cell& cell) {
  std::string text;
  if (cell.shows_workers) text += fmt::format("/workers:{}", cell.workers);
  if (cell.stack_bytes != default_stack_bytes) text += fmt::format("/stack:{}", cell.stack_bytes);
  return text;
}

std::vector<Cell> cells_of_models(const Group& group, const Options& options) {
  std::vector<Cell> cells;
  for (const Model* model : options.models) {
    const bool pool = takes_workers(*model);
    const std::vector<std::uint32_t> workers = pool ? given_or(options.workers, group.cpus) : std::vector{group.cpus};
    const std::vector<std::uint64_t> stacks = model->unit == UnitKind::fiber
                                                  ? given_or(options.stack_bytes, default_stack_bytes)
                                                  : std::vector{default_stack_bytes};
    for (const std::uint32_t count : workers) {
      for (const std::uint64_t stack_bytes : stacks) {
        Cell& cell = cells.emplace_back();
        cell.model = model;
        cell.workers = count;
        cell.shows_workers = pool;
        cell.stack_bytes = stack_bytes;
      }
    }
  }
  return cells;
}

std::string model_label(const Cell& cell, const Options& options) {
  if (is_pool(*cell.model) && cell.shows_workers) return fmt::format("{} ({})", cell.model->name, cell.workers);
  if (cell.model->unit == UnitKind::fiber && options.stack_bytes.size() > 1) {
    return fmt::format("{} ({})", cell.model->name, format_bytes(static_cast<double>(cell.stack_bytes)));
  }
  return std::string(cell.model->name);
}

std::optional<std::string> why_unavailable(const Cell& cell) {
  const std::string why = cell.model->why_unavailable ? cell.model->why_unavailable() : "";
  if (why.empty()) return std::nullopt;
  return "not available here: " + why;
}

std::uint32_t tasks_in_one_process(const Cell& cell, std::uint32_t tasks) {
  const std::uint32_t processes = cell.model->outer && cell.model->outer->unit == UnitKind::process ? cell.workers : 1;
  return processes == 1 ? tasks : tasks / processes + tasks / processes / 10;
}

std::optional<std::string> why_too_many_descriptors(const Cell& cell, std::uint64_t needed, const Machine& machine) {
  constexpr std::uint64_t of_any_run = 32;  // whatever the model holds, the launcher and the load have some
  if (cell.model->unit == UnitKind::process) needed = std::min(needed, of_any_run);
  if (needed <= machine.descriptor_limit) return std::nullopt;
  return fmt::format("needs {} descriptors in one process, but ulimit -n = {}; lift it with: ulimit -Hn {} (as root)",
                     needed, machine.descriptor_limit, needed);
}

std::optional<std::string> why_no_pool(const Cell& cell, const Machine& machine) {
  // A pool of processes watches each worker through a descriptor.
  constexpr std::uint32_t other_descriptors = 32;
  const bool watched = cell.model->unit == UnitKind::process && cell.model->units == HowMany::workers;
  const std::uint32_t needed = cell.workers + other_descriptors;
  if (watched && needed > machine.descriptor_limit) {
    return fmt::format(
        "needs {0} descriptors, but ulimit -n = {1}; lift it with: ulimit -n {0} (as root: ulimit -Hn too)", needed,
        machine.descriptor_limit);
  }
  return std::nullopt;
}

std::string model_note(const Cell& cell) { return cell.model->note ? cell.model->note() : ""; }

}  // namespace bench
