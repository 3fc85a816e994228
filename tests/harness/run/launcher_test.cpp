// Why: a task that throws, a child that is killed or a run that hangs must cost its own cell and nothing else. Each
// fault here runs in earnest; after it the launcher must carry out the next run, and nothing of the run may be left.
#include "harness/run/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <stdexcept>
#include <thread>

#include "measure/usage.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

TestCell cell_of(std::string_view model, std::string_view job, std::uint32_t tasks = 5) {
  return {.model = &model_named(model), .job = &job_named(job), .parameters = {.tasks = tasks, .work = 0, .waits = {}}};
}

constexpr std::int64_t generous_ns = std::chrono::nanoseconds(generous).count();

// Task 1 of 3 is at fault in the faulty workloads.
constexpr std::uint32_t few = 3;

// Processes of the launcher besides itself: none once a run is over.
std::vector<pid_t> left_of(const TestRuns& runs) { return living_descendants(runs.process()); }

// The launcher is as it was before any run, and carries out a good one.
void expect_usable(TestRuns& runs, std::uint32_t good_cell) {
  EXPECT_THAT(left_of(runs), IsEmpty());
  EXPECT_TRUE(group_is_gone(runs.report().process_group));
  const Ended next = runs.run(RunKind::memory, good_cell);
  EXPECT_EQ(next.reason, "");
  EXPECT_EQ(next.outcome.status, 0);
  EXPECT_GT(runs.report().job.batches, 0U);
  EXPECT_THAT(left_of(runs), IsEmpty());
}

// ---- Every fault of a task under every model ----

class FaultyTask : public testing::TestWithParam<const Model*> {
 protected:
  const Model& model() const { return *GetParam(); }
  bool forks() const { return model().unit == UnitKind::process; }

  Ended run(std::string_view job, std::chrono::nanoseconds time_limit = generous) {
    TestRuns runs({cell_of(model().name, job, few), cell_of("serial", "quick")});
    Ended ended = runs.run(RunKind::measure, 0, time_limit);
    expect_usable(runs, 1);
    return ended;
  }
};

TEST_P(FaultyTask, ThatThrowsIsNamed) {
  const Ended ended = run("throws");
  EXPECT_EQ(ended.reason, "task 1 threw: deliberate");
  EXPECT_FALSE(ended.outcome.timed_out);
}

TEST_P(FaultyTask, ThatThrowsNoExceptionIsNamed) {
  EXPECT_EQ(run("throws-int").reason, "task 1 threw something that is no std::exception");
}

// The first failure ends the whole tree at once, so that it does not cost the time limit.
TEST_P(FaultyTask, ThatThrowsEndsTheOthersToo) {
  const Ended ended = run("throws-first");
  EXPECT_EQ(ended.reason, "task 0 threw: deliberate");
  EXPECT_FALSE(ended.outcome.timed_out);
}

TEST_P(FaultyTask, ThatIsKilledEndsTheOthersToo) {
  const Ended ended = run("dies-first");
  EXPECT_THAT(ended.reason, HasSubstr("was killed by signal 9 (Killed)"));
  EXPECT_FALSE(ended.outcome.timed_out);
}

// The signal shows in the run's own process, or in the child that its model has reaped.
TEST_P(FaultyTask, ThatIsKilledTellsTheSignal) {
  const std::string reason = run("dies").reason;
  if (forks()) {
    EXPECT_THAT(reason, MatchesRegex("process [0-9]+ was killed by signal 9 \\(Killed\\)"));
  } else {
    EXPECT_EQ(reason, "the run's process was killed by signal 9 (Killed)");
  }
}

TEST_P(FaultyTask, ThatEndsItsProcessIsNoticedAlthoughTheStatusIsGood) {
  const std::string reason = run("exits").reason;
  if (forks()) {
    EXPECT_THAT(reason,
                AnyOf("task 1 was started and never ended", "a worker of the pool ended before its work was done"));
  } else {
    // The thread sanitizer minds the threads that nobody has joined and sets a status of its own.
    EXPECT_THAT(reason, AnyOf("the run's process ended before its run", "the run's process ended with exit status 66"));
  }
}

