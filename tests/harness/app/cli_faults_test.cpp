// Why: whatever happens to a run, to the harness or to its terminal, the other results stand, the file is whole and no
// process is left behind.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/plan/machine.h"
#include "measure/affinity.h"
#include "tests/harness/app/programs.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

Json result_of(const TempFolder& folder) { return Json::parse(read_text(folder.file("r.json"))); }

// The failure of a cell; empty when it has none.
std::string failure_of(const Json& document, const std::string& cell) {
  for (const Json& row : document["benchmarks"]) {
    if (row["run_name"] == cell && row.contains("error_occurred")) return row["error_message"];
  }
  return {};
}

// How many runs of a cell went well.
std::size_t samples_of(const Json& document, const std::string& cell) {
  return static_cast<std::size_t>(std::ranges::count_if(document["benchmarks"], [&](const Json& row) {
    return row["name"] == cell && row["run_type"] == "iteration" && !row.contains("error_occurred");
  }));
}

// ---- Faulty cells ----

TEST(Faults, AFaultyCellHasItsReasonAndTheOthersStand) {
  const TempFolder folder;
  const Finished run =
      run_program(faulty({"--model=serial,processes,threads,coroutines,fibers,reactor-pool", "--tasks=10",
                          "--workload=throws,throws-int,dies,exits,wrong,quick", "--repetitions=2", "--out=r.json"}),
                  {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 1);
  const Json document = result_of(folder);
  for (const std::string model : {"serial", "processes", "threads", "coroutines", "fibers", "reactor-pool"}) {
    const std::string parameters =
        model == "reactor-pool" ? fmt::format("/tasks:10/workers:{}", available_cpus()) : "/tasks:10";
    const auto reason = [&](const std::string& workload) {
      return failure_of(document, workload + "/" + model + parameters);
    };
    EXPECT_EQ(reason("throws"), "task 5 threw: deliberate") << model;
    EXPECT_THAT(reason("throws-int"), HasSubstr("task 5 threw something")) << model;
    EXPECT_THAT(reason("dies"), HasSubstr("killed by signal 9")) << model;
    EXPECT_THAT(reason("exits"), Not(IsEmpty())) << model;
    EXPECT_THAT(reason("wrong"), HasSubstr("task 5 left 7, expected 1005")) << model;
    EXPECT_EQ(reason("quick"), "") << model;
    EXPECT_EQ(samples_of(document, "quick/" + model + parameters), 2U) << model;
    EXPECT_EQ(samples_of(document, "throws/" + model + parameters), 0U) << model;
    EXPECT_THAT(run.out, HasSubstr("\n" + model + " ")) << model;
  }
  EXPECT_THAT(run.out, AllOf(HasSubstr("failed: task 5 threw: deliberate"), HasSubstr("2 rounds")));
  EXPECT_THAT(run.err, HasSubstr("bench: throws/serial/tasks:10 failed: task 5 threw: deliberate\n"));
  EXPECT_EQ(document["context"]["bench"]["interrupted"], false);
}

TEST(Faults, AFaultyModelHasItsReasonAndTheOthersStand) {
  const TempFolder folder;
  const Finished run =
      run_program(faulty({"--model=loses-a-task,throws-at-start,cuts-waits,leaves-a-child,unavailable,noted,threads",
                          "--workload=io", "--tasks=4", "--wait=1ms", "--repetitions=1", "--quiet", "--out=r.json"}),
                  {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("io/loses-a-task/tasks:4/wait:1ms failed: "));  // said even when quiet
  const Json document = result_of(folder);
  const auto reason = [&](const std::string& model) {
    return failure_of(document, "io/" + model + "/tasks:4/wait:1ms");
  };
  EXPECT_THAT(reason("loses-a-task"), HasSubstr("task 3 was begun 0 times"));
  EXPECT_THAT(reason("throws-at-start"), HasSubstr("no resource for the first unit"));
  EXPECT_THAT(reason("cuts-waits"), HasSubstr("cut its wait"));
  EXPECT_THAT(reason("leaves-a-child"), HasSubstr("left 1 process"));
  EXPECT_EQ(samples_of(document, "io/threads/tasks:4/wait:1ms"), 1U);
  EXPECT_EQ(
      document["context"]["bench"]["skipped"],
      Json({{{"name", "io/unavailable/tasks:4/wait:1ms"}, {"reason", "not available here: it is a row for tests"}}}));
  EXPECT_EQ(document["context"]["bench"]["notes"],
            Json({{{"name", "io/noted/tasks:4/wait:1ms"}, {"note", "is a row for tests"}}}));
}

// Nothing is written below a fiber's stack: where it is too small the run fails, and says how.
TEST(Faults, AFiberThatNeedsMoreThanItsStackFailsItsCell) {
  const TempFolder folder;
  const Finished run = run_program(faulty({"--model=threads,fibers", "--workload=deep", "--tasks=10",
                                           "--stack=64KiB,512KiB", "--repetitions=1", "--out=r.json"}),
                                   {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 1);
  const Json document = result_of(folder);
  EXPECT_EQ(failure_of(document, "deep/threads/tasks:10"), "");
  EXPECT_EQ(failure_of(document, "deep/fibers/tasks:10/stack:524288"), "");
  EXPECT_EQ(samples_of(document, "deep/fibers/tasks:10/stack:524288"), 1U);
  // A sanitizer reports the fault itself and exits.
  EXPECT_THAT(failure_of(document, "deep/fibers/tasks:10"), AnyOf(HasSubstr("killed by signal 11"), HasSubstr("exit")));
}

TEST(Faults, ARunThatHangsIsEndedAtItsLimit) {
  const TempFolder folder;
  const Finished run = run_program(faulty({"--model=serial,processes,threads", "--workload=hangs,spins",
                                           "--repetitions=3", "--time-limit=300ms", "--out=r.json"}),
                                   {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 1);
  const Json document = result_of(folder);
  for (const std::string cell :
       {"hangs/serial", "hangs/processes", "hangs/threads", "spins/serial", "spins/processes", "spins/threads"}) {
    EXPECT_THAT(failure_of(document, cell + "/tasks:10"), AllOf(HasSubstr("within 300 ms"), HasSubstr("--time-limit")))
        << cell;
  }
}

TEST(Faults, ACellThatHangsDoesNotTakeTheOthersWithIt) {
  const TempFolder folder;
  const Finished run = run_program(
      faulty({"--model=serial", "--workload=hangs,quick", "--repetitions=2", "--time-limit=3s", "--out=r.json"}),
      {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(failure_of(result_of(folder), "hangs/serial/tasks:10"), HasSubstr("within 3.00 s"));
  EXPECT_EQ(samples_of(result_of(folder), "quick/serial/tasks:10"), 2U);
}

// ---- Limits ----

std::uint64_t pid_max() { return std::stoull(read_text("/proc/sys/kernel/pid_max")); }

TEST(Limits, MoreUnitsThanTheMachineAllowsAreSkippedWithTheLimitAndItsRemedy) {
  if (pid_max() >= 10'000'000) GTEST_SKIP() << "more processes are allowed here than tasks";
  const TempFolder folder;
  const std::string tasks = std::to_string(pid_max() + 1);
  const Finished run = run_program(
      bench({"--model=processes,threads", "--workload=io", "--tasks=" + tasks, "--wait=1ms", "--out=r.json"}),
      {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 1);  // nothing could run
  EXPECT_THAT(run.out, AllOf(HasSubstr("processes  skipped: needs "), HasSubstr("threads    skipped: needs "),
                             HasSubstr("kernel.pid_max = " + std::to_string(pid_max())),
                             HasSubstr("lift it with: sysctl kernel.pid_max=")));
  const Json document = result_of(folder);
  ASSERT_THAT(document["context"]["bench"]["skipped"], SizeIs(2));
  for (const Json& skipped : document["context"]["bench"]["skipped"]) {
    EXPECT_THAT(skipped["reason"].get<std::string>(), HasSubstr("sysctl kernel.pid_max="));
  }
  EXPECT_THAT(document["benchmarks"], IsEmpty());
}

TEST(Limits, ASkippedCellDoesNotSpoilTheOthers) {
  const TempFolder folder;
  const Finished run =
      run_program(faulty({"--model=unavailable,noted,serial", "--workload=quick", "--repetitions=1", "--out=r.json"}),
                  {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.out, HasSubstr("skipped: not available here"));
  EXPECT_THAT(run.out, HasSubstr("here it is a row for tests"));
  EXPECT_EQ(samples_of(result_of(folder), "quick/serial/tasks:10"), 1U);
}

// ---- Signals ----

// Whether a run of `units` processes or threads is under way below `harness`.
bool run_is_under_way(pid_t harness, const std::string& model, std::size_t units) {
  const std::vector<ProcessId> tree = descendants_of(harness);
  if (model == "processes") return tree.size() >= units + 2;  // and the launcher and the run's first process
  return std::ranges::any_of(tree, [&](const ProcessId& process) { return threads_of(process.pid) >= units + 1; });
}

// Waits until none of `tree` lives; returns the milliseconds that it took. After `patience` it ends what is left itself
// and returns -1.
std::int64_t milliseconds_until_gone(const std::vector<ProcessId>& tree) {
  const auto begin = std::chrono::steady_clock::now();
  if (!wait_for_event([&] { return std::ranges::none_of(tree, is_alive); })) {
    for (const ProcessId& process : tree) {
      if (is_alive(process)) kill(process.pid, SIGKILL);
    }
    return -1;
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
}

constexpr std::size_t tasks = 20;

// A plan whose first run lasts for an hour.
std::vector<std::string> hour_long(const std::string& model) {
  return bench({"--model=" + model, "--workload=io", "--tasks=" + std::to_string(tasks), "--wait=1h", "--repetitions=5",
                "--out=r.json"});
}

class Stopped : public testing::TestWithParam<std::tuple<std::string, int>> {};

std::string stopped_name(const testing::TestParamInfo<Stopped::ParamType>& info) {
  const int signal_number = std::get<1>(info.param);
  return std::get<0>(info.param) + (signal_number == SIGINT    ? "_SIGINT"
                                    : signal_number == SIGTERM ? "_SIGTERM"
                                                               : "_SIGHUP");
}

TEST_P(Stopped, FinishesTheCurrentRunAndWritesWhatThereIs) {
  const auto [model, signal_number] = GetParam();
  const TempFolder folder;
  Program program(bench({"--model=" + model, "--workload=io", "--tasks=" + std::to_string(tasks), "--wait=1s",
                         "--repetitions=1000", "--out=r.json"}),
                  {.folder = folder.path()});
  ASSERT_TRUE(program.wait_until([&, &name = model] { return run_is_under_way(program.pid(), name, tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  program.send_signal(signal_number);
  const Finished finished = program.finish();
  EXPECT_EQ(finished.exit_status, 130) << finished.signal << finished.err;
  EXPECT_TRUE(std::ranges::none_of(tree, is_alive));
  const Json document = result_of(folder);
  EXPECT_EQ(document["context"]["bench"]["interrupted"], true);
  const std::size_t samples = samples_of(document, "io/" + model + "/tasks:20/wait:1s");
  EXPECT_GE(samples, 1U);  // the run that was under way has been finished
  EXPECT_LT(samples, 1000U);
  EXPECT_THAT(finished.out, HasSubstr(", interrupted\n"));
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
}

using StoppedByThoseWhoAreThere = Stopped;

TEST_P(StoppedByThoseWhoAreThere, EndsTheCurrentRunAtTheSecondSignal) {
  const auto [model, signal_number] = GetParam();
  const TempFolder folder;
  Program program(hour_long(model), {.folder = folder.path()});
  ASSERT_TRUE(program.wait_until([&, &name = model] { return run_is_under_way(program.pid(), name, tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  program.send_signal(signal_number);
  ASSERT_TRUE(program.wait_until([&] { return program.so_far().err.find("once more ends it") != std::string::npos; }));
  EXPECT_TRUE(std::ranges::all_of(tree, is_alive));  // the first signal has not ended the run
  program.send_signal(signal_number);
  const Finished finished = program.finish();
  EXPECT_EQ(finished.exit_status, 130) << finished.signal << finished.err;
  EXPECT_TRUE(std::ranges::none_of(tree, is_alive));
  const Json document = result_of(folder);
  EXPECT_EQ(document["context"]["bench"]["interrupted"], true);
  EXPECT_THAT(document["benchmarks"], IsEmpty());
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
}

INSTANTIATE_TEST_SUITE_P(Cli, Stopped,
                         testing::Combine(testing::Values("processes", "threads"),
                                          testing::Values(SIGINT, SIGTERM, SIGHUP)),
                         stopped_name);
INSTANTIATE_TEST_SUITE_P(Cli, StoppedByThoseWhoAreThere,
                         testing::Combine(testing::Values("processes", "threads"), testing::Values(SIGINT, SIGTERM)),
                         stopped_name);

TEST(Interrupted, CtrlCOnATerminalReachesTheHarnessAndNotTheRun) {
  const TempFolder folder;
  Program program(
      bench({"--model=processes", "--workload=io", "--tasks=20", "--wait=1s", "--repetitions=1000", "--out=r.json"}),
      {.folder = folder.path(), .stdout_is_terminal = true, .stderr_is_terminal = true});
  ASSERT_TRUE(program.wait_until([&] { return run_is_under_way(program.pid(), "processes", tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  program.type("\x03");
  const Finished finished = program.finish();
  EXPECT_EQ(finished.exit_status, 130) << finished.signal << finished.err;
  EXPECT_TRUE(std::ranges::none_of(tree, is_alive));
  EXPECT_GE(samples_of(result_of(folder), "io/processes/tasks:20/wait:1s"), 1U);
  EXPECT_EQ(result_of(folder)["context"]["bench"]["interrupted"], true);
}

TEST(Interrupted, CtrlCTwiceOnATerminalEndsTheRun) {
  const TempFolder folder;
  Program program(hour_long("threads"), {.folder = folder.path(), .stderr_is_terminal = true});
  ASSERT_TRUE(program.wait_until([&] { return run_is_under_way(program.pid(), "threads", tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  program.type("\x03");
  ASSERT_TRUE(
      program.wait_until([&] { return program.so_far().terminal.find("once more ends it") != std::string::npos; }));
  program.type("\x03");
  EXPECT_EQ(program.finish().exit_status, 130);
  EXPECT_TRUE(std::ranges::none_of(tree, is_alive));
}

TEST(Interrupted, KeepsTheFailuresThatCameBefore) {
  const TempFolder folder;
  Program program(faulty({"--model=processes", "--workload=wrong,hangs", "--repetitions=5", "--out=r.json"}),
                  {.folder = folder.path()});
  ASSERT_TRUE(program.wait_until([&] { return program.so_far().err.find("wrong/processes") != std::string::npos; }));
  ASSERT_TRUE(program.wait_until([&] { return run_is_under_way(program.pid(), "processes", 1); }));
  program.send_signal(SIGINT);
  ASSERT_TRUE(program.wait_until([&] { return program.so_far().err.find("once more ends it") != std::string::npos; }));
  program.send_signal(SIGINT);
  EXPECT_EQ(program.finish().exit_status, 130);
  EXPECT_THAT(failure_of(result_of(folder), "wrong/processes/tasks:10"), HasSubstr("task 5 left 7"));
}

// ---- The harness, its launcher or its terminal gone ----

class Gone : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Cli, Gone, testing::Values("processes", "threads"),
                         [](const auto& test) { return test.param; });

TEST_P(Gone, NothingOutlivesAHarnessThatIsKilled) {
  const TempFolder folder;
  Program program(hour_long(GetParam()), {.folder = folder.path()});
  ASSERT_TRUE(program.wait_until([&] { return run_is_under_way(program.pid(), GetParam(), tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  program.send_signal(SIGKILL);
  const std::int64_t took_ms = milliseconds_until_gone(tree);
  EXPECT_GE(took_ms, 0) << "a process outlived the harness";
  EXPECT_EQ(program.finish().signal, SIGKILL);
  RecordProperty("milliseconds_until_gone", std::to_string(took_ms));
  std::cout << tree.size() << " processes were gone after " << took_ms << " ms\n";
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));  // killed before the first run had ended
}

TEST_P(Gone, NothingOutlivesALauncherThatIsKilled) {
  const TempFolder folder;
  Program program(hour_long(GetParam()), {.folder = folder.path()});
  ASSERT_TRUE(program.wait_until([&] { return run_is_under_way(program.pid(), GetParam(), tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  kill(tree.front().pid, SIGKILL);  // the harness's only child
  EXPECT_GE(milliseconds_until_gone(tree), 0) << "a process outlived the launcher";
  const Finished finished = program.finish();
  EXPECT_EQ(finished.exit_status, 1);
  EXPECT_THAT(finished.err, HasSubstr("bench: the launcher process has died"));
}

TEST_P(Gone, NothingOutlivesAClosedTerminal) {
  const TempFolder folder;
  Program program(hour_long(GetParam()), {.folder = folder.path(), .stderr_is_terminal = true});
  ASSERT_TRUE(program.wait_until([&] { return run_is_under_way(program.pid(), GetParam(), tasks); }));
  const std::vector<ProcessId> tree = descendants_of(program.pid());
  program.hang_up();
  EXPECT_GE(milliseconds_until_gone(tree), 0) << "a process outlived the terminal";
  program.finish();
  EXPECT_TRUE(result_of(folder)["context"]["bench"]["interrupted"]);
}

TEST(Killed, AHarnessKilledBetweenRunsLeavesAWholeFile) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const TempFolder folder;
    Program program(bench({"--model=threads,serial", "--workload=io", "--tasks=4", "--wait=1ms", "--repetitions=1000",
                           "--quiet", "--out=r.json"}),
                    {.folder = folder.path()});
    std::size_t runs = 0;
    ASSERT_TRUE(program.wait_until([&] {
      const std::string text = read_text(folder.file("r.json"));
      runs = text.empty() ? 0 : Json::parse(text)["benchmarks"].size();
      return runs > static_cast<std::size_t>(attempt);
    }));
    const std::vector<ProcessId> tree = descendants_of(program.pid());
    program.send_signal(SIGKILL);
    EXPECT_GE(milliseconds_until_gone(tree), 0);
    program.finish();
    EXPECT_GE(result_of(folder)["benchmarks"].size(), runs);
  }
}

// As when a disk fills up in the middle of a plan.
TEST(Killed, AResultThatCanNoLongerBeWrittenIsPrintedAndTheLastOneKept) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.file("sub"));
  Program program(
      bench({"--model=serial", "--workload=io", "--tasks=1", "--wait=1ms", "--repetitions=20", "--out=sub/r.json"}),
      {.folder = folder.path()});
  ASSERT_TRUE(program.wait_until([&] { return !read_text(folder.file("sub/r.json")).empty(); }));
  std::filesystem::rename(folder.file("sub"), folder.file("moved"));
  const Finished finished = program.finish();
  EXPECT_EQ(finished.exit_status, 1);
  const std::string problem = "bench: write sub/r.json: No such file or directory";
  EXPECT_THAT(finished.err, AllOf(HasSubstr(problem + "; the plan goes on\n"), EndsWith(problem + "\n")));
  EXPECT_THAT(finished.out, HasSubstr("\nserial "));
  EXPECT_TRUE(Json::accept(read_text(folder.file("moved/r.json"))));
}

}  // namespace
}  // namespace bench
