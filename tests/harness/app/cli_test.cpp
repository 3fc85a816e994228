// Why: what the program prints and writes when all goes well is what its users and their scripts rely on.
#include <gmock/gmock.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/report/build_info.h"
#include "models/model.h"
#include "tests/harness/app/programs.h"
#include "tests/support/subprocess.h"
#include "workloads/job.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// A plan of two cells that takes half a second.
const std::vector<std::string> small{"--model=serial,threads", "--workload=io", "--tasks=4", "--wait=1ms",
                                     "--repetitions=1"};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> names_of(const Json& document, const std::string& run_type) {
  std::vector<std::string> names;
  for (const Json& row : document["benchmarks"]) {
    if (row["run_type"] == run_type) names.push_back(row["name"]);
  }
  return names;
}

// ---- list, help, version, dry run ----

TEST(Cli, ListsEveryModelAndWorkload) {
  const Finished list = run_program(bench({"list"}));
  EXPECT_EQ(list.exit_status, 0);
  EXPECT_THAT(list.err, IsEmpty());
  for (const Model& model : all_models()) EXPECT_THAT(list.out, HasSubstr("  " + std::string(model.name) + " "));
  for (const Job& job : all_jobs()) EXPECT_THAT(list.out, HasSubstr("  " + std::string(job.name)));
  EXPECT_EQ(run_program(bench({"--list"})).out, list.out);
}

TEST(Cli, HelpsWithExamplesThatWork) {
  const Finished help = run_program(bench({"--help"}));
  EXPECT_EQ(help.exit_status, 0);
  EXPECT_THAT(help.err, IsEmpty());
  EXPECT_EQ(run_program(bench({"help"})).out, help.out);
  EXPECT_EQ(run_program(bench({"-h"})).out, help.out);

  int examples = 0;
  for (const std::string& line : lines_of(help.out.substr(help.out.find("Examples:")))) {
    if (!line.starts_with("  bench ")) continue;
    std::istringstream words(line.substr(8));
    const std::vector<std::string> arguments{std::istream_iterator<std::string>(words), {}};
    EXPECT_EQ(run_program(bench(arguments, {"--dry-run"})).exit_status, 0) << line;
    ++examples;
  }
  EXPECT_GE(examples, 4);
}

TEST(Cli, TellsItsVersion) {
  const Finished version = run_program(bench({"--version"}));
  EXPECT_EQ(version.exit_status, 0);
  EXPECT_THAT(version.out, StartsWith("bench " + std::string(build_info.version) + " ("));
  EXPECT_EQ(run_program(bench({"version"})).out, version.out);
}

