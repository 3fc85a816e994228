// Why: a model that loses a task, holds one up or leaves something behind measures a different thing than it claims.
// Every row of the model table runs every row of the workload table here, and then workloads of our own that end only
// under a model that switches where it says it does.
#include "models/model.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <coroutine>
#include <thread>
#include <tuple>

#include "measure/affinity.h"
#include "measure/usage.h"
#include "models/hybrid.h"
#include "models/references/references.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"
#include "tests/support/told.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Batch small_sizes(const Job& job, std::uint32_t tasks) {
  // Hundreds of threads and a fork for each take half a minute (workloads/exec.cpp says why); exec_test.cpp has all
  // ways.
  if (job.name == "exec") return batch_told(job, {{"tasks", {std::to_string(tasks)}}, {"how", {"posix-spawn"}}});
  const std::uint64_t work = job.name == "copy" ? 80 : 400;  // KiB of a file, a chunk and a bit; or steps
  Batch parameters{.tasks = tasks, .work = takes(job, "work") ? work : 0, .waits = {}};
  if (takes(job, "wait")) parameters.waits = {500us, 1ms};
  return parameters;
}

// Samples of at least `ns`.
std::uint64_t count_from(const Histogram& histogram, std::int64_t ns) {
  std::uint64_t count = 0;
  for (const Histogram::Bucket& bucket : histogram.buckets()) count += bucket.high_ns >= ns ? bucket.count : 0;
  return count;
}

// What any run of any model must have left.
void expect_sound(const TestRuns& runs, const TestCell& cell, const Ended& ended) {
  ASSERT_EQ(ended.reason, "");
  EXPECT_EQ(ended.outcome.status, 0);
  EXPECT_EQ(ended.outcome.left_behind, 0U);
  EXPECT_THAT(living_descendants(runs.process()), IsEmpty());
  EXPECT_TRUE(group_is_gone(runs.report().process_group));

  const JobMeasurement& measured = runs.report().job;
  const std::uint64_t expected = std::uint64_t{cell.parameters.tasks} * measured.batches;
  EXPECT_GT(measured.batches, 0U);
  EXPECT_GT(measured.wall_ns, 0);
  EXPECT_EQ(measured.latency.count(), expected);
  EXPECT_EQ(measured.start_delay.count(), expected);
  EXPECT_EQ(measured.service.count(), expected);
  EXPECT_LE(measured.latency.max_ns(), measured.wall_ns);

  EXPECT_EQ(runs.report().units_alive, 0);
  EXPECT_GE(runs.report().units_peak, 1);
  EXPECT_LE(runs.report().units_peak,
            static_cast<std::int32_t>(resolve(cell.model->units, cell.parameters.tasks, cell.workers)));

  // Every task waited for its own share of the waits, dealt round.
  const std::vector<std::chrono::nanoseconds>& waits = cell.parameters.waits;
  for (const std::chrono::nanoseconds wait : waits) {
    std::uint64_t waiting = 0;
    for (std::uint32_t index = 0; index < cell.parameters.tasks; ++index) {
      waiting += cell.parameters.wait_of(index) >= wait ? measured.batches : 0;
    }
    EXPECT_GE(count_from(measured.service, wait.count()), waiting);
  }
}

// ---- Every model × every workload ----

std::string text_of(const Model* row) { return test_name(row->name); }
std::string text_of(const Job* row) { return test_name(row->name); }
std::string text_of(std::uint32_t number) { return std::to_string(number); }

using ModelAndJob = std::tuple<const Model*, const Job*>;

std::string text_of(const ModelAndJob& both) { return text_of(std::get<0>(both)) + "_" + text_of(std::get<1>(both)); }

// "threads_io_300" for a tuple of parameters.
template <typename Suite>
std::string name_of(const testing::TestParamInfo<typename Suite::ParamType>& info) {
  return std::apply(
      [](const auto& first, const auto&... rest) { return (text_of(first) + ... + ("_" + text_of(rest))); },
      info.param);
}

class Conformance : public testing::TestWithParam<std::tuple<ModelAndJob, std::uint32_t>> {};

TEST_P(Conformance, RunsEveryTaskOnceAndLeavesNothingBehind) {
  const auto& [both, tasks] = GetParam();
  const auto& [model, job] = both;
  const TestCell cell{.model = model, .job = job, .parameters = small_sizes(*job, tasks)};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::measure));
}

