// Why: a row of a service says what limited it, and whoever reads it may rely on that; and the two halves alone, `bench
// serve` and `bench load`, behave as servers and load tools do.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/run/listener.h"
#include "models/model.h"
#include "tests/support/scripted_server.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

// What came of a program's one run: how it ended, and its row, the sample or the failure.
struct Ran {
  Finished finished;
  Json row;
};

Ran run_once(std::vector<std::string> arguments) {
  const TempFolder folder;
  arguments.emplace_back("--out=r.json");
  Ran ran{.finished = run_program(arguments, {.folder = folder.path()}), .row = {}};
  const Json document = Json::parse(read_text(folder.file("r.json")));
  for (const Json& row : document["benchmarks"]) {
    if (row["run_type"] == "iteration") {
      ran.row = row;
      break;
    }
  }
  return ran;
}

// In a window that is long enough for it: a machine that does other things too may leave next to nothing of a short
// one.
Ran run_until(const std::function<bool(const Ran&)>& is_as_expected, const std::vector<std::string>& arguments) {
  Ran ran;
  for (const char* duration : {"200ms", "1s", "5s", "25s"}) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {std::string("--duration=") + duration, "--warmup=0"});
    ran = run_once(std::move(all));
    if (is_as_expected(ran)) break;
  }
  return ran;
}

bool has_errors(const Ran& ran) { return ran.row.value("/bench/limit"_json_pointer, "") == "errors"; }

int connections_served(const Ran& ran) { return ran.row.value("/bench/connections_served"_json_pointer, 0); }

std::vector<std::string> of_faulty_bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), FAULTY_BENCH_BINARY);
  arguments.insert(arguments.end(), {"--repetitions=1", "--quiet"});
  return arguments;
}

// Runs one cell once and returns its row.
Json row_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = of_faulty_bench(arguments);
  all.insert(all.end(), {"--duration=300ms", "--warmup=50ms"});
  const Ran ran = run_once(std::move(all));
  EXPECT_EQ(ran.finished.exit_status, 0) << ran.finished.err;
  return ran.row;
}

// Of a cell with wrong or missing replies.
Json row_with_errors(const std::vector<std::string>& arguments) {
  const Ran ran = run_until(has_errors, of_faulty_bench(arguments));
  EXPECT_EQ(ran.finished.exit_status, 0) << ran.finished.err;
  return ran.row;
}

// Of a cell that fails.
Json failure_of(const std::vector<std::string>& arguments) {
  const Ran ran =
      run_until([](const Ran& tried) { return tried.finished.exit_status != 0; }, of_faulty_bench(arguments));
  EXPECT_EQ(ran.finished.exit_status, 1) << ran.finished.err;
  return ran.row;
}

// Whether the row says itself that the machine does other things, too many for it to say more.
bool is_disturbed(const Json& row) {
  const auto reason = row["bench"].find("invalid_reason");
  return row["bench"]["others_cpu_percent"] >= 10 ||
         (reason != row["bench"].end() && reason->get<std::string>().find("from its CPU") != std::string::npos);
}

// What depends on who gets how much of the CPUs may need another try on a machine that does other things too; a row
// that is not as expected is one of a machine that did nothing else, and there is none where it never did.
std::optional<Json> row_that(const std::function<bool(const Json&)>& is_as_expected,
                             const std::vector<std::string>& arguments) {
  constexpr int tries = 10;
  std::optional<Json> undisturbed;
  for (int i = 0; i < tries; ++i) {
    Json row = row_of(arguments);
    if (is_as_expected(row)) return row;
    if (!is_disturbed(row)) undisturbed = std::move(row);
  }
  return undisturbed;
}

std::optional<Json> row_with_limit(const std::string& limit, const std::vector<std::string>& arguments,
                                   bool valid = true) {
  return row_that([&](const Json& row) { return row["bench"]["limit"] == limit && row["bench"]["valid"] == valid; },
                  arguments);
}

constexpr const char* too_busy = "other programs kept every try from its CPUs";

TEST(Limit, IsTheServerWhereItIsBusy) {
  const auto found =
      row_with_limit("server", {"--model=epoll", "--workload=echo", "--connections=4", "--service-cpu=2ms"});
  if (!found) GTEST_SKIP() << too_busy;
  const Json& row = *found;
  EXPECT_EQ(row["bench"]["limit"], "server");
  EXPECT_EQ(row["bench"]["valid"], true);
  EXPECT_GE(row["bench"]["server_cpu_percent"], 90);
}