TEST(Cli, ADryRunPrintsThePlanAndRunsNothing) {
  const TempFolder folder;
  const Finished dry = run_program(
      bench({"--dry-run", "--model=serial,threads", "--workload=io", "--tasks=4,8", "--wait=1h:2h", "--seed=7"}),
      {.folder = folder.path()});
  EXPECT_EQ(dry.exit_status, 0);
  EXPECT_THAT(dry.err, IsEmpty());
  EXPECT_THAT(dry.out, AllOf(HasSubstr("io/serial/tasks:4/wait:1h+2h"), HasSubstr("io/threads/tasks:8/wait:1h+2h"),
                             HasSubstr("4 cells, seed 7; 8 to 200 rounds"), HasSubstr("in all\n")));
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(Cli, MultipliesListsOutAndJoinsValuesWithAColon) {
  const Finished dry = run_program(bench({"--dry-run", "--model=serial,thread-pool", "--workload=io,cpu", "--tasks=2,3",
                                          "--wait=1ms:2ms,5ms", "--workers=1,2"}));
  // io: 2 task counts × 2 waits × (serial + 2 pools); cpu: 2 task counts × (serial + 2 pools)
  EXPECT_THAT(dry.out, HasSubstr("18 cells"));
  EXPECT_THAT(dry.out, HasSubstr("io/thread-pool/tasks:3/wait:1ms+2ms/workers:2 "));
  EXPECT_THAT(dry.out, HasSubstr("cpu/serial/tasks:2/work:"));
}

// ---- A run and its outputs ----

TEST(Cli, ARunPrintsItsTableAndWritesItsResult) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--out=r.json"}), {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.out, AllOf(HasSubstr("io · 4 tasks · wait 1ms"), HasSubstr("\nmodel "), HasSubstr("\nserial "),
                             HasSubstr("\nthreads "), HasSubstr("ideal 1.00 ms"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(run.err, AllOf(HasSubstr("round 1 took"), HasSubstr("wrote r.json\n"), Not(HasSubstr("\x1b")),
                             Not(HasSubstr("\r"))));
  EXPECT_THAT(lines_of(run.err), Each(StartsWith("bench: ")));
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
  const Json document = Json::parse(read_text(folder.file("r.json")));
  EXPECT_THAT(names_of(document, "iteration"),
              ElementsAre("io/serial/tasks:4/wait:1ms", "io/threads/tasks:4/wait:1ms"));
  EXPECT_EQ(document["context"]["bench"]["interrupted"], false);
}

// A result shows as its run did, word for word.
TEST(Cli, ShowsAnOldResultAsItWas) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--out=r.json", "--columns=all"}), {.folder = folder.path()});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  const Finished shown = run_program({BENCH_BINARY, "show", "r.json", "--columns=all"}, {.folder = folder.path()});
  EXPECT_EQ(shown.exit_status, 0) << shown.err;
  EXPECT_EQ(shown.out, run.out);
  const Finished json = run_program({BENCH_BINARY, "show", "r.json", "--format=json"}, {.folder = folder.path()});
  EXPECT_EQ(json.out, read_text(folder.file("r.json")));
  const Finished other = run_program({BENCH_BINARY, "show", "r.json", "--workload=cpu"}, {.folder = folder.path()});
  EXPECT_EQ(other.exit_status, 1);
  EXPECT_THAT(other.err, HasSubstr("there is no 'cpu'; there are io"));
  const Finished none = run_program({BENCH_BINARY, "show", "none.json"}, {.folder = folder.path()});
  EXPECT_EQ(none.exit_status, 1);
  EXPECT_THAT(none.err, HasSubstr("none.json: cannot be opened"));
}

TEST(Cli, ARunMeasuresWhatWasAskedFor) {
  const TempFolder folder;
  const Finished run = run_program(bench({"--model=all", "--workload=cpu,io,mixed", "--tasks=4", "--wait=1ms",
                                          "--work=2000", "--repetitions=1", "--max-time=1h", "--out=-"}),
                                   {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  const Json document = Json::parse(run.out);
  const auto runs_here = [](const Model& model) { return !model.why_unavailable || model.why_unavailable().empty(); };
  const auto models = static_cast<std::size_t>(std::ranges::count_if(all_models(), runs_here));
  EXPECT_THAT(names_of(document, "iteration"), SizeIs(models * 3));
  for (const Json& row : document["benchmarks"]) {
    if (row["run_type"] != "iteration") continue;
    const double wait_ns = row["bench"]["parameters"].contains("waits_ns") ? 1e6 : 0;
    EXPECT_GE(row["real_time"].get<double>(), wait_ns) << row["name"];
    EXPECT_GT(row["real_time"].get<double>(), 0) << row["name"];
    EXPECT_GE(row["bench"]["latency_p50_ns"].get<double>(), wait_ns) << row["name"];
    EXPECT_GT(row["cpu_time"].get<double>(), 0) << row["name"];
  }
  EXPECT_THAT(folder.entries(), IsEmpty());  // --out=- writes no file
}

TEST(Cli, TheDefaultResultGoesToTheFolderOfResults) {
  const TempFolder folder;
  ASSERT_EQ(run_program(bench(small), {.folder = folder.path()}).exit_status, 0);
  EXPECT_THAT(folder.entries(), ElementsAre("results"));
  ASSERT_EQ(run_program(bench(small), {.folder = folder.path(), .environment = {{"BENCH_RESULTS", folder.file("own")}}})
                .exit_status,
            0);
  EXPECT_THAT(folder.entries(), ElementsAre("own", "results"));
  const Finished found = run_program({"/bin/ls", folder.file("own")});
  EXPECT_THAT(found.out, MatchesRegex("[0-9]{8}T[0-9]{6}Z-.+-([0-9a-f]+(-dirty)?|unknown)\\.json\n"));
  EXPECT_TRUE(Json::accept(read_text(folder.file("own/" + found.out.substr(0, found.out.size() - 1)))));
}

TEST(Cli, ForceOverwrites) {
  const TempFolder folder;
  const std::vector<std::string> quick = bench(small, {"--out=r.json", "--force"});
  ASSERT_EQ(run_program(quick, {.folder = folder.path()}).exit_status, 0);
  const std::string first = read_text(folder.file("r.json"));
  ASSERT_EQ(run_program(quick, {.folder = folder.path()}).exit_status, 0);
  EXPECT_NE(read_text(folder.file("r.json")), first);
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
}

TEST(Cli, JsonIsOneDocumentAndNothingElse) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--format=json", "--out=r.json"}), {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(names_of(Json::parse(run.out), "iteration"), SizeIs(2));
  EXPECT_EQ(run.out, read_text(folder.file("r.json")));
}

// The fields of RFC 4180 text, row by row.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] != '"') {
        field += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == ',' || text[i] == '\n') {
      rows.back().push_back(std::exchange(field, {}));
      if (text[i] == '\n') rows.emplace_back();
    } else if (text[i] != '\r') {
      field += text[i];
    }
  }
  rows.pop_back();
  return rows;
}