INSTANTIATE_TEST_SUITE_P(Tables, Conformance,
                         testing::Combine(testing::ValuesIn(pairs(every_model_and_some_hybrids(), independent_jobs(),
                                                                  2)),
                                          testing::Values(1U, 2U, many)),
                         name_of<Conformance>);

// ---- Pools of any size ----

class Pools : public testing::TestWithParam<std::tuple<const Model*, std::uint32_t, std::uint32_t>> {};

TEST_P(Pools, RunEveryTaskWhateverTheNumberOfWorkers) {
  const auto& [model, workers, tasks] = GetParam();
  const Job& job = job_named("mixed");
  const TestCell cell{.model = model, .job = &job, .parameters = small_sizes(job, tasks), .workers = workers};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::memory));
}

std::vector<const Model*> every_pool() {
  std::vector<const Model*> rows = every_model_and_some_hybrids();
  std::erase_if(rows, [](const Model* row) { return !takes_workers(*row); });
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Table, Pools,
                         testing::Combine(testing::ValuesIn(every_pool()), testing::Values(1U, 3U, 16U),
                                          testing::Values(1U, 5U, 100U)),
                         name_of<Pools>);

// ---- Workloads that show who switches where ----
//
// They speak through memory that all units share, made before any launcher. One batch each.

struct Shared {
  std::atomic<std::uint32_t> arrived;    // tasks that have come to the meeting
  std::atomic<std::uint32_t> met;        // tasks that have seen all others there
  std::atomic<std::uint32_t> inside;     // tasks between two operations
  std::atomic<std::uint32_t> intruders;  // tasks that found another one inside
  std::atomic<std::uint32_t> finished;
  std::atomic<std::uint32_t> steps;
  std::array<std::atomic<std::uint32_t>, 64> who;  // the task that made each step
};
const SharedArray<Shared> shared_memory(1);
Shared& shared() { return shared_memory[0]; }

void forget_all() {
  Shared& all = shared();
  all.arrived = all.met = all.inside = all.intruders = all.finished = all.steps = 0;
  for (auto& step : all.who) step = 0;
}

void make_step(std::uint32_t index) { shared().who.at(shared().steps.fetch_add(1)) = index; }

std::vector<std::uint32_t> steps_made() { return {shared().who.begin(), shared().who.begin() + shared().steps.load()}; }

std::optional<std::string> anything(const Batch&, std::span<const std::uint64_t>) { return std::nullopt; }

constexpr Job row(std::string_view name, decltype(Job::task) task) {
  return {.name = name,
          .summary = "",
          .parameters = {},
          .task = task,
          .compute = nullptr,
          .check = anything,
          .estimate_ns = nullptr,
          .checkpoints = nullptr};
}

// A task that waits for the others at a meeting: it asks again and again whether all are there, and gives up after
// `work` milliseconds. Only a model that runs the others meanwhile lets it meet them; so where tasks shall meet it has
// more time than any machine needs, and where they cannot, no time would be enough.
class Patience {
 public:
  explicit Patience(const Batch& parameters)
      : end_ns_(now_ns() + static_cast<std::int64_t>(parameters.work) * 1'000'000), tasks_(parameters.tasks) {
    ++shared().arrived;
  }

  bool goes_on() const { return !all_there() && now_ns() < end_ns_; }

  void leave() const {
    if (all_there()) ++shared().met;
  }

 private:
  bool all_there() const { return shared().arrived == tasks_; }

  std::int64_t end_ns_;
  std::uint32_t tasks_;
};

Script meets_waiting(const Task& task) {
  const Patience patience(task.batch);
  while (patience.goes_on()) {
    co_yield wait_for(1ms);
  }
  patience.leave();
}

Script meets_at_checkpoints(const Task& task) {
  const Patience patience(task.batch);
  while (patience.goes_on()) {
    co_yield checkpoint();
  }
  patience.leave();
}

Script meets_computing(const Task& task) {
  const Patience patience(task.batch);
  while (patience.goes_on()) {
  }
  patience.leave();
  co_return;
}

