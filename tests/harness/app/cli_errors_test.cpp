// Why: whoever mistypes gets exit status 2 and one line that helps, at once; nothing has run and nothing is written.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Refusal {
  std::string name;  // of the test
  std::vector<std::string> arguments;
  std::vector<std::string> words;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << testing::PrintToString(refusal.arguments); }

class BadInput : public testing::TestWithParam<Refusal> {};

TEST_P(BadInput, IsRefusedInOneLineAndLeavesNothing) {
  const TempFolder folder;
  std::vector<std::string> arguments{BENCH_BINARY};
  arguments.insert(arguments.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  const Finished finished = run_program(arguments, {.folder = folder.path()});
  EXPECT_EQ(finished.exit_status, 2);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  EXPECT_THAT(finished.err, AllOf(StartsWith("bench: "), EndsWith("\n")));
  for (const std::string& words : GetParam().words) EXPECT_THAT(finished.err, HasSubstr(words));
  EXPECT_THAT(folder.entries(), IsEmpty());
}

const std::vector<Refusal> refusals{
    {"Model", {"--model=threds"}, {"unknown model 'threds'", "did you mean 'threads'?", "bench list"}},
    {"ModelInAList", {"--model=serial,epol", "--workload=io"}, {"unknown model 'epol'", "did you mean 'epoll'?"}},
    {"InnerModel", {"--model=processes+epol"}, {"unknown model 'epol'", "did you mean 'epoll'?"}},
    {"OuterModel", {"--model=epoll+threads"}, {"epoll+threads", "only processes and threads can carry"}},
    {"ForksInThreads", {"--model=threads+process-pool"}, {"threads+process-pool", "must not fork"}},
    {"ForksDeepInThreads", {"--model=threads+processes+epoll"}, {"threads+processes+epoll", "must not fork"}},
    {"FormatBesideTheResult", {"--format=csv", "--out=-"}, {"--format=csv", "--out=-"}},
    {"ProcessesInProcesses", {"--model=processes+processes"}, {"processes+processes", "more processes"}},
    {"Workload", {"--workload=oi"}, {"unknown workload 'oi'", "did you mean 'io'?", "bench list"}},
    {"Primitive", {"--workload=spwan"}, {"unknown workload 'spwan'", "did you mean 'spawn'?"}},
    {"ModelWithoutAPrimitive", {"--workload=spawn", "--model=epoll"}, {"--model=epoll: ", "processes, threads"}},
    {"CpusOfAPrimitive", {"--workload=spawn", "--cpus=1"}, {"--cpus: none of the chosen workloads takes it"}},
    {"TasksOfASpawn", {"--workload=spawn", "--tasks=5"}, {"--tasks: none of the chosen workloads takes it", "idle do"}},
    {"Flag", {"--wrokload=io"}, {"unknown option '--wrokload'", "did you mean '--workload'?"}},
    {"ShortFlag", {"-m"}, {"Option -m does not exist"}},
    {"LetterWithoutAValue", {"load", "-H"}, {"Option -H is missing an argument"}},
    {"NoDescriptorToNameAsAFile",
     {"--out=/proc/self/fd/99"},
     {"--out=/proc/self/fd/99", "cannot be written: No such file"}},
    {"Command", {"rnu"}, {"unknown command 'rnu'", "did you mean 'run'?"}},
    {"Choice", {"--format=jsn"}, {"--format=jsn", "console, json, csv, markdown", "did you mean 'json'?"}},
    {"Argument", {"--model=serial", "io"}, {"unexpected argument 'io'"}},
    {"MissingValue", {"--tasks"}, {"--tasks is missing an argument"}},
    {"ValueOfASwitch", {"--force=no"}, {"--force=no", "takes no value"}},
    {"NoTasks", {"--tasks=0"}, {"--tasks=0", "between 1 and 10,000,000"}},
    {"TooManyTasks", {"--tasks=99999999999"}, {"--tasks=99999999999", "between 1 and 10,000,000"}},
    {"NegativeWait", {"--wait=-1ms"}, {"--wait=-1ms", "must not be negative"}},
    {"NegativeWaitApart", {"--wait", "-1ms"}, {"1ms"}},
    {"Unit", {"--wait=10q"}, {"--wait=10q", "unknown unit 'q'", "ns, us, ms, s, m, h"}},
    {"NoUnit", {"--wait=10"}, {"--wait=10", "a unit is missing", "ns, us, ms, s, m, h"}},
    {"WaitOfWhatDoesNotWait", {"--workload=cpu", "--wait=1ms"}, {"--wait: none of the chosen workloads takes it"}},
    {"WorkOfWhatDoesNotWork", {"--workload=io", "--work=5"}, {"--work: none of the chosen workloads takes it"}},
    {"WorkersWithoutAPool", {"--model=serial", "--workers=2"}, {"--workers: none of the chosen models takes it"}},
    {"ConnectionsOfAJob",
     {"--workload=io", "--connections=5"},
     {"--connections: none of the chosen workloads", "echo"}},
    {"TasksOfAService", {"--workload=echo", "--tasks=5"}, {"--tasks: none of the chosen workloads takes it"}},
    {"ServeWithoutAModel", {"serve", "--workload=echo"}, {"--model is missing"}},
    {"ServeTwoModels", {"serve", "--model=epoll,threads", "--workload=echo"}, {"--model=epoll,threads", "one model"}},
    {"ServeWhatIsOfLoad", {"serve", "--timeout=1s"}, {"--timeout: `bench serve` does not take it"}},
    {"LoadWithoutAUrl", {"load"}, {"the URL of the server is missing"}},
    {"LoadOfNoUrl", {"load", "localhost"}, {"localhost: expected a URL", "http://"}},
    {"WhatATerminalWouldObey", {"load", "http://a\x1B[31m/"}, {"http://a\\x1B[31m/: "}},
    {"ArgumentThatATerminalWouldObey", {"run", "\x1B[31m"}, {"'\\x1B[31m'"}},
    {"ColumnsOfCsv", {"--format=csv", "--columns=p99"}, {"--columns=p99: is about tables", "csv and json have all"}},
    {"LoadOfALongDatagram",
     {"load", "udp://127.0.0.1:9", "--message-size=1MiB"},
     {"--message-size=1MiB: must be between 1 and 65,495 bytes for udp-echo"}},
    {"WorkOfTwoJobs", {"--workload=sum,cpu", "--work=5M"}, {"--work=5M: must be between 1 and 1,000,000 for cpu"}},
    {"HelpOfNoCommand", {"help", "laod"}, {"unknown command 'laod'", "did you mean 'load'?"}},
    {"CpuRange", {"--workload=echo", "--server-cpus=0-1"}, {"--server-cpus=0-1", "joined by a colon, such as 0:1"}},
    {"OutInNoFolder", {"--out=none/r.json"}, {"--out=none/r.json", "the folder none does not exist"}},
    {"OutIsAFolder", {"--out=."}, {"--out=.", "is a folder"}},
    {"OutWhereNothingCanBeMade", {"--out=/proc/r.json"}, {"--out=/proc/r.json", "cannot be written"}},
    {"OutIsADevice", {"--out=/dev/full", "--force"}, {"--out=/dev/full", "no regular file"}},
    {"OutIsEmpty", {"--out="}, {"--out=", "name a file"}},
    {"ListOfAnUnknownModel", {"list", "--model=threds"}, {"did you mean 'threads'?"}},
    {"DryRunOfAnUnknownModel", {"--dry-run", "--model=threds"}, {"did you mean 'threads'?"}},
};

INSTANTIATE_TEST_SUITE_P(Cli, BadInput, testing::ValuesIn(refusals), [](const auto& test) { return test.param.name; });

TEST(CliErrors, AnExistingResultIsKeptWithoutForce) {
  const TempFolder folder;
  std::ofstream(folder.file("r.json")) << "precious";
  const Finished finished = run_program({BENCH_BINARY, "--out=r.json"}, {.folder = folder.path()});
  EXPECT_EQ(finished.exit_status, 2);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, AllOf(HasSubstr("--out=r.json"), HasSubstr("exists already"), HasSubstr("--force")));
  EXPECT_EQ(read_text(folder.file("r.json")), "precious");
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
}