TEST(Cli, CsvHasOneRowForEachCellAndAValueForEachColumn) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--format=csv", "--out=r.json"}), {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  const auto rows = parse_csv(run.out);
  ASSERT_THAT(rows, SizeIs(3));
  std::map<std::string, std::string> serial;
  for (std::size_t column = 0; column < rows[0].size(); ++column) {
    ASSERT_THAT(rows, Each(SizeIs(rows[0].size())));
    serial[rows[0][column]] = rows[1][column];
  }
  EXPECT_EQ(serial["name"], "io/serial/tasks:4/wait:1ms");
  EXPECT_EQ(serial["tasks"], "4");
  EXPECT_EQ(serial["samples"], "1");
  EXPECT_GE(std::stod(serial["wall_ns"]), 4e6);
  EXPECT_EQ(serial["error"], "");
  EXPECT_EQ(rows[2][0], "io/threads/tasks:4/wait:1ms");
}

TEST(Cli, MarkdownIsATable) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--format=markdown", "--out=r.json"}), {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  const std::vector<std::string> lines = lines_of(run.out);
  EXPECT_THAT(lines.front(), StartsWith("### io · 4 tasks"));
  std::vector<long> bars;
  for (const std::string& line : lines) {
    if (line.starts_with("|")) bars.push_back(std::ranges::count(line, '|'));
  }
  ASSERT_THAT(bars, SizeIs(4));  // header, rule, two models
  EXPECT_THAT(bars, Each(bars.front()));
  EXPECT_GT(bars.front(), 5);
}

TEST(Cli, QuietSaysNothingAndWritesTheResult) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--quiet", "--out=r.json"}), {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
}

TEST(Cli, NoProgressLeavesStandardErrorEmpty) {
  const TempFolder folder;
  const Finished run = run_program(bench(small, {"--no-progress", "--out=r.json"}), {.folder = folder.path()});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.out, HasSubstr("\nthreads "));
  EXPECT_THAT(run.err, IsEmpty());
}