// What comes of transfers that cannot be: the end of a file, and no file at all.
Script reads_past_the_end(const Task& task) {
  std::array<std::byte, 16> room{};
  const int empty = open("/dev/null", O_RDWR | O_CLOEXEC);
  const std::int64_t at_end = co_yield read_at(empty, room, 0);
  const std::int64_t written = co_yield write_at(empty, room, 0);
  co_yield wait_for(1ms);
  const std::int64_t of_none = co_yield read_at(-1, room, 0);
  const std::int64_t to_none = co_yield write_at(-1, room, 0);
  close(empty);
  if (at_end == 0 && written == 16 && of_none == -EBADF && to_none == -EBADF) task.outcome = task.index + 1;
}

std::optional<std::string> as_expected(const Batch&, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, [](std::uint32_t index) { return index + std::uint64_t{1}; });
}

TEST(Transfers, TellTheScriptWhatCameOfThemUnderEveryModel) {
  Job job = row("reads-past-the-end", reads_past_the_end);
  job.check = as_expected;
  for (const Model* model : every_model_and_some_hybrids()) {
    SCOPED_TRACE(model->name);
    const TestCell cell{.model = model, .job = &job, .parameters = {.tasks = 5, .work = 0, .waits = {}}, .workers = 2};
    TestRuns runs({cell});
    expect_sound(runs, cell, runs.run(RunKind::memory));
  }
}

constexpr Job waiting_job = row("meets-waiting", meets_waiting);
constexpr Job checkpoints = row("meets-at-checkpoints", meets_at_checkpoints);
constexpr Job computing = row("meets-computing", meets_computing);

// Where the tasks of a model get on although one of them does not end.
struct Switching {
  std::string_view model;
  bool waiting;      // while one waits
  bool checkpoints;  // while one passes checkpoints
  bool computing;    // while one computes
};

void PrintTo(const Switching& row, std::ostream* out) { *out << row.model; }

class Meeting : public testing::TestWithParam<Switching> {
 protected:
  static constexpr std::uint32_t tasks = 4;

  // Runs one batch in which the tasks meet or do not; a pool has as many workers as tasks.
  void run(const Job& job, bool shall_meet) {
    forget_all();
    const std::uint64_t patience_ms = shall_meet ? 2 * std::chrono::milliseconds(generous).count() : 30;
    const TestCell cell{.model = &model_named(GetParam().model),
                        .job = &job,
                        .parameters = {.tasks = tasks, .work = patience_ms, .waits = {}},
                        .workers = tasks};
    TestRuns runs({cell});
    expect_sound(runs, cell, runs.run(RunKind::memory));
    EXPECT_EQ(shared().arrived, tasks);
    // The last to come always finds the others there.
    EXPECT_EQ(shared().met, shall_meet ? tasks : 1);
    // Where all of them meet, all of their units are alive at once.
    if (shall_meet) {
      EXPECT_EQ(runs.report().units_peak, static_cast<std::int32_t>(resolve(cell.model->units, tasks, tasks)));
    }
  }
};

TEST_P(Meeting, OfTasksThatWait) { run(waiting_job, GetParam().waiting); }
TEST_P(Meeting, OfTasksAtCheckpoints) { run(checkpoints, GetParam().checkpoints); }
TEST_P(Meeting, OfTasksThatCompute) { run(computing, GetParam().computing); }

// Those that hand out tasks wait for each where they are told to: no task ever finds another under way.
TEST(HandingOut, OneAtATime) {
  for (const Model& model : all_models()) {
    if (!model.hands_out) continue;
    SCOPED_TRACE(model.name);
    forget_all();
    constexpr std::uint64_t patience_ms = 10;
    const TestCell cell{.model = &model,
                        .job = &waiting_job,
                        .parameters = {.tasks = 3, .work = patience_ms, .waits = {}, .one_at_a_time = true},
                        .workers = 3};
    TestRuns runs({cell});
    expect_sound(runs, cell, runs.run(RunKind::memory));
    EXPECT_EQ(shared().arrived, 3U);
    EXPECT_EQ(shared().met, 1U);
  }
}

