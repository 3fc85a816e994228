// What the harness adds to each task, in nanoseconds: to be far below what any workload's task takes.
//
//   build/release/tests/task_cost_benchmark [--benchmark_filter=serial]
//
// empty_task/MODEL runs batches of empty tasks under a model as a run does and takes the wall time from the run's own
// report; `ns` is the mean per task, `least_ns` that of the least disturbed run. The models that fork or start a thread
// for each task have fewer tasks and show the cost of those. The rest is what a task is made of: a script's creation, a
// checkpoint that is passed or taken, a lock that nobody else wants, a reading of the clock.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include "models/model.h"
#include "workloads/sync.h"

namespace {

using bench::Batch;
using bench::checkpoint;
using bench::Script;
using bench::Task;

Script empty_task(const Task& task) {
  task.outcome = task.index;
  co_return;
}

std::optional<std::string> accept(const Batch&, std::span<const std::uint64_t>) { return std::nullopt; }

constexpr bench::Job empty_tasks{
    .name = "empty",
    .summary = "",
    .parameters = {},
    .task = empty_task,
    .check = accept,
};

void run_empty_tasks(benchmark::State& state, const bench::Model& model, std::uint32_t tasks) {
  const bench::SharedArray<bench::RunReport> report(1);
  std::int64_t tasks_done = 0;
  double total_ns = 0;
  double least_ns = std::numeric_limits<double>::infinity();
  for ([[maybe_unused]] auto iteration : state) {
    report[0].clear();
    // A batch to warm up, and ten to measure.
    bench::JobRun job(empty_tasks, {.tasks = tasks, .work = 0, .waits = {}}, 2,
                      {.minimum_ns = 3'600'000'000'000, .max_batches = 11}, report[0]);
    model.run(job);
    const auto run_ns = static_cast<double>(report[0].job.wall_ns);
    state.SetIterationTime(run_ns / 1e9);
    total_ns += run_ns;
    const std::int64_t run_tasks = std::int64_t{tasks} * report[0].job.batches;
    tasks_done += run_tasks;
    least_ns = std::min(least_ns, run_ns / static_cast<double>(run_tasks));
  }
  state.counters["ns"] = total_ns / static_cast<double>(tasks_done);
  state.counters["least_ns"] = least_ns;
}

Script yields_checkpoints() {
  while (true) {
    co_yield checkpoint();
  }
}

// Passes a checkpoint at each iteration of the benchmark, without ever returning to its caller.
Script passes_checkpoints(benchmark::State& state) {
  for ([[maybe_unused]] auto iteration : state) co_yield checkpoint();
}

// Takes a lock that nobody else wants, lets it go and passes a checkpoint, at each iteration.
Script takes_a_lock(benchmark::State& state, bench::Mutex& mutex) {
  for ([[maybe_unused]] auto iteration : state) {
    const bool held = co_yield lock(mutex);
    if (held) mutex.unlock();
    co_yield checkpoint();
  }
}

void read_the_clock(benchmark::State& state) {
  for ([[maybe_unused]] auto iteration : state) benchmark::DoNotOptimize(bench::now_ns());
}

void create_and_run_a_script(benchmark::State& state) {
  const Batch batch;
  std::uint64_t outcome = 0;
  const Task task{.batch = batch, .index = 0, .outcome = outcome};
  for ([[maybe_unused]] auto iteration : state) {
    Script script = empty_tasks.task(task);
    benchmark::DoNotOptimize(script.advance());
  }
}

void pass_a_checkpoint(benchmark::State& state) {
  Script script = passes_checkpoints(state);
  script.advance();
}

void take_a_lock(benchmark::State& state) {
  bench::Mutex mutex;
  Script script = takes_a_lock(state, mutex);
  script.advance();
}

void suspend_at_a_checkpoint(benchmark::State& state) {
  const std::atomic<bool> always{true};
  Script script = yields_checkpoints();
  script.switch_when(always);
  for ([[maybe_unused]] auto iteration : state) benchmark::DoNotOptimize(script.advance());
}

std::uint32_t tasks_for(const bench::Model& model) {
  const bool by_kernel = model.unit == bench::UnitKind::process || model.unit == bench::UnitKind::thread;
  const bool unit_each = model.units == bench::HowMany::tasks && by_kernel;
  return unit_each ? 300 : 10'000;
}

}  // namespace

int main(int argc, char** argv) {
  for (const bench::Model& model : bench::all_models()) {
    benchmark::RegisterBenchmark(("empty_task/" + std::string(model.name)).c_str(), run_empty_tasks, model,
                                 tasks_for(model))
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("read_the_clock", read_the_clock);
  benchmark::RegisterBenchmark("create_and_run_a_script", create_and_run_a_script);
  benchmark::RegisterBenchmark("pass_a_checkpoint", pass_a_checkpoint);
  benchmark::RegisterBenchmark("take_a_lock", take_a_lock);
  benchmark::RegisterBenchmark("suspend_at_a_checkpoint", suspend_at_a_checkpoint);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
