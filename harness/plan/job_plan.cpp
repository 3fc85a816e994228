// The plan's part for jobs: a group for each choice of CPUs and parameters, a cell for each model.
#include <fmt/format.h>

#include <algorithm>

#include "harness/options/workload_parameters.h"
#include "harness/plan/plan_kind.h"
#include "harness/text/parameters.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"

namespace bench {
namespace {

std::string title_of(const Group& group) {
  return fmt::format("{}{} · {} CPU{}", group.job->name, parameters_in_title(group.parameters), group.cpus,
                     group.cpus == 1 ? "" : "s");
}

std::vector<Group> groups_of(const Options& options, const CpuSplit& /*cpus*/) {
  std::vector<Group> groups;
  for (const Job* job : options.jobs) {
    for (const std::uint32_t cpus : given_or(options.cpus, available_cpus())) {
      for (const Parameters& parameters : combinations(parameters_of(*job), options.parameters)) {
        Group& group = groups.emplace_back();
        group.job = job;
        group.parameters = parameters;
        group.batch = batch_of(*job, parameters);
        group.cpus = cpus;
        group.title = title_of(group);
      }
    }
  }
  return groups;
}

std::string name_of(const Cell& cell, const Group& group, const Options& options) {
  return fmt::format("{}/{}{}{}{}", group.job->name, cell.model->name, parameters_in_name(group.parameters),
                     model_parameters_text(cell), options.cpus.empty() ? "" : fmt::format("/cpus:{}", group.cpus));
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
  const std::uint32_t in_flight = group.batch.one_at_a_time ? 1 : resolve(model.in_flight, tasks, workers);
  const std::uint32_t computing = is_pool(model) ? workers : in_flight;
  const double cpus = std::min<double>(group.usable_cpus(), model.parallel ? computing : 1);
  const double overlap = in_flight;
  const double units = model.units == HowMany::tasks ? tasks * unit_cost_ns(model.unit) : 0;
  const double in_turn_ns = group.job->in_turn ? static_cast<double>(group.job->in_turn(group.batch).count()) : 0;
  return std::max({demand.compute_ns / cpus, demand.wait_ns / overlap, demand.longest_ns, in_turn_ns}) + units;
}

std::int64_t expected_ns(const Cell& cell, const Group& group, const Options& /*options*/) {
  constexpr double shortest_ns = 120e6;  // a run lasts 100 ms, and has a warm-up and a process of its own
  const double batch_ns = expected_batch_ns(group, *cell.model, cell.workers);
  const double plain_loop_ns = group.job->estimate_ns ? 40e6 + group.job->estimate_ns(group.batch) : 0;
  constexpr double longest_ns = 1e15;  // 11 days: nobody waits for that, and sums of many stay far from overflow
  return static_cast<std::int64_t>(std::min(std::max(batch_ns * 1.05, shortest_ns) + plain_loop_ns + 10e6, longest_ns));
}

// A job whose tasks wait for each other could only hang where too few of them are under way.
std::optional<std::string> why_too_few(const Cell& cell, const Group& group) {
  if (!group.job->least_in_flight) return std::nullopt;
  const std::uint32_t least = group.job->least_in_flight(group.batch);
  const std::uint32_t most = resolve(cell.model->in_flight, group.batch.tasks, cell.workers);
  if (least <= most) return std::nullopt;
  return fmt::format("needs {} tasks under way at once, since they wait for each other, but {} has {} at the most{}",
                     format_count(least), cell.model->name, format_count(most),
                     cell.shows_workers ? "; give more --workers" : "");
}

// Where nobody hands out tasks, nobody can wait for each.
std::optional<std::string> why_not_in_turn(const Cell& cell, const Group& group) {
  if (!group.batch.one_at_a_time || cell.model->hands_out) return std::nullopt;
  return fmt::format("--submit=sync is for models that hand tasks to other units: {} runs them where it starts them",
                     cell.model->name);
}

std::uint32_t most_in_flight(const Cell& cell, const Group& group) {
  return group.batch.one_at_a_time ? 1 : resolve(cell.model->in_flight, group.batch.tasks, cell.workers);
}

std::optional<std::string> why_no_descriptors(const Cell& cell, const Group& group, const Machine& machine) {
  constexpr std::uint64_t fewest_descriptors = 10;  // the launcher, a run, and what looks at the machine
  if (group.job->descriptors_per_task == 0) return why_too_many_descriptors(cell, fewest_descriptors, machine);
  constexpr std::uint64_t other_descriptors = 32;
  const std::uint64_t tasks = tasks_in_one_process(cell, most_in_flight(cell, group));
  return why_too_many_descriptors(cell, tasks * group.job->descriptors_per_task + other_descriptors, machine);
}

std::optional<std::string> why_skipped(const Cell& cell, const Group& group, const Machine& machine) {
  if (auto why = why_unavailable(cell)) return why;
  if (auto why = why_not_in_turn(cell, group)) return why;
  if (auto why = why_too_few(cell, group)) return why;
  const std::uint32_t tasks = group.batch.tasks;
  if (auto why = machine.why_too_many(cell.model->unit, resolve(cell.model->units, tasks, cell.workers), tasks)) {
    return why;
  }
  if (auto why = why_no_descriptors(cell, group, machine)) return why;
  return why_no_pool(cell, machine);
}

std::string note_of(const Cell& cell, const Group& /*group*/) { return model_note(cell); }

// The memory run.
std::int64_t once_ns(const Cell& cell, const Group& /*group*/, const ServiceOptions& /*options*/) {
  return cell.expected_ns;
}

}  // namespace

const PlanKind job_plan{.groups = groups_of,
                        .cells = cells_of_models,
                        .name = name_of,
                        .label = model_label,
                        .expected_ns = expected_ns,
                        .patience_ns = 30'000'000'000,
                        .patience = 5,
                        .why_skipped = why_skipped,
                        .note = note_of,
                        .once_ns = once_ns};

}  // namespace bench