constexpr std::array switching{
    Switching{.model = "serial", .waiting = false, .checkpoints = false, .computing = false},
    Switching{.model = "processes", .waiting = true, .checkpoints = true, .computing = true},
    Switching{.model = "process-pool", .waiting = true, .checkpoints = true, .computing = true},
    Switching{.model = "threads", .waiting = true, .checkpoints = true, .computing = true},
    Switching{.model = "thread-pool", .waiting = true, .checkpoints = true, .computing = true},
    Switching{.model = "gil-threads", .waiting = true, .checkpoints = true, .computing = false},
    Switching{.model = "nonblocking", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "select", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "poll", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "epoll", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "epoll-et", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "io-uring", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "coroutines", .waiting = true, .checkpoints = true, .computing = false},
    Switching{.model = "fibers", .waiting = true, .checkpoints = true, .computing = false},
    Switching{.model = "reactor-pool", .waiting = true, .checkpoints = true, .computing = true},
    Switching{.model = "asio", .waiting = true, .checkpoints = true, .computing = false},
    Switching{.model = "libuv", .waiting = true, .checkpoints = false, .computing = false},
    Switching{.model = "boost-fiber", .waiting = true, .checkpoints = true, .computing = false},
};

// Those of the rows that there are: a reference runtime may not be installed.
std::vector<Switching> switching_here() {
  std::vector<Switching> rows(switching.begin(), switching.end());
  const std::vector<const Model*> models = every_model_and_some_hybrids();
  std::erase_if(
      rows, [&](const Switching& row) { return std::ranges::find(models, row.model, &Model::name) == models.end(); });
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Table, Meeting, testing::ValuesIn(switching_here()),
                         [](const auto& param) { return test_name(param.param.model); });

TEST(Meeting, IsHeldUnderEveryModel) {
  std::vector<std::string_view> tabled;
  for (const Switching& row : switching) tabled.push_back(row.model);
  for (const Model& model : all_models()) EXPECT_THAT(tabled, testing::Contains(model.name));
  for (const Model& model : all_references()) EXPECT_THAT(tabled, testing::Contains(model.name));
}

// One task does not end before all others have: a pool that deals its tasks beforehand never gets there.
Script ends_last(const Task& task) {
  if (task.index == 0) {
    while (shared().finished + 1 < task.tasks()) {
      co_yield wait_for(1ms);
    }
  }
  ++shared().finished;
}
constexpr Job long_first_task = row("ends-last", ends_last);

class Dealing : public testing::TestWithParam<const Model*> {};

TEST_P(Dealing, ALongTaskHoldsUpNobodyElse) {
  forget_all();
  const TestCell cell{
      .model = GetParam(), .job = &long_first_task, .parameters = {.tasks = 50, .work = 0, .waits = {}}, .workers = 2};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::memory));
  EXPECT_EQ(shared().finished, 50U);
}

INSTANTIATE_TEST_SUITE_P(Table, Dealing, testing::ValuesIn(every_pool()),
                         [](const auto& param) { return test_name(param.param->name); });

// Between two operations nobody else computes.
Script keeps_to_itself(const Task& task) {
  for (int round = 0; round < 20; ++round) {
    if (++shared().inside != 1) ++shared().intruders;
    const std::int64_t end_ns = now_ns() + 100'000;
    while (now_ns() < end_ns) {
    }
    --shared().inside;
    if ((static_cast<std::uint32_t>(round) + task.index) % 3 == 0) {
      co_yield wait_for(100us);
    } else {
      co_yield checkpoint();
    }
  }
}
constexpr Job exclusive = row("keeps-to-itself", keeps_to_itself);

class Exclusion : public testing::TestWithParam<const Model*> {};

TEST_P(Exclusion, ComputesOneTaskAtATime) {
  forget_all();
  const TestCell cell{.model = GetParam(), .job = &exclusive, .parameters = {.tasks = 8, .work = 0, .waits = {}}};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::memory));
  EXPECT_EQ(shared().intruders, 0U);
}

std::vector<const Model*> every_model_that_is_not_parallel() {
  std::vector<const Model*> rows = every(all_models());
  std::erase_if(rows, [](const Model* row) { return row->parallel; });
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Table, Exclusion, testing::ValuesIn(every_model_that_is_not_parallel()),
                         [](const auto& param) { return test_name(param.param->name); });

// `co_await WouldSuspend()`: whether a checkpoint that stood here would suspend the script, which goes on at once.
struct WouldSuspend {
  bool answer = false;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<Script::promise_type> script) noexcept {
    answer = !script.promise().yield_value(checkpoint()).await_ready();
    return false;
  }
  bool await_resume() const noexcept { return answer; }
};

