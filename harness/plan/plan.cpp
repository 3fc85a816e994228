#include "harness/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <random>

#include "harness/options/workload_parameters.h"
#include "harness/text/parameters.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"

namespace bench {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

std::string group_title(const Group& group) {
  return fmt::format("{}{} · {} CPU{}", group.job->name, parameters_in_title(group.parameters), group.cpus,
                     group.cpus == 1 ? "" : "s");
}

std::string cell_name(const Cell& cell, const Group& group, bool shows_cpus) {
  return fmt::format("{}/{}{}{}{}", group.job->name, cell.model->name, parameters_in_name(group.parameters),
                     model_parameters_text(cell), shows_cpus ? fmt::format("/cpus:{}", group.cpus) : "");
}

// What one batch computes and waits in all, and its longest task.
struct Demand {
  double compute_ns = 0;
  double wait_ns = 0;
  double longest_ns = 0;
};

Demand demand_of(const Group& group) {
  const Batch& batch = group.batch;
  const double task_ns = group.job->estimate_ns ? group.job->estimate_ns(batch) : 0;
  Demand demand{.compute_ns = task_ns * batch.tasks, .wait_ns = 0, .longest_ns = task_ns};
  if (batch.waits.empty()) return demand;
  double round_ns = 0;
  for (const std::chrono::nanoseconds wait : batch.waits) {
    round_ns += static_cast<double>(wait.count());
    demand.longest_ns = std::max(demand.longest_ns, task_ns + static_cast<double>(wait.count()));
  }
  demand.wait_ns = round_ns / static_cast<double>(batch.waits.size()) * batch.tasks;
  return demand;
}

// What starting and ending so many units takes, from what bare programs measure on a small machine.
double unit_cost_ns(UnitKind kind) {
  switch (kind) {
    case UnitKind::process: return 200'000;
    case UnitKind::thread: return 40'000;
    case UnitKind::fiber: return 10'000;  // with a new stack
    case UnitKind::coroutine: break;
  }
  return 200;
}

double expected_batch_ns(const Group& group, const Model& model, std::uint32_t workers) {
  const Demand demand = demand_of(group);
  const std::uint32_t tasks = group.batch.tasks;
  const std::uint32_t computing = is_pool(model) ? workers : resolve(model.in_flight, tasks, workers);
  const double cpus = model.parallel ? std::min(group.cpus, computing) : 1;
  const double overlap = resolve(model.in_flight, tasks, workers);
  const double units = model.units == Count::tasks ? tasks * unit_cost_ns(model.unit) : 0;
  return std::max({demand.compute_ns / cpus, demand.wait_ns / overlap, demand.longest_ns}) + units;
}

void estimate(Cell& cell, const Group& group, const Options& options) {
  if (group.service) {
    cell.expected_ns = expected_service_run_ns(group, options.service);
    cell.time_limit_ns = options.time_limit_ns.value_or(60 * second_ns + 3 * cell.expected_ns);
    return;
  }
  constexpr double shortest_ns = 120e6;  // a run lasts 100 ms, and has a warm-up and a process of its own
  const double batch_ns = expected_batch_ns(group, *cell.model, cell.workers);
  const double plain_loop_ns = group.job->estimate_ns ? 40e6 + group.job->estimate_ns(group.batch) : 0;
  constexpr double longest_ns = 1e15;  // 11 days: nobody waits for that, and sums of many stay far from overflow
  cell.expected_ns =
      static_cast<std::int64_t>(std::min(std::max(batch_ns * 1.05, shortest_ns) + plain_loop_ns + 10e6, longest_ns));
  cell.time_limit_ns = options.time_limit_ns.value_or(30 * second_ns + 5 * cell.expected_ns);
}

// How many of a server's tasks come to lie in one process; in several they are about evenly spread.
std::uint32_t tasks_in_one_process(const Cell& cell, std::uint32_t tasks) {
  const std::uint32_t processes = cell.model->outer && cell.model->outer->unit == UnitKind::process ? cell.workers : 1;
  return processes == 1 ? tasks : tasks / processes + tasks / processes / 10;
}

std::optional<std::string> why_skipped(const Cell& cell, const Group& group, const Machine& machine) {
  if (cell.model->why_unavailable) {
    if (const std::string why = cell.model->why_unavailable(); !why.empty()) return "not available here: " + why;
  }
  if (group.service && !cell.model->serve) return "serves no connections";
  const std::uint32_t tasks = group.service ? group.load.connections : group.batch.tasks;
  if (auto why = machine.why_too_many(cell.model->unit, resolve(cell.model->units, tasks, cell.workers), tasks)) {
    return why;
  }
  // A server holds a descriptor for each of its connections.
  const bool in_one = group.service && cell.model->unit != UnitKind::process;
  constexpr std::uint32_t server_descriptors = 100;
  const std::uint32_t share = tasks_in_one_process(cell, tasks);
  if (in_one && share + server_descriptors > machine.descriptor_limit) {
    return fmt::format("needs {} descriptors in one process, but ulimit -n = {}; lift it with: ulimit -Hn {} (as root)",
                       share + server_descriptors, machine.descriptor_limit, share + server_descriptors);
  }
  // A pool of processes watches each worker through a descriptor.
  constexpr std::uint32_t other_descriptors = 32;
  const bool watched = cell.model->unit == UnitKind::process && cell.model->units == Count::workers;
  if (watched && cell.workers + other_descriptors > machine.descriptor_limit) {
    return fmt::format("needs {} descriptors, but ulimit -n = {}; lift it with: ulimit -n {} (as root: ulimit -Hn too)",
                       cell.workers + other_descriptors, machine.descriptor_limit, 2 * cell.workers);
  }
  return std::nullopt;
}

std::string note_of(const Cell& cell, const Group& group) {
  const Model& model = *cell.model;
  if (model.note) return model.note();
  constexpr std::uint32_t other_descriptors = 10;
  if (group.service && model.max_descriptors != 0 &&
      tasks_in_one_process(cell, group.load.connections) + other_descriptors > model.max_descriptors) {
    return fmt::format("watches {} descriptors at the most, and so not all connections",
                       format_count(model.max_descriptors));
  }
  return {};
}

// The values of one list: those given, or the default.
template <typename T>
std::vector<T> or_default(const std::vector<T>& given, bool taken, T fallback, T none) {
  if (!taken) return {none};
  return given.empty() ? std::vector<T>{fallback} : given;
}

std::vector<Group> make_groups(const Options& options) {
  std::vector<Group> groups;
  for (const Job* job : options.jobs) {
    for (const std::uint32_t cpus : or_default<std::uint32_t>(options.cpus, true, available_cpus(), 0)) {
      for (const Parameters& parameters : combinations(parameters_of(*job), options.parameters)) {
        Group& group = groups.emplace_back();
        group.job = job;
        group.parameters = parameters;
        group.batch = batch_of(*job, parameters);
        group.cpus = cpus;
        group.title = group_title(group);
      }
    }
  }
  return groups;
}

// In its group's table: with what tells it from the other cells of its model.
std::string label_of(const Cell& cell, const Options& options) {
  if (is_pool(*cell.model) && options.workers.size() > 1) return fmt::format("{} ({})", cell.model->name, cell.workers);
  if (cell.model->unit == UnitKind::fiber && options.stack_bytes.size() > 1) {
    return fmt::format("{} ({})", cell.model->name, format_bytes(static_cast<double>(cell.stack_bytes)));
  }
  return std::string(cell.model->name);
}

}  // namespace