TEST_P(FaultyTask, ThatHangsMeetsTheTimeLimit) {
  const Ended ended = run("hangs", 300ms);
  EXPECT_EQ(ended.reason, "did not end within 300 ms; --time-limit allows more");
  EXPECT_TRUE(ended.outcome.timed_out);
}

TEST_P(FaultyTask, ThatSpinsMeetsTheTimeLimit) {
  const Ended ended = run("spins", 300ms);
  EXPECT_EQ(ended.reason, "did not end within 300 ms; --time-limit allows more");
}

TEST_P(FaultyTask, ThatLeavesAWrongOutcomeIsNamed) {
  EXPECT_EQ(run("wrong").reason, "wrong outcome: task 1 left 7, expected 1001");
}

INSTANTIATE_TEST_SUITE_P(Table, FaultyTask, testing::ValuesIn(every(all_models())),
                         [](const auto& param) { return test_name(param.param->name); });

// ---- Every fault of a model ----

struct Fault {
  std::string_view model;
  std::string_view reason;
};

void PrintTo(const Fault& row, std::ostream* out) { *out << row.model; }

class FaultyModel : public testing::TestWithParam<Fault> {};

TEST_P(FaultyModel, IsFoundOut) {
  TestCell cell = cell_of(GetParam().model, "io", few);
  cell.parameters.waits = {2ms};
  TestRuns runs({cell, cell_of("serial", "quick")});
  EXPECT_THAT(runs.run(RunKind::measure).reason, MatchesRegex(std::string(GetParam().reason)));
  expect_usable(runs, 1);
}

INSTANTIATE_TEST_SUITE_P(Table, FaultyModel,
                         testing::Values(Fault{"loses-a-task", "task 2 was begun 0 times, not once"},
                                         Fault{"runs-twice", "task 0 was begun 2 times, not once"},
                                         Fault{"no-batch", "the model returned before the run was over"},
                                         Fault{"cuts-waits",
                                               "task [0-9]+ lasted [0-9]+ ns and so cut its wait of 2000000 ns short"},
                                         Fault{"leaves-a-child", "left 1 processes behind"},
                                         Fault{"leaves-a-session", "left 1 processes behind"},
                                         Fault{"throws-at-start", "no resource for the first unit"}),
                         [](const auto& param) { return test_name(param.param.model); });

// ---- Runs in general ----

TEST(Launcher, RunsTheCellThatIsAskedFor) {
  TestRuns runs({cell_of("serial", "quick", 3), cell_of("serial", "quick", 7)});
  ASSERT_EQ(runs.run(RunKind::memory, 1).reason, "");
  EXPECT_EQ(runs.report().job.latency.count(), 7U);
  ASSERT_EQ(runs.run(RunKind::memory, 0).reason, "");
  EXPECT_EQ(runs.report().job.latency.count(), 3U);
}

// A first batch shorter than the least time is a warm-up and counts for nothing; one that is longer is measured.
TEST(Launcher, RepeatsShortBatchesAndWarmsUpBeforeThem) {
  TestCell short_batches = cell_of("serial", "io", 4);
  short_batches.parameters.waits = {1ms};
  TestCell long_batch = cell_of("serial", "io", 1);
  long_batch.parameters.waits = {150ms};
  TestRuns runs({short_batches, long_batch});

  ASSERT_EQ(runs.run(RunKind::measure, 0).reason, "");
  const JobMeasurement& measured = runs.report().job;
  EXPECT_GE(measured.batches, 1U);
  EXPECT_GE(measured.wall_ns, 4'000'000 * std::int64_t{measured.batches});
  EXPECT_TRUE(measured.wall_ns >= 100'000'000 || measured.warmup_batches == 1);
  EXPECT_EQ(measured.latency.count(), std::uint64_t{4} * measured.batches);

  ASSERT_EQ(runs.run(RunKind::measure, 1).reason, "");
  EXPECT_EQ(measured.batches, 1U);
  EXPECT_EQ(measured.warmup_batches, 0U);
}

TEST(Launcher, CountsTheWholeTreesCpuTime) {
  TestCell cell = cell_of("processes", "cpu", 4);
  cell.parameters.work = 6000;
  TestRuns runs({cell});
  ASSERT_EQ(runs.run(RunKind::measure).reason, "");
  const JobMeasurement& measured = runs.report().job;
  // The children compute four products a batch; the plain loop, on the same machine at the same time, tells how long
  // that takes. A parent that counted only itself would see the forks and little more.
  EXPECT_GT(measured.usage.cpu_ns, measured.batches * runs.report().compute_ns / 4);
}

