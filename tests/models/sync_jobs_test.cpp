// Jobs whose tasks wait for each other, under every model: what is counted, handed over and fetched is right, whoever
// wakes whom across threads, processes and loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <tuple>
#include <vector>

#include "measure/inbox.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/short_child.h"
#include "tests/support/test_runs.h"
#include "workloads/sync.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

// A job and what it is told beside the defaults.
struct Told {
  std::string_view name;
  std::string_view job;
  GivenParameters parameters;
};

void PrintTo(const Told* row, std::ostream* out) { *out << row->name; }

const std::vector<Told>& every_way() {
  static const std::vector<Told> ways{
      {"counter_unlocked", "counter", {{"locked", {"no"}}, {"wait", {"20ms"}}}},
      {"counter_locked", "counter", {{"wait", {"100us"}}}},
      {"counter_wide", "counter", {{"locked", {"wide"}}, {"wait", {"100us"}}, {"tasks", {"30"}}, {"work", {"50"}}}},
      {"tickets_unlocked", "tickets", {{"locked", {"no"}}, {"wait", {"20ms"}}}},
      {"tickets_narrow", "tickets", {{"left", {"3"}}, {"wait", {"100us"}}}},
      {"tickets_wide", "tickets", {{"locked", {"wide"}}, {"wait", {"100us"}}}},
      {"tickets_for_all", "tickets", {{"left", {"10"}}, {"wait", {"100us"}}}},
      {"semaphore", "semaphore", {{"wait", {"1ms"}}}},
      {"semaphore_of_one", "semaphore", {{"permits", {"1"}}, {"wait", {"100us"}}}},
      {"deadlock", "deadlock", {{"tasks", {"3"}}}},
      {"deadlock_order", "deadlock", {{"cure", {"order"}}, {"wait", {"100us"}}}},
      {"deadlock_recursive", "deadlock", {{"cure", {"recursive"}}, {"wait", {"100us"}}}},
      {"deadlock_timeout", "deadlock", {{"cure", {"timeout"}}, {"wait", {"1ms"}}, {"patience", {"2ms"}}}},
      {"queue_rush", "queue-rush", {}},
      {"queue_rush_with_room", "queue-rush", {{"tasks", {"7"}}}},
      {"gate", "gate", {{"wait", {"1ms"}}}},
      {"queue_fifo", "producer-consumer", {{"items", {"2000"}}}},
      {"queue_of_one",
       "producer-consumer",
       {{"items", {"2000"}}, {"capacity", {"1"}}, {"producers", {"5"}}, {"consumers", {"3"}}}},
      {"queue_lifo", "producer-consumer", {{"items", {"2000"}}, {"order", {"lifo"}}}},
      {"queue_priority", "producer-consumer", {{"items", {"2000"}}, {"order", {"priority"}}, {"consumers", {"7"}}}},
      {"crawl_worker", "crawl", {{"pages", {"5"}}}},
      {"crawl_parent", "crawl", {{"pages", {"5"}}, {"submit", {"parse-in-parent"}}}},
      {"crawl_gather", "crawl", {{"pages", {"5"}}, {"submit", {"gather-then-parse"}}}},
      {"download_ranges", "download", {{"file-size", {"40000"}}, {"ranges", {"5"}}}},
      {"download_unbound", "download", {{"ranges", {"20"}}, {"pace", {"0"}}}},
      {"download_whole", "download", {{"file-size", {"40000"}}, {"ranges", {"5"}}, {"server", {"whole"}}}},
  };
  return ways;
}

// ---- Waits that are given up ----

struct Patience {
  Event never;
  Mutex mutex;
  std::uint64_t count;
  std::atomic<std::uint64_t> gave_up;
};

// Waits in vain, and then for a lock that many want, a little at a time.
Script loses_patience(const Task& task) {
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
                       .parameters = {},
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

// ---- Tasks that wake each other for ever ----

struct Handover {
  Semaphore first{0};
  Semaphore second{0};
  std::atomic<bool> over;
};

// Tasks 1 and 2 wake each other until task 0 has got what it waits for.
template <bool for_a_child>
Script wakes_the_other(const Task& task) {
  Handover& shared = task.shared<Handover>();
  if (task.index == 0) {
    if constexpr (for_a_child) {
      const int child = start_short_child();
      co_yield end_of(child);
      co_yield close_socket(child);
    } else {
      co_yield wait_for(5ms);
    }
    shared.over = true;
  } else {
    Semaphore& own = task.index == 1 ? shared.first : shared.second;
    Semaphore& other = task.index == 1 ? shared.second : shared.first;
    while (!shared.over) {
      other.release();
      co_yield acquire(own);
    }
    other.release();
  }
  task.outcome = 1;
}

constexpr Job exchange(std::string_view name, decltype(Job::task) task) {
  return {.name = name,
          .summary = "",
          .parameters = {},
          .task = task,
          .check =
              [](const Batch&, std::span<const std::uint64_t> outcomes) {
                return compare_outcomes(outcomes, [](std::uint32_t) { return std::uint64_t{1}; });
              },
          .state_bytes = [](const Batch&) { return sizeof(Handover); },
          .prepare = [](const Batch& batch) { new (batch.state) Handover(); }};
}
constexpr Job until_a_timer = exchange("until-a-timer", wakes_the_other<false>);
constexpr Job until_a_child = exchange("until-a-child", wakes_the_other<true>);

class WakingEachOther : public testing::TestWithParam<const Model*> {
 protected:
  static void expect_to_end(const Job& job) {
    constexpr std::uint32_t tasks = 3;
    if (resolve(GetParam()->in_flight, tasks, tasks) < tasks) GTEST_SKIP() << "could only hang";
    TestRuns runs(
        {{.model = GetParam(), .job = &job, .parameters = {.tasks = tasks, .work = 0, .waits = {}}, .workers = tasks}});
    const Ended ended = runs.run(RunKind::memory);
    EXPECT_EQ(ended.reason, "");
  }
};

TEST_P(WakingEachOther, LetsATimerHaveItsTurn) { expect_to_end(until_a_timer); }
TEST_P(WakingEachOther, LetsADescriptorHaveItsTurn) { expect_to_end(until_a_child); }

INSTANTIATE_TEST_SUITE_P(Table, WakingEachOther, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& instance) { return test_name(instance.param->name); });