std::string model_parameters_text(const Cell& cell) {
  std::string text;
  if (cell.shows_workers) text += fmt::format("/workers:{}", cell.workers);
  if (cell.stack_bytes != default_stack_bytes) text += fmt::format("/stack:{}", cell.stack_bytes);
  return text;
}

namespace {

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
  std::vector<Group> groups = make_groups(options);
  std::ranges::move(make_service_groups(options, plan.cpu_split), std::back_inserter(groups));
  for (Group& group : groups) {
    for (const Model* model : options.models) {
      const bool pool = takes_workers(*model);
      const bool stacks = model->unit == UnitKind::fiber;
      for (const std::uint32_t workers : or_default<std::uint32_t>(options.workers, pool, group.cpus, group.cpus)) {
        for (const std::uint64_t stack_bytes :
             or_default<std::uint64_t>(options.stack_bytes, stacks, default_stack_bytes, default_stack_bytes)) {
          Cell cell;
          cell.group = plan.groups.size();
          cell.model = model;
          cell.workers = workers;
          cell.shows_workers = pool;
          cell.stack_bytes = stack_bytes;
          cell.name = group.service ? service_cell_name(cell, group) : cell_name(cell, group, !options.cpus.empty());
          // What an earlier part of a suite measures under the same name is not measured again.
          if (std::ranges::find(plan.cells, cell.name, &Cell::name) != plan.cells.end()) continue;
          cell.label = label_of(cell, options);
          estimate(cell, group, options);
          cell.skipped = why_skipped(cell, group, machine);
          if (!cell.skipped) cell.note = note_of(cell, group);
          group.cells.push_back(plan.cells.size());
          plan.cells.push_back(std::move(cell));
        }
      }
    }
    if (!group.cells.empty()) plan.groups.push_back(std::move(group));
  }
  add_primitives(plan, options, machine);
}

}  // namespace

Plan make_plan(const Options& options, const Machine& machine) {
  Plan plan;
  plan.seed = options.seed ? *options.seed : std::random_device{}();
  plan.max_time_ns = options.max_time_ns;
  if (options.repetitions) plan.min_rounds = plan.max_rounds = *options.repetitions;
  plan.services = shared_services(options);
  plan.cpu_split = split_cpus(available_cpu_numbers(), plan.services);
  add_part(plan, options, machine);
  for (const Options& part : options.further_parts) add_part(plan, part, machine);
  number_workloads(plan);
  return plan;
}

std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, kind_count> names{"job", "service", "primitive"};
  return names[static_cast<std::size_t>(kind)];
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
    total_ns += group.service ? expected_service_once_ns(cell, group, plan.services) : cell.expected_ns;
  }
  return total_ns;
}

}  // namespace bench