TEST(Launcher, ReadsTheMemoryOfTheTree) {
  TestCell cell = cell_of("processes", "io", 20);
  cell.parameters.waits = {50ms};
  TestRuns runs({cell});
  const Ended ended = runs.run(RunKind::memory);
  ASSERT_EQ(ended.reason, "");
  EXPECT_GT(ended.outcome.peak_memory_bytes, 0);
  EXPECT_EQ(runs.report().job.batches, 1U);
}

TEST(Launcher, ProbesTheMachine) {
  TestRuns runs({cell_of("serial", "quick")});
  ASSERT_EQ(runs.run(RunKind::machine).reason, "");
  EXPECT_GT(runs.report().machine.load_ns, 0);
  EXPECT_GT(runs.report().machine.switch_ns, 0);
}

TEST(Launcher, ForgetsTheLastRunsReport) {
  TestRuns runs({cell_of("serial", "throws"), cell_of("serial", "quick")});
  ASSERT_NE(runs.run(RunKind::measure, 0).reason, "");
  ASSERT_EQ(runs.run(RunKind::machine).reason, "");
  EXPECT_EQ(runs.report().job.batches, 0U);
  EXPECT_EQ(runs.report().job.latency.count(), 0U);
  EXPECT_EQ(runs.report().units_peak, 0);
}

TEST(Launcher, KeepsItsSizeOverManyRuns) {
  TestRuns runs({cell_of("process-pool", "throws"), cell_of("thread-pool", "quick")});
  ASSERT_EQ(runs.run(RunKind::machine).reason, "");  // the launcher has answered, and so is set up
  const std::size_t descriptors = count_entries(runs.process(), "fd");
  const std::size_t threads = count_entries(runs.process(), "task");
  for (int round = 0; round < 20; ++round) {
    ASSERT_NE(runs.run(RunKind::memory, 0).reason, "");
    ASSERT_EQ(runs.run(RunKind::memory, 1).reason, "");
  }
  EXPECT_EQ(count_entries(runs.process(), "fd"), descriptors);
  EXPECT_EQ(count_entries(runs.process(), "task"), threads);
  EXPECT_THAT(left_of(runs), IsEmpty());
}

TEST(Launcher, EndsARunThatIsCancelled) {
  for (const std::string_view model : {"serial", "processes", "process-pool", "threads", "coroutines"}) {
    TestRuns runs({cell_of(model, "hangs"), cell_of("serial", "quick")});
    const RunRequest request{.kind = RunKind::measure, .cell = 0, .time_limit_ns = generous_ns};
    for (const auto after : {0ms, 100ms}) {  // at once, perhaps before its process has begun; in the middle
      const RunOutcome outcome = runs.launcher().run(
          request, [] { return Wish::nothing; }, after);
      EXPECT_TRUE(outcome.cancelled);
      EXPECT_EQ(failure_reason(outcome, runs.report(), request), "was interrupted") << model;
      expect_usable(runs, 1);
    }
  }
}

// Whoever cancels does not know whether it ends just then by itself, or by its time.
TEST(Launcher, StandsACancelThatComesAfterTheEnd) {
  TestRuns runs({cell_of("serial", "quick"), cell_of("serial", "hangs")});
  for (int round = 0; round < 100; ++round) {
    const RunRequest quick{.kind = RunKind::measure, .cell = 0, .time_limit_ns = generous_ns};
    const RunOutcome ended = runs.launcher().run(
        quick, [&] { return Wish::nothing; }, std::chrono::milliseconds(round % 20));
    EXPECT_FALSE(ended.timed_out);
    const RunRequest late{.kind = RunKind::measure, .cell = 1, .time_limit_ns = 5'000'000};
    const RunOutcome over = runs.launcher().run(
        late, [&] { return Wish::nothing; }, std::chrono::milliseconds(4 + round % 3));
    EXPECT_TRUE(over.timed_out || over.cancelled);
  }
  EXPECT_EQ(runs.run(RunKind::measure, 0).reason, "");
}