TEST(Cli, AReportThatCannotBePrintedStillLeavesTheResult) {
  const TempFolder folder;
  const Finished run =
      run_program(bench(small, {"--out=r.json"}), {.folder = folder.path(), .stdout_file = "/dev/full"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.err, HasSubstr("bench: write to standard output: No space left on device\n"));
  EXPECT_THAT(names_of(Json::parse(read_text(folder.file("r.json"))), "iteration"), SizeIs(2));
}

// ---- Colour and progress ----

TEST(Cli, ColoursOnlyWhereItIsWanted) {
  const TempFolder folder;
  const std::string bold = "\x1b[1m";
  const auto run = [&](std::vector<std::string> more, bool terminal, const std::string& no_color) {
    more.insert(more.end(), {"--no-progress", "--out=r.json", "--force"});
    ProgramOptions options{.folder = folder.path(), .stdout_is_terminal = terminal, .stderr_is_terminal = terminal};
    if (!no_color.empty()) options.environment["NO_COLOR"] = no_color;
    const Finished finished = run_program(bench(small, more), options);
    EXPECT_EQ(finished.exit_status, 0);
    return terminal ? finished.terminal : finished.out;
  };
  EXPECT_THAT(run({}, true, ""), HasSubstr(bold));
  EXPECT_THAT(run({}, true, "1"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"--color=never"}, true, ""), Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({}, false, ""), Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"--color=always"}, false, "1"), HasSubstr(bold));
}

// What the progress line showed, each state once: the text after every return to the line's start.
std::vector<std::string> progress_of(const std::string& terminal) {
  std::vector<std::string> shown;
  const std::string start = "\r\x1b[2K";
  for (std::size_t at = terminal.find(start); at != std::string::npos; at = terminal.find(start, at + 1)) {
    const std::size_t begin = at + start.size();
    const std::size_t end = terminal.find_first_of("\r\n", begin);
    shown.push_back(terminal.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return shown;
}

TEST(Cli, ShowsProgressWithTheTimeLeftOnATerminal) {
  const TempFolder folder;
  Program program(bench(small, {"--out=r.json"}), {.folder = folder.path(), .stderr_is_terminal = true});
  const Finished run = program.finish();
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.out, AllOf(HasSubstr("\nthreads "), Not(HasSubstr("\x1b"))));
  const std::vector<std::string> shown = progress_of(run.terminal);
  // Which of the two comes first in a round is by chance.
  const std::string last = " · last: (serial|threads) [0-9.]+ ms";
  EXPECT_THAT(shown, Contains(MatchesRegex("about [0-9]+:[0-9]{2} left · round 1 · io · (serial|threads)")));
  EXPECT_THAT(shown, Contains(MatchesRegex("about [0-9]+:[0-9]{2} left · round 1 · io · (serial|threads)" + last)));
  EXPECT_THAT(shown, Contains(MatchesRegex("about [0-9]+:[0-9]{2} left · memory · io · threads" + last)));
  EXPECT_THAT(shown, Each(AnyOf(StartsWith("about "), IsEmpty(), StartsWith("bench: "))));
  EXPECT_THAT(run.terminal, HasSubstr("\r\x1b[2Kbench: wrote r.json\r\n"));  // the line is removed in the end
}

TEST(Cli, SparesATerminalThatUnderstandsNone) {
  const TempFolder folder;
  Program program(bench(small, {"--out=r.json"}), {.folder = folder.path(),
                                                   .environment = {{"TERM", "dumb"}},
                                                   .stdout_is_terminal = true,
                                                   .stderr_is_terminal = true});
  const Finished run = program.finish();
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.terminal,
              AllOf(HasSubstr("\nthreads "), HasSubstr("bench: io: round 1 took"), Not(HasSubstr("\x1b"))));
}

TEST(Cli, KeepsTheProgressLineWithinTheTerminal) {
  const TempFolder folder;
  Program program(bench(small, {"--out=r.json"}), {.folder = folder.path(), .stderr_is_terminal = true, .columns = 20});
  const Finished run = program.finish();
  EXPECT_EQ(run.exit_status, 0);
  const std::vector<std::string> shown = progress_of(run.terminal);
  EXPECT_THAT(shown, Contains(StartsWith("about ")));
  for (const std::string& line : shown) {
    if (!line.starts_with("about ")) continue;
    EXPECT_LT(std::ranges::count_if(line, [](char byte) { return (byte & 0xC0) != 0x80; }), 20) << line;
  }
}

// ---- The order of runs ----

