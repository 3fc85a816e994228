// Why: CI goes by the exit status of `bench compare` and `bench ab`, and people by the first line that they print.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/result_document.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<double> around(double middle) {
  std::vector<double> values;
  for (int i = 0; i < 12; ++i) values.push_back(middle * (1 + 0.002 * ((i * 5) % 7) - 0.006));
  return values;
}

class Files {
 public:
  std::string add(const std::string& name, const ResultDocument& document) const {
    write(folder.file(name), document.text());
    return folder.file(name);
  }

  TempFolder folder;

 private:
  static void write(const std::string& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    std::fputs(text.c_str(), file);
    std::fclose(file);
  }
};

ResultDocument jobs(double threads_ns, double epoll_ns) {
  ResultDocument document;
  document.job("io/threads", around(threads_ns)).job("io/epoll", around(epoll_ns));
  return document;
}

Finished compare(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{BENCH_BINARY, "compare"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command);
}

TEST(CompareCli, EndsWithAStatusForCi) {
  const Files files;
  const std::string old = files.add("old.json", jobs(1e7, 1e7));
  const std::string same = files.add("same.json", jobs(1e7, 1e7));
  const std::string slower = files.add("slower.json", jobs(1.2e7, 0.8e7));
  const std::string unclear = files.add("unclear.json", jobs(1.05e7, 1e7));
  const Finished is_same = compare({old, same});
  EXPECT_EQ(is_same.exit_status, 0);
  EXPECT_THAT(is_same.out, StartsWith("same against old: 2 same\n"));
  EXPECT_THAT(is_same.err, IsEmpty());
  const Finished is_slower = compare({"base=" + old, "mine=" + slower});
  EXPECT_EQ(is_slower.exit_status, 3);
  EXPECT_THAT(is_slower.out, StartsWith("mine against base: 1 slower, 1 faster\n"));
  EXPECT_EQ(compare({old, unclear}).exit_status, 0);
  EXPECT_EQ(compare({old, unclear, "--fail-on=undecided"}).exit_status, 4);
  EXPECT_EQ(compare({old, same, slower}).exit_status, 3);  // any of them
}

TEST(CompareCli, NeverPassesWithoutFigures) {
  const Files files;
  const std::string old = files.add("old.json", jobs(1e7, 1e7));
  ResultDocument broken;
  broken.job("io/threads", around(1e7)).failed("io/epoll", "killed by signal 9");
  const Finished failed = compare({old, files.add("failed.json", broken)});
  EXPECT_EQ(failed.exit_status, 1);
  EXPECT_THAT(failed.out, HasSubstr("not comparable: failed in failed: killed by signal 9"));
  const Finished less = compare({old, files.add("less.json", ResultDocument().job("io/threads", around(1e7)))});
  EXPECT_EQ(less.exit_status, 1);
  EXPECT_THAT(less.out, HasSubstr("Only in old: io/epoll"));
  ResultDocument told = jobs(1e7, 1e7);
  told.set_of("io/epoll", "/bench/parameters/tasks", 7);
  EXPECT_EQ(compare({old, files.add("told.json", told)}).exit_status, 5);
  EXPECT_EQ(compare({files.folder.file("failed.json"), old}).exit_status, 5) << "the first failed, which is no pass";
  EXPECT_EQ(compare({old, files.add("same.json", jobs(1e7, 1e7)), files.add("told2.json", told)}).exit_status, 5);
  EXPECT_EQ(compare({old, files.add("other.json", ResultDocument().job("cpu/threads", around(1e7)))}).exit_status, 1);
  EXPECT_EQ(compare({files.add("none.json", {}), files.add("nothing.json", {})}).exit_status, 1);
  const Finished absent = compare({old, files.folder.file("absent.json")});
  EXPECT_EQ(absent.exit_status, 1);
  EXPECT_THAT(absent.err, AllOf(HasSubstr("absent.json: cannot be opened"), HasSubstr("No such file")));
  EXPECT_THAT(absent.out, IsEmpty());
}

TEST(CompareCli, SaysWhatIsWrongWithItsArguments) {
  const Files files;
  const std::string old = files.add("old.json", jobs(1e7, 1e7));
  EXPECT_THAT(compare({old}).err, HasSubstr("name two result files or more"));
  EXPECT_THAT(compare({old, old}).err, HasSubstr("more than one file is called"));
  EXPECT_THAT(compare({old, "b=" + old, "--threshold=5"}).err, HasSubstr("--threshold=5"));
  EXPECT_THAT(compare({old, "b=" + old, "--metric=tiem"}).err, HasSubstr("--metric=tiem: allowed are time, cpu"));
  EXPECT_EQ(compare({old, "b=" + old, "--metric=tiem"}).exit_status, 2);
}