// ---- The inbox of a loop that runs a task ----

// `co_yield WhetherAsleep()`: whether whoever wakes a task of this loop now would have to wake the loop.
struct WhetherAsleep {
  bool asleep = false;
  bool attempt(Waiting* task) noexcept {
    asleep = task->deliver == deliver_to_inbox && static_cast<Inbox*>(task->home)->asleep != 0;
    return true;
  }
  static bool enqueue(Waiting& /*task*/) noexcept { return false; }
  static std::chrono::nanoseconds timeout() noexcept { return for_ever; }
  bool finish(Waiting* /*task*/) const noexcept { return asleep; }
};

// After each way in which a loop goes on with a task.
Script asks_whether_asleep(const Task& task) {
  co_yield wait_for(1ms);
  const bool after_timer = co_yield WhetherAsleep();
  const int child = start_short_child();
  co_yield end_of(child);
  const bool after_descriptor = co_yield WhetherAsleep();
  co_yield close_socket(child);
  const bool set = co_yield until_set(task.shared<Event>(), 1ms);
  const bool after_patience = co_yield WhetherAsleep();
  task.outcome = after_timer || after_descriptor || set || after_patience ? 0 : 1;
}

constexpr Job asking{.name = "asks-whether-asleep",
                     .summary = "",
                     .parameters = {},
                     .task = asks_whether_asleep,
                     .check =
                         [](const Batch&, std::span<const std::uint64_t> outcomes) {
                           return compare_outcomes(outcomes, [](std::uint32_t) { return std::uint64_t{1}; });
                         },
                     .state_bytes = [](const Batch&) { return sizeof(Event); },
                     .prepare = [](const Batch& batch) { new (batch.state) Event(); }};

class LoopsAwake : public testing::TestWithParam<const Model*> {};

TEST_P(LoopsAwake, WhileTheyRunATask) {
  if (GetParam()->name == "reactor-pool") GTEST_SKIP() << "its loop sleeps while the workers run tasks";
  TestRuns runs({{.model = GetParam(), .job = &asking, .parameters = {.tasks = 5, .work = 0, .waits = {}}}});
  const Ended ended = runs.run(RunKind::memory);
  EXPECT_EQ(ended.reason, "");
}

INSTANTIATE_TEST_SUITE_P(Table, LoopsAwake, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& instance) { return test_name(instance.param->name); });

// ---- The jobs of the table ----

constexpr std::uint32_t workers = 2;

class SyncJobs : public testing::TestWithParam<std::tuple<const Model*, const Told*>> {};

TEST_P(SyncJobs, EndWithTheRightOutcome) {
  const auto& [model, told] = GetParam();
  const Job& job = job_named(told->job);
  const Batch batch = batch_told(job, told->parameters);
  if (model->why_unavailable && !model->why_unavailable().empty()) GTEST_SKIP() << model->why_unavailable();
  TestRuns runs({{.model = model, .job = &job, .parameters = batch, .workers = workers}});
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

// Where too few tasks are under way at once, a job could only hang.
std::vector<std::tuple<const Model*, const Told*>> that_can_end(
    std::vector<std::tuple<const Model*, const Told*>> pairs) {
  std::erase_if(pairs, [](const auto& pair) {
    const auto& [model, told] = pair;
    const Job& job = job_named(told->job);
    const Batch batch = batch_told(job, told->parameters);
    return job.least_in_flight && job.least_in_flight(batch) > resolve(model->in_flight, batch.tasks, workers);
  });
  return pairs;
}

INSTANTIATE_TEST_SUITE_P(Table, SyncJobs,
                         testing::ValuesIn(that_can_end(pairs(every_model_and_some_hybrids(), all_ways(), 3))),
                         [](const auto& instance) {
                           return test_name(std::get<0>(instance.param)->name) + "_" +
                                  std::string(std::get<1>(instance.param)->name);
                         });

}  // namespace
}  // namespace bench