TEST(Limit, IsTheGeneratorWhereTheClientIsBusyAndTheRowIsInvalid) {
  const auto found =
      row_with_limit("generator", {"--model=epoll", "--workload=slow-client", "--connections=20"}, false);
  if (!found) GTEST_SKIP() << too_busy;
  const Json& row = *found;
  EXPECT_EQ(row["bench"]["limit"], "generator");
  EXPECT_EQ(row["bench"]["valid"], false);
}

TEST(Limit, IsLatencyWhereBothWait) {
  const auto found =
      row_with_limit("latency", {"--model=epoll", "--workload=echo", "--connections=1", "--service-wait=5ms"});
  if (!found) GTEST_SKIP() << too_busy;
  const Json& row = *found;
  EXPECT_EQ(row["bench"]["limit"], "latency");
  EXPECT_EQ(row["bench"]["valid"], true);
  EXPECT_GE(row["bench"]["latency_p50_ns"], 5'000'000);
}

TEST(Limit, IsTheRateWhereItIsMet) {
  const auto found = row_with_limit("rate", {"--model=epoll", "--workload=echo", "--connections=4", "--rate=200"});
  if (!found) GTEST_SKIP() << too_busy;
  const Json& row = *found;
  EXPECT_EQ(row["bench"]["limit"], "rate");
  EXPECT_EQ(row["bench"]["valid"], true);
}

TEST(Limit, IsNeverTheRateWhereItIsNotMet) {
  const Json row = row_of({"--model=epoll", "--workload=echo", "--connections=4", "--rate=5M", "--timeout=1s"});
  EXPECT_NE(row["bench"]["limit"], "rate");
  EXPECT_LT(row["items_per_second"], 4'000'000);
}

// serial leaves all but one connection unserved: 5 requests/s at the most, which would be the common rate of everybody.
TEST(CommonRate, IsNotThatOfAModelThatStarvesConnections) {
  const auto is_above = [](const Json& row) { return row["bench"]["parameters"]["offered_rate_per_second"] > 5; };
  const auto found =
      row_that(is_above, {"--model=epoll,serial", "--workload=echo", "--connections=50", "--service-wait=200ms",
                          "--rate=common", "--server-cpus=0", "--client-cpus=0", "--timeout=1s"});
  if (!found) GTEST_SKIP() << too_busy;
  EXPECT_TRUE(is_above(*found)) << found->dump();
}

TEST(CommonRate, IsSaidToBeAGuessWhereNobodyAnswers) {
  const Finished run =
      run_program({FAULTY_BENCH_BINARY, "--model=epoll", "--workload=silent", "--connections=4", "--rate=common",
                   "--repetitions=1", "--duration=300ms", "--timeout=500ms", "--out=-"});
  EXPECT_THAT(run.err, HasSubstr("the common rate is 1 requests/s, since no model answered a request"));
}

TEST(Limit, IsTheRateUnderAServerThatIsAlwaysBusy) {
  const auto found =
      row_with_limit("rate", {"--model=nonblocking", "--workload=echo", "--connections=4", "--rate=200"});
  if (!found) GTEST_SKIP() << too_busy;
  const Json& row = *found;
  EXPECT_EQ(row["bench"]["limit"], "rate");
  EXPECT_EQ(row["bench"]["valid"], true);
}

TEST(Limit, IsStarvedWhereConnectionsAreNeverServed) {
  const auto serves = [](const Ran& ran) { return connections_served(ran) != 0; };
  const Json row = run_until(serves, of_faulty_bench({"--model=serial", "--workload=echo", "--connections=3"})).row;
  EXPECT_EQ(row["bench"]["limit"], "starved");
  EXPECT_EQ(row["bench"]["connections_established"], 3);
  EXPECT_EQ(row["bench"]["connections_served"], 1);
  EXPECT_LT(row["bench"]["fairness"], 0.5);
}

TEST(Limit, IsErrorsWhereRepliesAreWrongAndTheRowIsInvalid) {
  const Json row = row_with_errors({"--model=epoll", "--workload=wrong-reply", "--connections=4"});
  ASSERT_EQ(row["bench"]["limit"], "errors");
  EXPECT_EQ(row["bench"]["valid"], false);
  EXPECT_GE(row["bench"]["errors"]["wrong_reply"], 1);
  EXPECT_THAT(row["bench"]["error_text"].get<std::string>(), HasSubstr("payload"));
}