TEST(CompareCli, TellsFilesOfOneNameApartByTheirFolders) {
  const Files files;
  std::filesystem::create_directory(files.folder.file("main"));
  std::filesystem::create_directory(files.folder.file("pr"));
  const std::string before = files.add("main/r.json", jobs(1e7, 1e7));
  const std::string after = files.add("pr/r.json", jobs(1e7, 1e7));
  EXPECT_THAT(compare({before, after}).out,
              StartsWith(fmt::format("{} against {}: 2 same", after.substr(0, after.size() - 5),
                                     before.substr(0, before.size() - 5))));
  EXPECT_THAT(compare({"a=" + before, after}).out, StartsWith("r against a: 2 same"));
}

TEST(CompareCli, HoldsNoAbsoluteFiguresOfDifferentMachinesAgainstEachOther) {
  const Files files;
  ResultDocument here;
  here.job("io/serial", around(4e7)).job("io/threads", around(1e7)).job("io/epoll", around(0.8e7));
  ResultDocument there;
  there.job("io/serial", around(2e7)).job("io/threads", around(0.3e7)).job("io/epoll", around(0.4e7));
  there.machine()["cpu_model"] = "another CPU";
  const std::string a = files.add("a.json", here);
  const std::string b = files.add("b.json", there);
  const Finished compared = compare({a, b});
  EXPECT_EQ(compared.exit_status, 5);
  EXPECT_THAT(compared.out, AllOf(HasSubstr("a against b differs in: CPU: a CPU against another CPU"),
                                  HasSubstr("over that of serial on the same machine"),
                                  HasSubstr("epoll costs less than threads on a (0.80×"),
                                  HasSubstr("and more on b (1.33×"), HasSubstr("raw values")));
  EXPECT_EQ(compare({a, b, "--reference=bogus"}).exit_status, 2);
  const Json document = Json::parse(compare({a, b, "--format=json", "--reference=threads"}).out);
  EXPECT_EQ(document["groups"][0]["reference"], "threads");
  EXPECT_EQ(document["groups"][0]["crossings"][0]["less"], "epoll");
  EXPECT_EQ(compare({a, b, "--format=csv"}).exit_status, 2);
}

TEST(CompareCli, WritesOtherFormats) {
  const Files files;
  const std::string old = files.add("old.json", jobs(1e7, 1e7));
  const std::string slower = files.add("new.json", jobs(1.2e7, 1e7));
  EXPECT_THAT(compare({old, slower, "--format=markdown"}).out, HasSubstr("<details>\n<summary>1 the same</summary>"));
  EXPECT_THAT(compare({old, slower, "--format=csv"}).out, HasSubstr("\nold,new,io/threads,time,"));
  EXPECT_EQ(Json::parse(compare({old, slower, "--format=json"}).out)["comparisons"][0]["counts"]["slower"], 1);
}

// What the program writes it reads.
TEST(CompareCli, ReadsResultsOfARun) {
  const TempFolder folder;
  const std::string path = folder.file("r.json");
  const Finished run =
      run_program({BENCH_BINARY, "--model=serial,epoll", "--workload=io,echo,switch", "--tasks=4", "--wait=1ms",
                   "--connections=4", "--rate=500", "--repetitions=2", "--quiet", "--out=" + path});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  const Json document = Json::parse(compare({"a=" + path, "b=" + path, "--format=json"}).out);
  EXPECT_GE(document["comparisons"][0]["counts"]["undecided"], 3);  // two runs tell nothing apart
  EXPECT_EQ(document["comparisons"][0]["counts"]["slower"], 0);
}

// ---- ab ----

const std::vector<std::string> ab_command{BENCH_BINARY, "ab",          "--model=serial", "--workload=io",
                                          "--tasks=2",  "--wait=20ms", "--pairs=6",      "--no-progress"};

