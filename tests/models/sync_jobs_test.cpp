// Jobs whose tasks wait for each other, under every model: what is counted, handed over and fetched is right, whoever
// wakes whom across threads, processes and loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"
#include "workloads/sync.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

// A job and what it is told beside the defaults.
struct Told {
  std::string_view name;
  std::string_view job;
  std::vector<std::pair<std::string_view, ParameterValue>> parameters;
  std::chrono::nanoseconds wait{0};
  std::uint32_t tasks = 0;
};

const std::vector<Told>& every_way() {
  static const std::vector<Told> ways{
      {"counter_unlocked", "counter", {{"locked", std::uint64_t{0}}}, 20ms, 100},
      {"counter_locked", "counter", {{"locked", std::uint64_t{1}}}, 100us, 100},
      {"counter_wide", "counter", {{"locked", std::uint64_t{2}}}, 100us, 30},
      {"gate", "gate", {}, 1ms, 21},
      {"queue_fifo", "producer-consumer", {}, 0ns, 4},
      {"queue_of_one",
       "producer-consumer",
       {{"capacity", std::uint64_t{1}}, {"producers", std::uint64_t{5}}, {"consumers", std::uint64_t{3}}},
       0ns,
       8},
      {"queue_lifo", "producer-consumer", {{"order", std::uint64_t{1}}}, 0ns, 4},
      {"queue_priority", "producer-consumer", {{"order", std::uint64_t{2}}, {"consumers", std::uint64_t{7}}}, 0ns, 9},
      {"crawl_worker", "crawl", {{"submit", std::uint64_t{0}}}, 0ns, 5},
      {"crawl_parent", "crawl", {{"submit", std::uint64_t{1}}}, 0ns, 6},
      {"crawl_gather", "crawl", {{"submit", std::uint64_t{2}}}, 0ns, 6},
  };
  return ways;
}

Batch batch_of(const Told& told) {
  Batch batch = standard_batch(job_named(told.job));
  for (const auto& [name, value] : told.parameters) set_parameter(batch, job_named(told.job), name, value);
  if (told.job == "producer-consumer") set_parameter(batch, job_named(told.job), "items", std::uint64_t{2000});
  if (told.job == "crawl") set_parameter(batch, job_named(told.job), "pages", std::uint64_t{5});
  batch.tasks = told.tasks;
  batch.work = 50;
  batch.waits.clear();
  if (told.wait != 0ns) batch.waits = {told.wait};
  return batch;
}

// ---- Waits that are given up ----

struct Patience {
  Event never;
  Mutex mutex;
  std::uint64_t count;
  std::atomic<std::uint64_t> gave_up;
};

// Waits in vain, and then for a lock that many want, a little at a time.
Script loses_patience(Task task) {
  Patience& shared = task.shared<Patience>();
  const bool set = co_yield until_set(shared.never, 1ms);
  if (set) co_return;
  while (true) {
    const bool held = co_yield lock(shared.mutex, 50us);
    if (held) break;
    shared.gave_up.fetch_add(1);
  }
  const std::uint64_t seen = shared.count;
  co_yield wait_for(20us);
  shared.count = seen + 1;
  shared.mutex.unlock();
  task.outcome = 1;
}

std::optional<std::string> all_were_counted(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  if (auto wrong = compare_outcomes(outcomes, [](std::uint32_t) { return std::uint64_t{1}; })) return wrong;
  if (batch.shared<Patience>().count == batch.tasks) return std::nullopt;
  return "counted " + std::to_string(batch.shared<Patience>().count);
}

constexpr Job patience{.name = "loses-patience",
                       .summary = "",
                       .default_tasks = 30,
                       .task = loses_patience,
                       .check = all_were_counted,
                       .state_bytes = [](const Batch&) { return sizeof(Patience); },
                       .prepare = [](const Batch& batch) { new (batch.state) Patience(); }};

class TimedWaits : public testing::TestWithParam<const Model*> {};

TEST_P(TimedWaits, EndWithoutWhatTheyWaitedForAndLeaveTheLockWhole) {
  TestRuns runs({{.model = GetParam(), .job = &patience, .parameters = {.tasks = 30, .work = 0, .waits = {}}}});
  const Ended ended = runs.run(RunKind::memory);
  EXPECT_EQ(ended.reason, "");
}

INSTANTIATE_TEST_SUITE_P(Table, TimedWaits, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& instance) { return test_name(instance.param->name); });

// ---- The jobs of the table ----

class SyncJobs : public testing::TestWithParam<std::tuple<const Model*, const Told*>> {};

TEST_P(SyncJobs, EndWithTheRightOutcome) {
  const auto& [model, told] = GetParam();
  const Batch batch = batch_of(*told);
  const Job& job = job_named(told->job);
  const std::uint32_t in_flight = resolve(model->in_flight, batch.tasks, 2);
  if (job.least_in_flight && job.least_in_flight(batch) > in_flight) GTEST_SKIP() << "could only hang";
  if (model->why_unavailable && !model->why_unavailable().empty()) GTEST_SKIP() << model->why_unavailable();
  TestRuns runs({{.model = model, .job = &job, .parameters = batch, .workers = 2}});
  const Ended ended = runs.run(RunKind::memory);
  EXPECT_EQ(ended.reason, "");
  EXPECT_EQ(ended.outcome.left_behind, 0U);
  EXPECT_EQ(runs.report().job.latency.count(), batch.tasks);
  if (told->name == std::string_view("counter_locked")) {
    EXPECT_GE(runs.report().job.wall_ns, (batch.waits.front() * batch.tasks).count());  // one after another
  }
}

std::vector<const Told*> all_ways() {
  std::vector<const Told*> ways;
  for (const Told& told : every_way()) ways.push_back(&told);
  return ways;
}

INSTANTIATE_TEST_SUITE_P(Table, SyncJobs, testing::ValuesIn(pairs(every_model_and_some_hybrids(), all_ways(), 3)),
                         [](const auto& instance) {
                           return test_name(std::get<0>(instance.param)->name) + "_" +
                                  std::string(std::get<1>(instance.param)->name);
                         });

}  // namespace
}  // namespace bench