TEST(Limit, IsErrorsWhereConnectionsAreLost) {
  const Json row = row_with_errors({"--model=threads", "--workload=closes", "--connections=4"});
  EXPECT_EQ(row["bench"]["limit"], "errors");
  EXPECT_GE(row["bench"]["errors"]["closed"], 1);
}

TEST(Limit, IsStarvedWhereNothingIsAnswered) {
  const Json row = row_of({"--model=epoll", "--workload=silent", "--connections=4", "--timeout=500ms"});
  EXPECT_EQ(row["bench"]["limit"], "starved");
  EXPECT_EQ(row["bench"]["valid"], false);
  EXPECT_EQ(row["bench"]["requests_completed"], 0);
}

TEST(Memory, IsMeasuredOnceForRowsThatDifferInConnectionsAlone) {
  const TempFolder folder;
  const Finished run = run_program({BENCH_BINARY, "--model=epoll", "--workload=echo", "--connections=1,2", "--memory",
                                    "--repetitions=1", "--duration=50ms", "--warmup=0s", "--out=r.json"},
                                   {.folder = folder.path()});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  std::vector<double> kernel_bytes;
  const Json document = Json::parse(read_text(folder.file("r.json")));
  for (const Json& row : document["benchmarks"]) {
    if (row.value("aggregate_name", "") == "median")
      kernel_bytes.push_back(row["bench"]["kernel_bytes_per_connection"]);
  }
  ASSERT_EQ(kernel_bytes.size(), 2U);
  EXPECT_EQ(kernel_bytes[0], kernel_bytes[1]);  // as only one reading can be
}

TEST(ServiceFaults, AServerThatDiesFailsItsCell) {
  const Json row = failure_of({"--model=epoll", "--workload=aborts", "--connections=4"});
  EXPECT_EQ(row["error_occurred"], true);
  EXPECT_THAT(row["error_message"].get<std::string>(), HasSubstr("server"));
}

TEST(ServiceFaults, AnExceptionFailsItsCellWithItsReasonUnderEveryModel) {
  for (const Model& model : all_models()) {
    if (model.why_unavailable && !model.why_unavailable().empty()) continue;
    const Json row = failure_of({"--model=" + std::string(model.name), "--workload=session-throws", "--connections=4"});
    EXPECT_EQ(row["error_occurred"], true) << model.name;
    EXPECT_THAT(row["error_message"].get<std::string>(), HasSubstr("deliberate")) << model.name;
  }
}

TEST(ServiceFaults, AUnitThatDiesCostsItsConnection) {
  const Json row = row_with_errors({"--model=processes", "--workload=aborts", "--connections=4"});
  EXPECT_EQ(row["bench"]["limit"], "errors");
  EXPECT_GE(row["bench"]["errors"]["closed"].get<int>() + row["bench"]["errors"]["reset"].get<int>(), 1);
}

TEST(ServiceFaults, KillingTheHarnessLeavesNothingBehind) {
  for (const std::string model : {"processes", "threads", "epoll"}) {
    const TempFolder folder;
    Program program({BENCH_BINARY, "--model=" + model, "--workload=echo", "--connections=200", "--duration=1h",
                     "--out=r.json", "--no-progress"},
                    {.folder = folder.path()});
    // The harness, its launcher, the run, the server, the load: those four are below the first.
    ASSERT_TRUE(program.wait_until([&] { return descendants_of(program.pid()).size() >= 4; }));
    const std::vector<ProcessId> tree = descendants_of(program.pid());
    program.send_signal(SIGKILL);
    EXPECT_TRUE(wait_for_event([&] { return std::ranges::none_of(tree, is_alive); })) << model;
    program.finish();
    EXPECT_THAT(folder.entries(), testing::ElementsAre("r.json"));
  }
}

// `bench serve`, once it has said where.
class Serving {
 public:
  explicit Serving(std::vector<std::string> arguments, std::string binary = BENCH_BINARY)
      : program_(with_binary(std::move(arguments), std::move(binary))) {
    EXPECT_TRUE(program_.wait_until([&] { return program_.so_far().out.find('\n') != std::string::npos; }))
        << program_.so_far().err;
    const std::string& line = program_.so_far().out;
    const std::size_t at = line.find("://");
    url_ = line.substr(line.rfind(' ', at) + 1);
    url_.erase(url_.find_last_not_of('\n') + 1);
  }