constexpr std::uint32_t enough_switches = 6;

// Each time a task gives way at a checkpoint, another one must have run before it goes on.
Script gives_way(const Task& task) {
  std::atomic<std::uint32_t>& last = shared().who[0];
  for (std::uint32_t switches = 0; switches != enough_switches && shared().finished == 0;) {
    last = task.index;
    WouldSuspend question;
    const bool asked_to = co_await question;
    co_yield checkpoint();
    if (!asked_to) continue;
    if (last == task.index) ++shared().intruders;
    ++switches;
    ++shared().steps;
  }
  last = task.index;
  ++shared().finished;
}
constexpr Job giving_way = row("gives-way", gives_way);

// A lock that is only dropped and taken again would mostly be won by the thread that still runs.
TEST(GilThreads, HandTheLockToAnotherThreadWhenAskedTo) {
  forget_all();
  const TestCell cell{
      .model = &model_named("gil-threads"), .job = &giving_way, .parameters = {.tasks = 2, .work = 0, .waits = {}}};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::memory));
  EXPECT_GE(shared().steps, enough_switches);
  EXPECT_EQ(shared().intruders, 0U);
}

// ---- In which order tasks take their turns ----

Script steps_at_checkpoints(const Task& task) {
  make_step(task.index);
  co_yield checkpoint();
  make_step(task.index);
  co_yield checkpoint();
  make_step(task.index);
}

Script steps_between_waits(const Task& task) {
  make_step(task.index);
  co_yield wait_for(1ms);
  make_step(task.index);
  co_yield wait_for(1ms);
  make_step(task.index);
}

constexpr Job stepping = row("steps-at-checkpoints", steps_at_checkpoints);
constexpr Job step_and_wait = row("steps-between-waits", steps_between_waits);

std::vector<std::uint32_t> steps_under(std::string_view model, const Job& job) {
  forget_all();
  const TestCell cell{.model = &model_named(model), .job = &job, .parameters = {.tasks = 3, .work = 0, .waits = {}}};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::memory));
  return steps_made();
}