std::vector<std::string> order_of_runs(const std::string& seed) {
  const TempFolder folder;
  Program program(bench({"--model=serial,threads,thread-pool,coroutines,epoll", "--workload=io", "--tasks=1",
                         "--wait=1ms", "--repetitions=2", "--seed=" + seed, "--out=r.json"}),
                  {.folder = folder.path(), .stderr_is_terminal = true});
  const Finished run = program.finish();
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(Json::parse(read_text(folder.file("r.json")))["context"]["bench"]["seed"], std::stoull(seed));
  std::vector<std::string> order;
  for (const std::string& line : progress_of(run.terminal)) {
    const std::size_t round = line.find("round ");
    if (round == std::string::npos) continue;
    const std::string named =
        line.substr(round, line.find(" · last: ") - round);  // the figure of the one before differs
    if (order.empty() || order.back() != named) order.push_back(named);
  }
  return order;
}

TEST(Cli, TheSeedRepeatsTheOrderOfRuns) {
  const std::vector<std::string> order = order_of_runs("7");
  EXPECT_THAT(order, SizeIs(10));
  EXPECT_EQ(order_of_runs("7"), order);
  EXPECT_NE(order_of_runs("8"), order);
}

TEST(Cli, WithoutASeedOneIsDrawnAndRecorded) {
  const auto seed_of = [](const std::string& text) {
    const std::size_t at = text.find("seed ");
    return text.substr(at, text.find(';', at) - at);
  };
  const std::string first = seed_of(run_program(bench({"--dry-run"})).out);
  EXPECT_THAT(first, MatchesRegex("seed [0-9]+"));
  EXPECT_NE(seed_of(run_program(bench({"--dry-run"})).out), first);
}

// ---- The result while a plan runs ----

// How many times a file of a folder has been put in place by a rename.
class Renames {
 public:
  explicit Renames(const std::string& folder) : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    // Both ends of a rename, since the kernel would make one of equal events that follow each other.
    if (inotify_add_watch(fd_.get(), folder.c_str(), IN_MOVED_FROM | IN_MOVED_TO) < 0)
      throw std::runtime_error("inotify");
  }

  int count_of(const std::string& name) {
    alignas(inotify_event) std::array<char, 65536> buffer;
    for (ssize_t bytes = 0; (bytes = read(fd_.get(), buffer.data(), buffer.size())) > 0;) {
      for (ssize_t at = 0; at < bytes;) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        if (name == buffer.data() + at + sizeof event) ++renamed_;
        at += static_cast<ssize_t>(sizeof event + event.len);
      }
    }
    return renamed_;
  }

 private:
  UniqueFd fd_;
  int renamed_ = 0;
};

// How often a result was written, whole each time and never with fewer runs than before, and whether with some of them.
struct Writes {
  int times = 0;
  bool between = false;
};

Writes writes_of_runs(const std::string& wait) {
  const TempFolder folder;
  Renames renames(folder.path());
  Program program(bench({"--model=serial,threads", "--workload=io", "--tasks=4", "--wait=" + wait, "--repetitions=3",
                         "--quiet", "--out=r.json"}),
                  {.folder = folder.path()});
  std::size_t most = 0;
  Writes writes;
  program.wait_until([&] {
    const std::string text = read_text(folder.file("r.json"));
    if (text.empty()) return false;
    const Json document = Json::parse(text, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << "half a document of " << text.size() << " bytes";
    if (document.is_discarded()) return true;
    const std::size_t runs = names_of(document, "iteration").size();
    EXPECT_GE(runs, most);  // nothing is lost again
    most = std::max(most, runs);
    writes.between = writes.between || (runs > 0 && runs < 6);
    return false;
  });
  const Finished finished = program.finish();
  EXPECT_EQ(finished.exit_status, 0);
  EXPECT_THAT(names_of(Json::parse(read_text(folder.file("r.json"))), "iteration"), SizeIs(6));
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
  writes.times = renames.count_of("r.json");
  return writes;
}

// A tenth of the time goes into writing at the most, so that it depends on the machine how long runs have to be.
TEST(Cli, TheResultIsCompleteAfterEveryRun) {
  Writes writes;
  for (const char* wait : {"1ms", "50ms", "1s"}) {
    writes = writes_of_runs(wait);
    if (writes.between && writes.times >= 3) break;
  }
  EXPECT_TRUE(writes.between);
  EXPECT_GE(writes.times, 3);
}

}  // namespace
}  // namespace bench