// Reaps the calling process's children and adopted orphans; false when some still live after a generous time.
bool all_end() {
  const auto deadline = std::chrono::steady_clock::now() + generous;
  while (std::chrono::steady_clock::now() < deadline) {
    const pid_t reaped = waitpid(-1, nullptr, WNOHANG);
    if (reaped < 0) return true;  // no child is left
    if (reaped == 0) std::this_thread::sleep_for(1ms);
  }
  return false;
}

// Nothing outlives the harness, be it killed in the middle of a run, whatever the units of the run are.
TEST(Launcher, EndsWithTheHarnessAndSoDoesTheRun) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // what outlives the harness becomes a child of this process
  for (const Model* const model : every(all_models())) {
    SharedArray<std::atomic<pid_t>> group(1);
    const pid_t harness = fork();
    ASSERT_GE(harness, 0);
    if (harness == 0) {
      TestRuns runs({cell_of(model->name, "hangs")});
      const RunRequest request{.kind = RunKind::measure, .cell = 0, .time_limit_ns = generous_ns};
      runs.launcher().run(request, [&] {
        group[0] = runs.report().process_group.load();
        if (group[0] != 0) kill(getpid(), SIGKILL);
        return Wish::all;
      });
      _exit(1);  // not reached
    }
    int status = 0;
    ASSERT_EQ(waitpid(harness, &status, 0), harness);
    EXPECT_TRUE(WIFSIGNALED(status)) << model->name;
    EXPECT_TRUE(all_end()) << model->name;
    EXPECT_TRUE(group_is_gone(group[0])) << model->name;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(Launcher, SaysWhenItsProcessHasDied) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  TestRuns runs({cell_of("processes", "hangs")});
  const RunRequest request{.kind = RunKind::measure, .cell = 0, .time_limit_ns = generous_ns};
  pid_t group = 0;
  const auto kill_launcher_during_the_run = [&] {
    group = runs.report().process_group;
    if (group != 0) kill(runs.process(), SIGKILL);
    return Wish::all;
  };
  EXPECT_THROW(runs.launcher().run(request, kill_launcher_during_the_run), std::runtime_error);
  EXPECT_THROW(runs.run(RunKind::machine), std::runtime_error);
  EXPECT_TRUE(all_end());
  EXPECT_TRUE(group_is_gone(group));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

// ---- What a run's end means ----

TEST(FailureReason, PrefersTheCauseToItsConsequences) {
  const RunRequest request{.kind = RunKind::measure, .cell = 0, .time_limit_ns = 1'500'000'000};
  SharedArray<RunReport> report(1);
  RunOutcome outcome;
  EXPECT_EQ(failure_reason(outcome, report[0], request), "the run's process ended before its run");

  report[0].finished = 1;
  EXPECT_EQ(failure_reason(outcome, report[0], request), "");
  outcome.left_behind = 2;
  EXPECT_EQ(failure_reason(outcome, report[0], request), "left 2 processes behind");
  outcome.status = SIGSEGV;
  EXPECT_THAT(failure_reason(outcome, report[0], request), HasSubstr("was killed by signal 11"));
  outcome.status = 3 << 8;
  EXPECT_EQ(failure_reason(outcome, report[0], request), "the run's process ended with exit status 3");
  outcome.timed_out = true;
  EXPECT_EQ(failure_reason(outcome, report[0], request), "did not end within 1.50 s; --time-limit allows more");
  report[0].failure.set("the cause");
  EXPECT_EQ(failure_reason(outcome, report[0], request), "the cause");
}

TEST(FailureSlot, KeepsTheFirstReasonCutToItsSize) {
  SharedArray<FailureSlot> slot(1);
  EXPECT_EQ(slot[0].reason(), "");
  slot[0].set("first");
  slot[0].set("second");
  EXPECT_EQ(slot[0].reason(), "first");
  slot[0].clear();
  EXPECT_EQ(slot[0].reason(), "");
  const std::string text(5000, 'x');
  slot[0].set(text);
  EXPECT_GE(slot[0].reason().size(), 500U);
  EXPECT_TRUE(text.starts_with(slot[0].reason()));
}

}  // namespace
}  // namespace bench