TEST(CliErrors, AFolderThatMayNotBeWrittenIsFoundOutBeforeTheFirstRun) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TempFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0500), 0);
  const Finished finished = run_program({BENCH_BINARY, "--out=" + folder.file("r.json")});
  EXPECT_EQ(finished.exit_status, 2);
  EXPECT_THAT(finished.err, HasSubstr("cannot be written"));
  chmod(folder.path().c_str(), 0700);
}

TEST(CliErrors, ADefaultFolderThatCannotBeMadeIsFoundOutBeforeTheFirstRun) {
  const TempFolder folder;
  const Finished finished =
      run_program({BENCH_BINARY, "run"}, {.folder = folder.path(), .environment = {{"BENCH_RESULTS", "/proc/none"}}});
  EXPECT_EQ(finished.exit_status, 2);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, AllOf(HasSubstr("/proc/none"), HasSubstr("cannot be made")));
}

TEST(CliErrors, AReportThatNobodyGotIsAFailure) {
  for (const std::string command : {"list", "help", "version", "--dry-run"}) {
    const Finished finished = run_program({BENCH_BINARY, command}, {.stdout_file = "/dev/full"});
    EXPECT_EQ(finished.exit_status, 1) << command;
    EXPECT_EQ(finished.err, "bench: write to standard output: No space left on device\n") << command;
  }
}

