#include "tests/support/test_runs.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <stdexcept>

#include "measure/affinity.h"
#include "measure/usage.h"
#include "models/hybrid.h"
#include "models/references/references.h"
#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

Plan plan_of(const std::vector<TestCell>& cells) {
  Plan plan;
  for (std::size_t index = 0; index < cells.size(); ++index) {
    const TestCell& given = cells[index];
    Group& group = plan.groups.emplace_back();
    group.job = given.job;
    group.batch = given.parameters;
    group.cpus = available_cpus();
    group.cells = {index};
    Cell cell;
    cell.group = index;
    cell.model = given.model;
    cell.workers = given.workers;
    plan.cells.push_back(std::move(cell));
  }
  return plan;
}

pid_t only_child() {
  const std::vector<pid_t> children = living_descendants(getpid());
  if (children.size() != 1) throw std::logic_error("a test's launcher must be its only child");
  return children.front();
}

}  // namespace

TestRuns::TestRuns(const std::vector<TestCell>& cells)
    : plan_(plan_of(cells)), launcher_(plan_), process_(only_child()) {}

Ended TestRuns::run(RunKind kind, std::uint32_t cell, std::chrono::nanoseconds time_limit) {
  const RunRequest request{.kind = kind, .cell = cell, .time_limit_ns = time_limit.count()};
  Ended ended;
  ended.outcome = launcher_.run(request, [] { return Wish::all; });
  ended.reason = failure_reason(ended.outcome, report(), request);
  return ended;
}

Batch batch_told(const Job& job, const GivenParameters& given) {
  return batch_of(job, single_values(parameters_of(job), given));
}

std::size_t count_entries(pid_t pid, const std::string& folder) {
  const std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid) + "/" + folder);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

bool group_is_gone(pid_t group) {
  if (group <= 0) throw std::logic_error("a run had no process group");  // 0 would ask after the test's own
  return kill(-group, 0) != 0 && errno == ESRCH;
}

std::string test_name(std::string_view name) {
  std::string text(name);
  std::ranges::replace_if(
      text, [](char letter) { return letter == '-' || letter == '+'; }, '_');
  return text;
}

std::vector<const Model*> every(RowList<Model> table) {
  std::vector<const Model*> rows;
  for (const Model& row : table) {
    if (!row.why_unavailable || row.why_unavailable().empty()) rows.push_back(&row);
  }
  return rows;
}

std::vector<const Job*> independent_jobs() {
  std::vector<const Job*> jobs = every(all_jobs());
  std::erase_if(jobs, [](const Job* job) { return job->state_bytes != nullptr; });
  return jobs;
}

std::vector<const Model*> every_model_and_some_hybrids() {
  static const std::vector<const Model*> hybrids{
      &hybrid_of(model_named("processes"), model_named("epoll")),
      &hybrid_of(model_named("threads"), model_named("coroutines")),
      &hybrid_of(model_named("processes"), model_named("threads")),
      &hybrid_of(model_named("processes"), hybrid_of(model_named("threads"), model_named("coroutines")))};
  std::vector<const Model*> rows = every(all_models());
  for (const Model& reference : all_references()) rows.push_back(&reference);
  rows.insert(rows.end(), hybrids.begin(), hybrids.end());
  return rows;
}

std::vector<const Model*> serving_models() {
  std::vector<const Model*> models = every_model_and_some_hybrids();
  std::erase_if(models, [](const Model* model) { return !model->serve; });
  return models;
}

}  // namespace bench