TEST(Order, CoroutinesAndFibersTakeTurnsAtCheckpoints) {
  EXPECT_THAT(steps_under("coroutines", stepping), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
  EXPECT_THAT(steps_under("fibers", stepping), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
}

TEST(Order, EpollAndSerialRunThroughCheckpoints) {
  EXPECT_THAT(steps_under("epoll", stepping), ElementsAre(0, 0, 0, 1, 1, 1, 2, 2, 2));
  EXPECT_THAT(steps_under("serial", stepping), ElementsAre(0, 0, 0, 1, 1, 1, 2, 2, 2));
}

// Equal waits end in the order in which they began, however late the loop looks.
TEST(Order, EventLoopsTakeTurnsAtWaits) {
  EXPECT_THAT(steps_under("coroutines", step_and_wait), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
  EXPECT_THAT(steps_under("fibers", step_and_wait), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
  EXPECT_THAT(steps_under("epoll", step_and_wait), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
  if (model_named("io-uring").why_unavailable().empty()) {
    EXPECT_THAT(steps_under("io-uring", step_and_wait), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
  }
}

// Its queues hold about a thousand submissions and four thousand completions.
TEST(IoUringTimers, MayBeMoreThanItsQueuesHold) {
  const Job& job = job_named("io");
  const TestCell cell{.model = &model_named("io-uring"), .job = &job, .parameters = small_sizes(job, 10'000)};
  if (const std::string why = cell.model->why_unavailable(); !why.empty()) GTEST_SKIP() << why;
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::measure));
}

TEST(Order, SerialWaitsEachTaskOut) {
  EXPECT_THAT(steps_under("serial", step_and_wait), ElementsAre(0, 0, 0, 1, 1, 1, 2, 2, 2));
}

// ---- What a model leaves in its process ----

// Sizes of the run's own process, before the model and after it.
struct Leftovers {
  std::size_t descriptors;
  std::size_t threads_before;
  std::size_t threads_after;
  std::size_t descriptors_after;
  bool children;
};

// The kernel drops a joined thread from /proc a moment after its join.
std::size_t threads_at_rest(std::size_t expected) {
  const auto deadline = std::chrono::steady_clock::now() + generous;
  while (count_entries(getpid(), "task") != expected && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
  }
  return count_entries(getpid(), "task");
}

class Cleanness : public testing::TestWithParam<const Model*> {};

// Also finds what only grows from batch to batch.
TEST_P(Cleanness, ClosesJoinsAndReapsAllItMade) {
  SharedArray<Leftovers> left(1);
  SharedArray<RunReport> report(1);
  const Job& job = job_named("mixed");
  const pid_t run = fork();
  ASSERT_GE(run, 0);
  if (run == 0) {
    setpgid(0, 0);
    report[0].process_group = getpid();
    std::thread([] {}).join();  // with the first one the thread sanitizer starts a thread of its own
    left[0].threads_before = count_entries(getpid(), "task");
    left[0].descriptors = count_entries(getpid(), "fd");
    JobRun job_run(job, small_sizes(job, 20), 4, {.minimum_ns = 3'600'000'000'000, .max_batches = 5}, report[0]);
    GetParam()->run(job_run);
    left[0].descriptors_after = count_entries(getpid(), "fd");
    left[0].threads_after = threads_at_rest(left[0].threads_before);
    left[0].children = waitpid(-1, nullptr, WNOHANG) >= 0;
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(run, &status, 0), run);
  ASSERT_EQ(status, 0) << report[0].failure.reason();
  EXPECT_EQ(report[0].job.batches + report[0].job.warmup_batches, 5U);
  // A pipe for signals, which libuv makes once for the process and keeps.
  const std::size_t kept = GetParam()->name == "libuv" ? 2 : 0;
  EXPECT_EQ(left[0].descriptors_after, left[0].descriptors + kept);
  EXPECT_EQ(left[0].threads_after, left[0].threads_before);
  EXPECT_FALSE(left[0].children);
}

INSTANTIATE_TEST_SUITE_P(Table, Cleanness, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& param) { return test_name(param.param->name); });

// ---- Hybrids ----

TEST(Hybrids, HaveAnInboxForEachLoopAndNoneWithoutLoops) {
  const Model& threads = model_named("threads");
  const Model& loops_in_threads = hybrid_of(threads, model_named("epoll"));
  const Model& processes = model_named("processes");
  EXPECT_EQ(job_loops(model_named("epoll"), 4), 1U);
  EXPECT_EQ(job_loops(loops_in_threads, 4), 4U);
  EXPECT_EQ(job_loops(hybrid_of(processes, loops_in_threads), 4), 4 * available_cpus());
  EXPECT_EQ(job_loops(threads, 4), 0U);
  EXPECT_EQ(job_loops(hybrid_of(processes, threads), 4), 0U);
}

constexpr std::uint32_t dealt_tasks = 10;
const SharedArray<pid_t> process_of_task(dealt_tasks);

Script tells_its_process(const Task& task) {
  process_of_task[task.index] = getpid();
  co_return;
}
constexpr Job telling = row("tells-its-process", tells_its_process);

TEST(Hybrids, DealTasksEvenlyToCopiesInProcessesOfTheirOwn) {
  const TestCell cell{.model = &hybrid_of(model_named("processes"), model_named("epoll")),
                      .job = &telling,
                      .parameters = {.tasks = dealt_tasks, .work = 0, .waits = {}},
                      .workers = 4};
  TestRuns runs({cell});
  expect_sound(runs, cell, runs.run(RunKind::memory));
  std::vector<std::size_t> shares;
  pid_t last = -1;
  for (const pid_t process : process_of_task.span()) {
    if (process != last) shares.push_back(0);
    ++shares.back();
    last = process;
  }
  EXPECT_THAT(shares, ElementsAre(2, 3, 2, 3));
}

// ---- The table itself ----

TEST(ModelTable, NamesEveryModelAndAliasOnce) {
  std::vector<std::string_view> names;
  for (const RowList<Model> table : {all_models(), all_references()}) {
    for (const Model& model : table) {
      names.push_back(model.name);
      names.insert(names.end(), aliases_of(model).begin(), aliases_of(model).end());
    }
  }
  std::ranges::sort(names);
  EXPECT_TRUE(std::ranges::adjacent_find(names) == names.end());
}

}  // namespace
}  // namespace bench