// As `bench list | true`.
TEST(CliErrors, AReaderThatHasSeenEnoughIsNoFailure) {
  for (const std::string command : {"list", "help", "version"}) {
    const Finished finished =
        run_program({"/bin/bash", "-c", "set -o pipefail; (sleep 0.2; \"$0\" \"$1\") | true", BENCH_BINARY, command});
    EXPECT_EQ(finished.exit_status, 0) << command;
    EXPECT_EQ(finished.err, "") << command;
  }
}

// What is opened next takes the place of what is closed, and would get what is meant for people.
TEST(CliErrors, StandardDescriptorsMayBeClosed) {
  const std::string plan = R"("$0" --model=serial,threads --workload=io --tasks=2 --wait=1ms --repetitions=4)";
  const auto samples = [](const std::string& path) {
    const auto rows = nlohmann::json::parse(read_text(path)).at("benchmarks");
    return std::ranges::count_if(rows, [](const nlohmann::json& row) { return row["run_type"] == "iteration"; });
  };
  const TempFolder folder;
  const auto status = [&](const std::string& command) {
    return run_program({"/bin/sh", "-c", command, BENCH_BINARY}, {.folder = folder.path()}).exit_status;
  };
  EXPECT_EQ(status(plan + " --out=a.json <&- 2>&-"), 0);
  EXPECT_EQ(samples(folder.file("a.json")), 8);
  EXPECT_EQ(status(plan + " --out=b.json >&-"), 1);  // nobody got the report
  EXPECT_EQ(samples(folder.file("b.json")), 8);
  EXPECT_EQ(status(plan + " --out=c.json --quiet <&- >&- 2>&-"), 0);
  EXPECT_EQ(samples(folder.file("c.json")), 8);
}

TEST(CliErrors, TheProgramThatWorksOverMpiIsMissed) {
  const TempFolder folder;
  const std::string alone = folder.file("bench");
  std::filesystem::copy_file(BENCH_BINARY, alone);
  const Finished finished = run_program({alone, "--workload=echo", "--model=epoll", "--over=mpi"});
  EXPECT_EQ(finished.exit_status, 1);
  EXPECT_THAT(finished.err, AllOf(StartsWith("bench: --over=mpi: " + alone + "-mpi: No such file"),
                                  HasSubstr("libopenmpi-dev openmpi-bin")));
}

TEST(CliErrors, TheNameOfStandardOutputIsStandardOutput) {
  const Finished finished = run_program({BENCH_BINARY, "--model=serial", "--workload=io", "--tasks=1", "--wait=1ms",
                                         "--repetitions=1", "--no-progress", "--out=/dev/stdout"});
  EXPECT_EQ(finished.exit_status, 0);
  EXPECT_TRUE(nlohmann::json::accept(finished.out));
}

}  // namespace
}  // namespace bench