  const std::string& url() const { return url_; }
  Program& program() { return program_; }
  const Program& program() const { return program_; }

 private:
  static std::vector<std::string> with_binary(std::vector<std::string> arguments, std::string binary) {
    arguments.insert(arguments.begin(), {std::move(binary), "serve"});
    return arguments;
  }

  Program program_;
  std::string url_;
};

TEST(Serve, ServesWhereItSaysAndStopsAtASignal) {
  for (const std::string workload : {"echo", "http", "transfer", "ftp", "tftp", "chat", "remote", "udp-echo"}) {
    for (const int signal : {SIGINT, SIGTERM}) {
      Serving serving({"--model=threads", "--workload=" + workload, "--port=0"});
      const auto serves_all = [](const Ran& ran) { return connections_served(ran) == 5; };
      const Ran load = run_until(
          serves_all, {BENCH_BINARY, "load", serving.url() + (workload == "http" ? "/1k" : ""), "--connections=5"});
      EXPECT_EQ(load.finished.exit_status, 0) << load.finished.err;
      EXPECT_TRUE(serves_all(load)) << workload << ": " << load.row["bench"];
      EXPECT_GT(load.row["bench"]["requests_completed"], 0);
      EXPECT_THAT(load.finished.out, ContainsRegex("5/5"));
      const std::vector<ProcessId> tree = descendants_of(serving.program().pid());
      serving.program().send_signal(signal);
      const Finished served = serving.program().finish();
      EXPECT_EQ(served.exit_status, 0) << served.err;
      EXPECT_TRUE(std::ranges::none_of(tree, is_alive));
    }
  }
}

TEST(Serve, GetsAndPutsFilesOfAnOrdinaryClientOfTftp) {
  if (access("/usr/bin/curl", X_OK) != 0) GTEST_SKIP() << "there is no curl";
  Serving serving({"--model=epoll", "--workload=tftp", "--port=0"});
  const TempFolder folder;
  const auto curl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/curl", "--silent", "--show-error", "--max-time", "60"});
    return run_program(std::move(arguments), {.folder = folder.path()}).exit_status;
  };
  constexpr int not_found = 68;
  constexpr int no_access = 69;
  constexpr int disk_full = 70;
  EXPECT_EQ(curl({"--output", "file", serving.url() + "/file-20000"}), 0);
  EXPECT_EQ(read_text(folder.file("file")).size(), 20000U);
  EXPECT_EQ(curl({"--upload-file", "file", serving.url() + "/put-20000"}), 0);
  EXPECT_EQ(curl({"--upload-file", "file", "--tftp-blksize", "1400", serving.url() + "/put-20000"}), 0);
  EXPECT_EQ(curl({"--upload-file", "file", serving.url() + "/put-10"}), disk_full);
  EXPECT_EQ(curl({"--upload-file", "file", serving.url() + "/anything"}), no_access);
  EXPECT_EQ(curl({"--path-as-is", serving.url() + "/../../etc/passwd"}), no_access);
  EXPECT_EQ(curl({serving.url() + "/nothing"}), not_found);
}

TEST(Serve, SaysThatAModelServesNoTransfers) {
  const Finished served = run_program({BENCH_BINARY, "serve", "--model=asio", "--workload=tftp", "--port=0"});
  EXPECT_EQ(served.exit_status, 1);
  EXPECT_THAT(served.err, HasSubstr("asio does not serve tftp: it has other sockets for datagrams"));
}

// As a service manager stops it, or a terminal's Ctrl-C.
TEST(Serve, StopsAtASignalToItsWholeProcessGroup) {
  for (const std::string model : {"process-pool", "processes+epoll", "processes+threads+coroutines"}) {
    for (const int signal : {SIGINT, SIGTERM}) {
      Serving serving({"--model=" + model, "--workload=echo", "--port=0", "--workers=3"});
      std::vector<ProcessId> tree;
      EXPECT_TRUE(serving.program().wait_until([&] {
        tree = descendants_of(serving.program().pid());
        return tree.size() >= 4;  // the server and its three
      }));
      for (const ProcessId& process : tree) kill(process.pid, signal);
      serving.program().send_signal(signal);
      const Finished served = serving.program().finish();
      EXPECT_EQ(served.exit_status, 0) << model << ": " << served.err;
      EXPECT_TRUE(std::ranges::none_of(tree, is_alive));
    }
  }
}