std::vector<std::string> with(std::vector<std::string> command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

TEST(AbCli, RunsBothBuildsInTurns) {
  const TempFolder folder;
  const Finished ab =
      run_program(with(ab_command, {std::string("--baseline=") + BENCH_BINARY}), {.folder = folder.path()});
  EXPECT_TRUE(ab.exit_status == 0 || ab.exit_status == 3) << ab.err;  // by chance
  EXPECT_THAT(ab.out, AllOf(HasSubstr("The candidate against itself, 6 pairs"), HasSubstr("candidate against baseline"),
                            HasSubstr("io/serial/tasks:2/wait:20ms")));
  EXPECT_THAT(folder.entries(), IsEmpty());
}

// Twice as slow by an option for tests. Where others take as much from the runs, longer ones tell.
TEST(AbCli, FindsAnInjectedSlowdown) {
  const auto is_about_twice = [](const Json& found) {
    return std::abs(found.value("/change/effect"_json_pointer, 0.0) - 2) < 0.5;
  };
  Finished ab;
  Json cell;
  for (const char* wait : {"20ms", "100ms", "500ms", "2s"}) {
    ab = run_program({BENCH_BINARY, "ab", "--model=serial", "--workload=io", "--tasks=2", std::string("--wait=") + wait,
                      "--pairs=6", "--no-progress", std::string("--baseline=") + BENCH_BINARY, "--inject=slowdown:100%",
                      "--format=json"});
    cell = Json::parse(ab.out)["comparisons"][0]["cells"][0];
    if (ab.exit_status == 3 && is_about_twice(cell)) break;
  }
  EXPECT_EQ(ab.exit_status, 3) << ab.out << ab.err;
  EXPECT_EQ(cell["verdict"], "slower");
  EXPECT_TRUE(is_about_twice(cell)) << cell;
}

TEST(AbCli, SaysWhyABuildDoesNotRun) {
  const Finished absent = run_program(with(ab_command, {"--baseline=/nowhere/bench"}));
  EXPECT_EQ(absent.exit_status, 1);
  EXPECT_THAT(absent.err, HasSubstr("start /nowhere/bench: No such file or directory"));
  const Finished no_bench = run_program(with(ab_command, {"--baseline=/bin/false"}));
  EXPECT_EQ(no_bench.exit_status, 1);
  EXPECT_THAT(no_bench.err, HasSubstr("/bin/false --version ended with 1"));
  const Finished another = run_program(with(ab_command, {"--baseline=/bin/true"}));
  EXPECT_EQ(another.exit_status, 1);
  EXPECT_THAT(another.err, AllOf(HasSubstr("/bin/true --model=serial"), HasSubstr("ended with 0: it left no result")));
}

TEST(AbCli, SaysWhatIsWrongWithItsArguments) {
  const auto refusal = [](const std::vector<std::string>& arguments) {
    const Finished ab = run_program(with({BENCH_BINARY, "ab"}, arguments));
    EXPECT_EQ(ab.exit_status, 2);
    return ab.err;
  };
  EXPECT_THAT(refusal({}), HasSubstr("--baseline=PROGRAM"));
  EXPECT_THAT(refusal({"--baseline=a", "--baseline-rev=b"}), HasSubstr("--baseline-rev=REVISION"));
  EXPECT_THAT(refusal({"--baseline=a", "--workload=echo", "--rate=common"}), HasSubstr("give a number"));
  EXPECT_THAT(refusal({"--baseline=a", "--model=thredas"}), HasSubstr("did you mean 'threads'?"));
  EXPECT_THAT(refusal({"--baseline=a", "--out=r.json"}), HasSubstr("`bench ab` does not take it"));
}

// ---- doctor and export ----

// What it finds is looked at in tests/ci/workflow_test.sh, for it takes ten seconds.
TEST(DoctorCli, SaysWhatIsWrongWithItsArguments) {
  const Finished csv = run_program({BENCH_BINARY, "doctor", "--format=csv"});
  EXPECT_EQ(csv.exit_status, 2);
  EXPECT_THAT(csv.err, HasSubstr("--format=csv: allowed are console, json"));
  EXPECT_THAT(run_program({BENCH_BINARY, "doctor", "now"}).err, HasSubstr("unexpected argument 'now'"));
}

TEST(ExportCli, WritesWhatIsAskedFor) {
  const Files files;
  const std::string path = files.add("r.json", jobs(1e7, 1e7));
  EXPECT_THAT(run_program({BENCH_BINARY, "export", path, "--format=junit"}).out, StartsWith("<?xml"));
  EXPECT_THAT(run_program({BENCH_BINARY, "export", path}).err, HasSubstr("choose --format="));
  EXPECT_EQ(run_program({BENCH_BINARY, "export", "--format=csv"}).exit_status, 2);
  EXPECT_EQ(run_program({BENCH_BINARY, "export", files.folder.file("absent"), "--format=csv"}).exit_status, 1);
}

}  // namespace
}  // namespace bench