TEST(Serve, SaysThatAPortIsInUse) {
  const Listener taken = listen_on("127.0.0.1", 0, Transport::tcp);
  const Finished served =
      run_program({BENCH_BINARY, "serve", "--model=epoll", "--workload=echo", "--port=" + std::to_string(taken.port)});
  EXPECT_EQ(served.exit_status, 1);
  EXPECT_THAT(served.err, ContainsRegex("127.0.0.1:" + std::to_string(taken.port) + ".*in use"));
}

// One row for each combination, of the load that was asked for.
TEST(Load, TakesListsOfConnectionsAndRates) {
  Serving serving({"--model=epoll", "--workload=http", "--port=0"});
  const TempFolder folder;
  const Finished load = run_program({BENCH_BINARY, "load", serving.url(), "--connections=2,3", "--rate=50,100",
                                     "--duration=100ms", "--warmup=0", "--out=r.json"},
                                    {.folder = folder.path()});
  EXPECT_EQ(load.exit_status, 0) << load.err;
  std::vector<std::pair<int, double>> loads;
  std::vector<std::string> names;
  const Json document = Json::parse(read_text(folder.file("r.json")));
  for (const Json& row : document["benchmarks"]) {
    if (row["run_type"] != "iteration") continue;
    const Json& parameters = row["bench"]["parameters"];
    loads.emplace_back(parameters["connections"], parameters["offered_rate_per_second"]);
    names.push_back(row["name"]);
    EXPECT_EQ(parameters["active"], parameters["connections"]);
    EXPECT_EQ(parameters["rate_mode"], "fixed");
    EXPECT_TRUE(row["bench"].contains("others_cpu_percent"));
  }
  EXPECT_THAT(loads, UnorderedElementsAre(Pair(2, 50), Pair(2, 100), Pair(3, 50), Pair(3, 100)));
  EXPECT_THAT(names, Contains(ContainsRegex("^http/server/connections:3/.*rate:100$")));
  EXPECT_THAT(load.out, HasSubstr("\n2 connections · 50 requests/s offered "));
}

// Where the knee lies, and whether it is found on this machine now, is not asked.
TEST(Load, SearchesTheHighestRateThatAServerBears) {
  Serving serving({"--model=epoll", "--workload=http", "--port=0"});
  const TempFolder folder;
  const Finished load = run_program({BENCH_BINARY, "load", serving.url(), "--connections=2,4", "--rate=search",
                                     "--slo=p50<20ms", "--duration=20ms", "--warmup=0", "--out=r.json"},
                                    {.folder = folder.path()});
  EXPECT_EQ(load.exit_status, 0) << load.err;
  const Json document = Json::parse(read_text(folder.file("r.json")));
  EXPECT_EQ(document["context"]["bench"]["services"]["slo"],
            Json({{"quantile_percent", 50}, {"limit_ns", 20'000'000}}));
  std::size_t searches = 0;
  for (const Json& row : document["benchmarks"]) {
    if (row["run_type"] != "iteration") continue;
    ++searches;
    const Json& bench = row["bench"];
    EXPECT_EQ(bench["parameters"]["rate_mode"], "search");
    EXPECT_GE(bench["knee"]["tries"], 1);
    if (bench["knee"].contains("why_not_found")) {
      EXPECT_EQ(bench["valid"], false);
      EXPECT_EQ(bench["invalid_reason"], "no knee found: " + bench["knee"]["why_not_found"].get<std::string>());
    } else {
      EXPECT_GT(bench["knee"]["above_rate_per_second"], bench["knee"]["rate_per_second"]);
    }
  }
  EXPECT_EQ(searches, 2U);
  EXPECT_THAT(load.out, HasSubstr("highest rate within the bound"));
  EXPECT_THAT(load.out, HasSubstr("keep"));
}

TEST(Load, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    const Listener gone = listen_on("127.0.0.1", 0, Transport::tcp);
    port = gone.port;
  }
  const TempFolder folder;
  const Finished load = run_program({BENCH_BINARY, "load", "http://127.0.0.1:" + std::to_string(port) + "/",
                                     "--connect-deadline=200ms", "--out=r.json"},
                                    {.folder = folder.path()});
  EXPECT_EQ(load.exit_status, 1);
  EXPECT_THAT(load.out, HasSubstr("refused"));
}

// Ctrl-C ends the window, however long it was to be, and what has been measured by then is a row like others. So does a
// terminal that goes away, which tells every process.
class LoadInterruptedBy : public testing::TestWithParam<int> {};

TEST_P(LoadInterruptedBy, KeepsWhatItHas) {
  Serving serving({"--model=epoll", "--workload=echo", "--port=0"});
  Json row;
  constexpr int tries = 10;
  for (int i = 0; i < tries && row.is_null(); ++i) {
    const TempFolder folder;
    Program load({BENCH_BINARY, "load", serving.url(), "--connections=2", "--rate=200", "--duration=1h", "--warmup=0",
                  "--out=r.json"},
                 {.folder = folder.path()});
    ASSERT_TRUE(load.wait_until([&] { return descendants_of(load.pid()).size() >= 3; }));  // launcher, run, generator
    std::this_thread::sleep_for(std::chrono::milliseconds(300 << i));  // where the window has not begun, another try
    if (GetParam() == SIGHUP) {
      for (const ProcessId& process : descendants_of(load.pid())) kill(process.pid, SIGHUP);
    }
    load.send_signal(GetParam());
    const Finished finished = load.finish();
    EXPECT_EQ(finished.exit_status, 130) << finished.err;
    const Json document = Json::parse(read_text(folder.file("r.json")));
    EXPECT_EQ(document["context"]["bench"]["interrupted"], true);
    if (!document["benchmarks"].empty()) row = document["benchmarks"][0];
  }
  ASSERT_FALSE(row.is_null());
  const Json& bench = row["bench"];
  const double window_s = bench["window_ns"].get<double>() / 1e9;
  EXPECT_LT(window_s, 3600);
  double due = 0;  // whether or not it was answered within the window
  for (const char* part : {"requests_completed", "requests_drained", "requests_unfinished"}) {
    due += bench[part].get<double>();
  }
  EXPECT_NEAR(due, 200 * window_s, 2 + window_s);
}

INSTANTIATE_TEST_SUITE_P(Cli, LoadInterruptedBy, testing::Values(SIGINT, SIGHUP));

TEST(Load, GoesToAUnixSocketOfAServerItIsToldOf) {
  // The server is this test: one thread with the echo protocol behind a socket with a name.
  const TempFolder folder;
  const std::string path = folder.file("echo.sock");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 8), 0);
  std::jthread server([&] {
    while (true) {
      const UniqueFd connection(accept(listener.get(), nullptr, nullptr));
      if (!connection.valid()) break;
      serve_echo(connection.get());
    }
  });
  const auto is_answered = [](const Ran& ran) { return ran.row.value("iterations", 0) > 0; };
  const Ran load =
      run_until(is_answered, {BENCH_BINARY, "load", "tcp://anywhere:1", "--unix=" + path, "--connections=1"});
  shutdown(listener.get(), SHUT_RDWR);
  EXPECT_EQ(load.finished.exit_status, 0) << load.finished.err << load.finished.out;
  EXPECT_TRUE(is_answered(load)) << load.row;
  EXPECT_EQ(load.row["bench"]["parameters"]["target"], path);
}

TEST(Load, TellsOfAServerThatDiesMeanwhile) {
  Serving serving({"--model=epoll", "--workload=aborts", "--port=0"}, FAULTY_BENCH_BINARY);
  const Ran load = run_once({BENCH_BINARY, "load", serving.url(), "--connections=4", "--duration=2s", "--warmup=0"});
  EXPECT_EQ(load.finished.exit_status, 1) << load.finished.err;
  EXPECT_TRUE(has_errors(load)) << load.row;
  EXPECT_GE(load.row["bench"]["errors"].value("refused", 0), 1);
  const Finished served = serving.program().finish();
  EXPECT_EQ(served.exit_status, 1);
  EXPECT_THAT(served.err, HasSubstr("killed by signal 6"));
}

// One window on a server, with --server-pid, and what came of it.
struct Watched {
  std::string out;
  Json bench;       // of the run's row,
  double cpu_time;  // and this of it
};

Watched watch(const std::string& url, pid_t pid, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{
      BENCH_BINARY,      "load",          url,         "--server-pid=" + std::to_string(pid),
      "--connections=4", "--duration=1s", "--warmup=0"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ran load = run_once(std::move(arguments));
  return {.out = load.finished.out, .bench = load.row["bench"], .cpu_time = load.row["cpu_time"]};
}

void expect_unknown(const Watched& watched, const std::string& why) {
  EXPECT_THAT(watched.out, ContainsRegex("Warning: CPU of the server unknown: .*" + why));
  EXPECT_THAT(watched.bench.value("server_cpu_unknown", ""), ContainsRegex(why));
  for (const char* key : {"server_cpu_ns_per_request", "server_cpu_percent", "voluntary_switches_per_request",
                          "involuntary_switches_per_request", "minor_faults_per_request"}) {
    EXPECT_FALSE(watched.bench.contains(key)) << key;
  }
  EXPECT_EQ(watched.cpu_time, 0);
}

// The process given is above the server, which makes one for each connection: these are reaped in the window.
TEST(LoadWithServerPid, CountsWhatTheChildrenOfAChildHaveUsed) {
  Serving serving({"--model=processes", "--workload=echo", "--port=0"});
  const Watched watched = watch(serving.url(), serving.program().pid(), {"--requests-per-connection=5"});
  // A server that was given next to no time may have used less than ticks tell.
  const std::string unknown = watched.bench.value("server_cpu_unknown", "");
  EXPECT_EQ(unknown.empty(), watched.bench.value("server_cpu_ns_per_request", 0.0) > 0);
  EXPECT_THAT(unknown, testing::AnyOf(testing::IsEmpty(), HasSubstr("ticks")));
  EXPECT_FALSE(watched.bench.contains("voluntary_switches_per_request"));
}

TEST(LoadWithServerPid, KnowsNothingOfAProcessThatDoesNotListenThere) {
  Serving serving({"--model=epoll", "--workload=echo", "--port=0"});
  const Serving other({"--model=epoll", "--workload=echo", "--port=0"});
  expect_unknown(watch(serving.url(), other.program().pid()), "listens on 127.0.0.1:");
}

TEST(LoadWithServerPid, KnowsNothingOfAZombie) {
  Serving serving({"--model=epoll", "--workload=echo", "--port=0"});
  const pid_t zombie = fork();
  if (zombie == 0) _exit(0);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(zombie), &info, WEXITED | WNOWAIT);
  expect_unknown(watch(serving.url(), zombie), "process " + std::to_string(zombie) + " had ended");
  waitpid(zombie, nullptr, 0);
}

TEST(LoadWithServerPid, KnowsNothingOfAServerThatEnds) {
  Serving serving({"--model=epoll", "--workload=aborts", "--port=0"}, FAULTY_BENCH_BINARY);
  const std::vector<ProcessId> server = descendants_of(serving.program().pid());  // who waits for it may live longer
  ASSERT_EQ(server.size(), 1U);
  expect_unknown(watch(serving.url(), server[0].pid), "ended (in|before) the window");
}

TEST(Run, RefusesAProcThatNamesOtherProcesses) {
  if (run_program({"/usr/bin/env", "unshare", "--pid", "--fork", "true"}).exit_status != 0) {
    GTEST_SKIP() << "needs the right to make a PID namespace";
  }
  const Finished run = run_program({"/usr/bin/env", "unshare", "--pid", "--fork", BENCH_BINARY, "--model=serial",
                                    "--workload=sum", "--repetitions=1", "--out=-"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.err, HasSubstr("PID namespace"));
  EXPECT_THAT(run.err, HasSubstr("--mount-proc"));
}

TEST(Load, RefusesAUrlThatMakesNoSense) {
  for (const std::string url : {"http//x", "ftp://localhost:1", "http://user:pw@localhost:1/", "http://",
                                "tcp://localhost", "http://127.0.0.1:99999/"}) {
    const Finished load = run_program({BENCH_BINARY, "load", url, "--out=-"});
    EXPECT_EQ(load.exit_status, 2) << url;
    EXPECT_THAT(load.err, HasSubstr(url));
    EXPECT_THAT(load.err, Not(HasSubstr("\n\n")));
  }
}

TEST(Load, RefusesWhatTheProtocolDoesNotHave) {
  for (const std::string flag :
       {"--method=PUT", "--header=A: b", "--body=x", "--expect-status=404", "--check=status"}) {
    const Finished load = run_program({BENCH_BINARY, "load", "tcp://127.0.0.1:1", flag, "--out=-"});
    EXPECT_EQ(load.exit_status, 2) << flag;
    EXPECT_THAT(load.err,
                HasSubstr(flag.substr(0, flag.find('=')) + ": tcp:// does not take it; http:// and https:// do"));
  }
}

}  // namespace
}  // namespace bench
