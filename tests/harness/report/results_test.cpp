// Why: the result file is what remains of a plan and what other programs read; it must be whole at every moment, and
// hold a number wherever one is due.
#include "harness/report/results.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/report/result_file.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/service_example.h"
#include "tests/support/subprocess.h"
#include "tests/support/told.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

// A plan of three cells (one that ran, one that failed, one that was skipped) and what its runs have left.
class Example {
 public:
  Example() {
    options.command_line = {"bench", "--seed=7"};
    machine.host = "here";
    machine.load_average = {0.5, 0.25, 0.125};
    plan.seed = 7;
    Group& group = plan.groups.emplace_back();
    group.job = &job_named("io");
    tell(group, {{"tasks", {"4"}}, {"wait", {"10ms:20ms"}}});
    group.cpus = 2;
    for (const char* model : {"serial", "processes", "threads"}) {
      group.cells.push_back(plan.cells.size());
      Cell& cell = plan.cells.emplace_back();
      cell.model = &model_named(model);
      cell.name = "io/" + std::string(model) + "/tasks:4/wait:10ms+20ms";
      cell.label = model;
    }
    plan.cells[2].skipped = "needs more threads";
    results.cells.resize(3);
    results.cells[1].failure = "process 17 was killed by signal 9 (Killed)";
    for (std::uint32_t round = 0; round < 2; ++round) add_sample(round, 10e6 * (round + 1));
  }

  void add_sample(std::uint32_t round, double wall_ns) {
    Histogram histogram{};
    for (int task = 0; task < 4; ++task) histogram.record(static_cast<std::int64_t>(wall_ns));
    results.cells[0].samples.push_back({.round = round,
                                        .batches = 3,
                                        .warmup_batches = 1,
                                        .wall_ns = wall_ns,
                                        .cpu_ns = 1000,
                                        .voluntary_switches = 4.5,
                                        .run_user_ns = 100,
                                        .run_system_ns = 300,
                                        .units_peak = 1,
                                        .latency_ns = {wall_ns, wall_ns, wall_ns, wall_ns},
                                        .latency = histogram.encode()});
  }

  Json document() const {
    return make_document({.options = options, .machine = machine, .plan = plan, .date = "2026-01-31T12:00:00+00:00"},
                         results);
  }

  // The rows whose `key` is `value`.
  std::vector<Json> rows(const std::string& key, const Json& value) const {
    std::vector<Json> found;
    const Json whole = document();
    for (const Json& row : whole["benchmarks"]) {
      if (row.contains(key) && row[key] == value) found.push_back(row);
    }
    return found;
  }

  Options options;
  Machine machine;
  Plan plan;
  Results results;
};

bool holds_null(const Json& json) {
  if (json.is_null()) return true;
  if (!json.is_structured()) return false;
  for (const Json& part : json) {
    if (holds_null(part)) return true;
  }
  return false;
}

TEST(Document, RecordsHowItCameAbout) {
  const Json context = Example().document()["context"];
  EXPECT_EQ(context["date"], "2026-01-31T12:00:00+00:00");
  EXPECT_EQ(context["host_name"], "here");
  EXPECT_EQ(context["executable"], "bench");
  EXPECT_THAT(context["load_avg"].get<std::vector<double>>(), ElementsAre(0.5, 0.25, 0.125));
  EXPECT_EQ(context["bench"]["seed"], 7);
  EXPECT_EQ(context["bench"]["schema_version"], 2);
  EXPECT_THAT(context["bench"]["command_line"].get<std::vector<std::string>>(), ElementsAre("bench", "--seed=7"));
  EXPECT_EQ(context["bench"]["interrupted"], false);
  EXPECT_EQ(context["bench"]["skipped"],
            Json({{{"name", "io/threads/tasks:4/wait:10ms+20ms"}, {"reason", "needs more threads"}}}));
}

TEST(Document, RecordsACpuQuotaAndHowOftenItStoppedARun) {
  Example example;
  EXPECT_FALSE(example.document()["context"]["bench"]["machine"].contains("cpu_quota"));
  example.machine.cpu_quota = CpuQuota{
      .cpus = 1.5, .name = "/sys/fs/cgroup/cpu.max = 150000 100000", .remedy = "echo max > /sys/fs/cgroup/cpu.max"};
  example.results.cells[0].samples[1].throttling = {.times = 4, .ns = 90};
  EXPECT_EQ(example.document()["context"]["bench"]["machine"]["cpu_quota"],
            Json({{"cpus", 1.5},
                  {"limit", "/sys/fs/cgroup/cpu.max = 150000 100000"},
                  {"remedy", "echo max > /sys/fs/cgroup/cpu.max"}}));
  const std::vector<Json> rows = example.rows("run_type", "iteration");
  EXPECT_FALSE(rows[0]["bench"].contains("throttled_times"));
  EXPECT_EQ(rows[1]["bench"]["throttled_times"], 4);
  EXPECT_EQ(rows[1]["bench"]["throttled_ns"], 90);
}

TEST(Document, SaysWhatIsComparedWithWhatAndHowThatCameOut) {
  Example example;
  example.plan.groups[0].title = "io · 4 tasks";
  for (std::uint32_t round = 2; round < 6; ++round) example.add_sample(round, 10e6);
  CellResult& threads = example.results.cells[2];
  example.plan.cells[2].skipped.reset();
  threads.samples = example.results.cells[0].samples;
  for (Sample& sample : threads.samples) sample.wall_ns *= 2;
  const Json groups = example.document()["context"]["bench"]["groups"];
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_EQ(groups[0]["title"], "io · 4 tasks");
  EXPECT_EQ(groups[0]["workload"], "io");
  EXPECT_EQ(groups[0]["kind"], "job");
  EXPECT_THAT(groups[0]["cells"], SizeIs(3));
  const std::string serial = "io/serial/tasks:4/wait:10ms+20ms";
  const std::string slower = "io/threads/tasks:4/wait:10ms+20ms";
  const Json& ranking = groups[0]["ranking"];
  EXPECT_EQ(ranking["by"], "time");
  EXPECT_EQ(ranking["bounded"], true);
  EXPECT_EQ(ranking["best"], Json({serial}));
  EXPECT_EQ(ranking["next"], slower);
  EXPECT_EQ(ranking["order"][1]["name"], slower);
  EXPECT_NEAR(ranking["order"][1]["over_first"]["effect"].get<double>(), 2, 1e-9);
  EXPECT_EQ(ranking["ties"], Json::array());
  EXPECT_EQ(groups[0]["verdict"], "Best: serial; next is threads, 2.00× as long.");
  EXPECT_THAT(groups[0]["warnings"], SizeIs(0));
}

TEST(Document, NamesTheCellsThatHaveNoPlaceInARanking) {
  Example example;
  example.results.cells[1].samples = example.results.cells[0].samples;
  const Json group = example.document()["context"]["bench"]["groups"][0];
  EXPECT_EQ(group["ranking"]["unranked"],
            Json({{{"name", "io/processes/tasks:4/wait:10ms+20ms"}, {"reason", "failed"}}}));
  EXPECT_EQ(group["ranking"]["bounded"], false);
  EXPECT_FALSE(group.contains("verdict"));
  EXPECT_THAT(group["warnings"][0].get<std::string>(), HasSubstr("--repetitions=6"));
}

TEST(Document, HasARowForEveryRunWithGoogleBenchmarksKeys) {
  const auto rows = Example().rows("run_type", "iteration");
  ASSERT_THAT(rows, SizeIs(3));
  for (std::size_t i = 0; i < 2; ++i) {
    const Json& row = rows[i];
    EXPECT_EQ(row["name"], "io/serial/tasks:4/wait:10ms+20ms");
    EXPECT_EQ(row["run_name"], row["name"]);
    EXPECT_EQ(row["repetitions"], 2);
    EXPECT_EQ(row["repetition_index"], i);
    EXPECT_EQ(row["iterations"], 3);
    EXPECT_EQ(row["real_time"], 10e6 * static_cast<double>(i + 1));
    EXPECT_EQ(row["cpu_time"], 1000);
    EXPECT_EQ(row["time_unit"], "ns");
    EXPECT_DOUBLE_EQ(row["items_per_second"].get<double>(), 400.0 / static_cast<double>(i + 1));
    EXPECT_EQ(row["bench"]["round"], i);
    EXPECT_EQ(row["bench"]["parameters"]["tasks"], 4);
    EXPECT_EQ(row["bench"]["parameters"]["waits_ns"], Json({10'000'000, 20'000'000}));
    EXPECT_FALSE(row["bench"]["parameters"].contains("work"));
    EXPECT_FALSE(row["bench"]["parameters"].contains("workers"));
    EXPECT_EQ(row["bench"]["voluntary_switches_per_batch"], 4.5);
    EXPECT_EQ(row["bench"]["ideal_ns"], 20e6);
    EXPECT_EQ(row["bench"]["run_user_cpu_ns"], 100);
  }
}

TEST(Document, KeepsAFailureWithItsReason) {
  const auto failed = Example().rows("error_occurred", true);
  ASSERT_THAT(failed, SizeIs(1));
  EXPECT_EQ(failed[0]["name"], "io/processes/tasks:4/wait:10ms+20ms/failed");
  EXPECT_EQ(failed[0]["run_name"], "io/processes/tasks:4/wait:10ms+20ms");
  EXPECT_EQ(failed[0]["error_message"], "process 17 was killed by signal 9 (Killed)");
  EXPECT_EQ(failed[0]["real_time"], 0);
  EXPECT_EQ(failed[0]["iterations"], 0);
}

// compare.py pools rows of the same name, so a failure's zero must not lie among the times.
TEST(Document, SetsALateFailureApartFromTheRunsThatWentWell) {
  Example example;
  example.results.cells[0].failure = "late";
  const auto failed = example.rows("error_message", "late");
  ASSERT_THAT(failed, SizeIs(1));
  EXPECT_EQ(failed[0]["name"], "io/serial/tasks:4/wait:10ms+20ms/failed");
  EXPECT_EQ(failed[0]["run_name"], "io/serial/tasks:4/wait:10ms+20ms");
  EXPECT_EQ(failed[0]["repetition_index"], 2);
  EXPECT_EQ(failed[0]["repetitions"], 3);
  EXPECT_THAT(example.rows("name", "io/serial/tasks:4/wait:10ms+20ms"), SizeIs(2));
}

TEST(Document, HasAggregateRowsForTheMedianAndTheTail) {
  Example example;
  const auto aggregates = example.rows("run_type", "aggregate");
  std::vector<std::string> names;
  for (const Json& row : aggregates) {
    names.push_back(row["name"]);
    EXPECT_EQ(row["run_name"], "io/serial/tasks:4/wait:10ms+20ms");
    EXPECT_EQ(row["aggregate_unit"], "time");
    EXPECT_EQ(row["repetitions"], 2);
  }
  const std::string cell = "io/serial/tasks:4/wait:10ms+20ms";
  EXPECT_THAT(names, ElementsAre(cell + "_median", cell + "_p50", cell + "_p90", cell + "_p99", cell + "_p99_9"));
  EXPECT_EQ(aggregates[0]["aggregate_name"], "median");
  EXPECT_EQ(aggregates[0]["real_time"], 15e6);
  EXPECT_EQ(aggregates[0]["bench"]["real_time_interval_ns"], Json({{"low", 10e6}, {"high", 20e6}, {"bounded", false}}));
  EXPECT_EQ(aggregates[0]["bench"]["user_cpu_percent"], 25);
  EXPECT_FALSE(aggregates[0]["bench"].contains("peak_memory_bytes"));  // not measured
  EXPECT_EQ(aggregates[3]["aggregate_name"], "p99");
  EXPECT_EQ(aggregates[3]["real_time"], 15e6);  // the median of the runs' percentiles
  EXPECT_NEAR(aggregates[3]["bench"]["merged_latency_ns"].get<double>(), 20e6, 20e6 / 1024);
  EXPECT_NEAR(aggregates[1]["bench"]["merged_latency_ns"].get<double>(), 10e6, 10e6 / 1024);

  example.results.cells[0].peak_memory_bytes = 12345;
  EXPECT_EQ(example.rows("aggregate_name", "median")[0]["bench"]["peak_memory_bytes"], 12345);
}

TEST(Document, HoldsHistogramsThatMerge) {
  const Json histogram = Example().rows("run_type", "iteration")[0]["bench"]["latency_histogram"];
  EXPECT_EQ(histogram["kind"], "log-linear");
  EXPECT_EQ(histogram["sub_buckets"], 2048);
  const auto flat = histogram["buckets"].get<std::vector<std::uint64_t>>();
  ASSERT_THAT(flat, SizeIs(2));
  EXPECT_EQ(flat[0], Histogram::index_of(10'000'000));
  EXPECT_EQ(flat[1], 4U);
}

TEST(Document, HoldsNoNullWhateverIsMissing) {
  Example example;
  EXPECT_FALSE(holds_null(example.document()));
  example.machine.load_average.clear();
  example.options.command_line.clear();
  for (Sample& sample : example.results.cells[0].samples) sample.cpu_ns = sample.voluntary_switches = 0;
  EXPECT_FALSE(holds_null(example.document()));
  EXPECT_THAT(document_text(example.document()), Not(HasSubstr("null")));
  example.results.cells[0].samples.clear();
  EXPECT_THAT(document_text(example.document()), Not(HasSubstr("null")));
}

// ---- Services ----

Json document_of(const ServiceExample& example) {
  return make_document({.options = {}, .machine = {}, .plan = example.plan, .date = {}}, example.results);
}

std::vector<Json> rows_of(const ServiceExample& example, const std::string& type) {
  std::vector<Json> found;
  const Json document = document_of(example);
  for (const Json& row : document["benchmarks"]) {
    if (row["run_type"] == type) found.push_back(row);
  }
  return found;
}

TEST(ServiceRows, SayWhatARunMeasuredPerRequest) {
  ServiceExample example({"epoll"});
  Sample& sample = example.add(0, 8000, 3500, Limit::server);
  sample.voluntary_switches = 0.25;
  sample.service->load.errors[static_cast<std::size_t>(LoadError::reset)] = 2;
  sample.service->error_text = "reset by peer";
  sample.service->open_peak = 4;
  sample.service->generator_idle = 0.6;
  const Json row = rows_of(example, "iteration").at(0);
  EXPECT_EQ(row["name"], "echo/epoll/connections:4/message:64");
  EXPECT_EQ(row["iterations"], 8000);
  EXPECT_EQ(row["real_time"], 1e6);
  EXPECT_EQ(row["cpu_time"], 3500);
  EXPECT_EQ(row["items_per_second"], 8000);
  const Json& bench = row["bench"];
  EXPECT_EQ(bench["limit"], "server");
  EXPECT_EQ(bench["valid"], true);
  EXPECT_FALSE(bench.contains("invalid_reason"));
  EXPECT_EQ(bench["ideal_ns"], 1000);
  EXPECT_EQ(bench["voluntary_switches_per_request"], 0.25);
  EXPECT_EQ(bench["server_cpu_percent"], 50);
  EXPECT_EQ(bench["generator_cpu_percent"], 25);
  EXPECT_EQ(bench["generator_idle_percent"], 60);
  EXPECT_EQ(bench["fairness"], 1);
  EXPECT_EQ(bench["connections_active"], 4);
  EXPECT_EQ(bench["errors"]["reset"], 2);
  EXPECT_THAT(bench["errors"], SizeIs(load_error_kinds));
  EXPECT_EQ(bench["error_text"], "reset by peer");
  EXPECT_EQ(bench["server_open_peak"], 4);
  EXPECT_EQ(bench["parameters"]["loop"], "closed");
  EXPECT_EQ(bench["parameters"]["server_cpus"], Json::array({0}));
  EXPECT_EQ(bench["parameters"]["duration_ns"], 1'000'000'000);
  for (const char* key : {"rate_mode", "offered_rate_per_second", "arrivals", "dispatch"}) {
    EXPECT_FALSE(bench["parameters"].contains(key)) << key;
  }
  for (const char* key : {"batches", "start_delay_p50_ns", "service_p50_ns", "classes", "knee"}) {
    EXPECT_FALSE(bench.contains(key)) << key;
  }
}

TEST(ServiceRows, SumUpTheRateAndTheTail) {
  ServiceExample example({"epoll"});
  for (const double rate : {1000.0, 2000.0, 4000.0}) example.add(0, rate, 3500, Limit::server);
  example.results.cells[0].memory = UnitMemory{.user_bytes = 512, .kernel_bytes = 4096};
  const std::vector<Json> rows = rows_of(example, "aggregate");
  ASSERT_THAT(rows, SizeIs(5));
  EXPECT_EQ(rows[0]["items_per_second"], 2000);
  const Json& median = rows[0]["bench"];
  EXPECT_EQ(median["rate_interval_per_second"], Json({{"low", 1000.0}, {"high", 4000.0}, {"bounded", false}}));
  EXPECT_NEAR(median["over_ideal"]["effect"].get<double>(), 3.5, 1e-9);
  EXPECT_EQ(median["limit"], "server");
  EXPECT_EQ(median["invalid_samples"], 0);
  EXPECT_EQ(median["user_bytes_per_connection"], 512);
  EXPECT_EQ(median["kernel_bytes_per_connection"], 4096);
  EXPECT_EQ(median["connections_served"], 4);
  EXPECT_EQ(rows[3]["aggregate_name"], "p99");
  EXPECT_EQ(rows[3]["real_time"], 1e6);
  EXPECT_NEAR(rows[3]["bench"]["merged_latency_ns"].get<double>(), 1e6, 1e3);
  EXPECT_FALSE(rows[3]["bench"].contains("start_delay_ns"));
  EXPECT_FALSE(rows[3].contains("items_per_second"));
}

TEST(ServiceRows, AreWrittenAndMarkedWhenNoneMayBeBelieved) {
  ServiceExample example({"epoll"});
  for (int round = 0; round < 2; ++round) {
    example.add(0, 1000, 3500, Limit::generator).service->judgement = {
        .limit = Limit::generator, .valid = false, .why_invalid = "the load generator was the limit"};
  }
  for (const char* type : {"iteration", "aggregate"}) {
    for (const Json& row : rows_of(example, type)) {
      EXPECT_EQ(row["bench"]["valid"], false);
      EXPECT_EQ(row["bench"]["limit"], "generator");
      EXPECT_EQ(row["bench"]["invalid_reason"], "the load generator was the limit");
    }
  }
  EXPECT_EQ(rows_of(example, "aggregate")[0]["bench"]["invalid_samples"], 2);
}

TEST(ServiceRows, NameTheKneeOfASearchAndItsNeighbours) {
  ServiceExample example({"epoll"}, RateMode::search, 8000);
  example.add(0, 8000, 3500, Limit::rate).service->knee = Knee{.rate = 8000,
                                                               .above_rate = 8400,
                                                               .above_quantile_ns = 12e6,
                                                               .above_why = "p99 12.0 ms",
                                                               .below_rate = 7600,
                                                               .below_quantile_ns = 5e6,
                                                               .tries = 9,
                                                               .unknown_tries = 1,
                                                               .requests = 16'000};
  const Json expected{{"rate_per_second", 8000.0},
                      {"tries", 9},
                      {"unknown_tries", 1},
                      {"requests", 16'000},
                      {"above_rate_per_second", 8400.0},
                      {"above_quantile_ns", 12e6},
                      {"above_why", "p99 12.0 ms"},
                      {"below_rate_per_second", 7600.0},
                      {"below_quantile_ns", 5e6}};
  const Json sample = rows_of(example, "iteration")[0];
  EXPECT_EQ(sample["name"], "echo/epoll/connections:4/message:64/rate:search");
  EXPECT_EQ(sample["bench"]["knee"], expected);
  EXPECT_EQ(sample["bench"]["parameters"]["rate_mode"], "search");
  EXPECT_EQ(sample["bench"]["parameters"]["offered_rate_per_second"], 8000);
  EXPECT_EQ(sample["bench"]["parameters"]["dispatch"], "each");
  const Json median = rows_of(example, "aggregate")[0]["bench"];
  EXPECT_EQ(median["knee"], expected);
  EXPECT_EQ(median["knee_rate_per_second"], 8000);
  const Json services = document_of(example)["context"]["bench"]["services"];
  EXPECT_EQ(services["slo"], Json({{"quantile_percent", 99.0}, {"limit_ns", 10'000'000}}));

  // A search that found nothing has no neighbour below.
  example.results.cells[0].samples[0].service->knee = Knee{.rate = 0, .above_rate = 1, .above_why = "limit server"};
  for (const char* key : {"below_rate_per_second", "requests", "why_not_found"}) {
    EXPECT_FALSE(rows_of(example, "iteration")[0]["bench"]["knee"].contains(key)) << key;
  }

  // One that could not be carried through says what was in its way.
  example.results.cells[0].samples[0].service->knee->why_not_found = "the load generator was the limit";
  EXPECT_EQ(rows_of(example, "iteration")[0]["bench"]["knee"]["why_not_found"], "the load generator was the limit");
}

TEST(ServiceRows, NameTheCommonRateOnceItIsKnown) {
  ServiceExample example({"threads", "epoll"}, RateMode::common, 5000);
  example.results.cells[0].failure = "it died";
  example.add(1, 5000, 3500, Limit::rate);
  const Json services = document_of(example)["context"]["bench"]["services"];
  EXPECT_EQ(services["common_rates"], Json({{{"title", "example"},
                                             {"offered_rate_per_second", 5000.0},
                                             {"cells",
                                              {"echo/threads/connections:4/message:64/rate:common",
                                               "echo/epoll/connections:4/message:64/rate:common"}}}}));
  for (const Json& row : rows_of(example, "iteration")) {
    EXPECT_EQ(row["bench"]["parameters"]["offered_rate_per_second"], 5000);
  }
  EXPECT_EQ(rows_of(example, "aggregate")[0]["bench"]["offered_rate_per_second"], 5000);
  example.results.common_rates.clear();
  EXPECT_THAT(document_of(example)["context"]["bench"]["services"]["common_rates"], SizeIs(0));
  EXPECT_FALSE(rows_of(example, "iteration")[0]["bench"]["parameters"].contains("offered_rate_per_second"));
}

TEST(ServiceRows, HoldEachClassOfRequestsWhereTheyWereToldApart) {
  ServiceExample example({"epoll"});
  ServiceParameters& parameters = example.plan.groups[0].load.parameters;
  parameters.wait = 5ms;
  parameters.heavy_share = 0.25;
  example.add(0, 1000, 3500, Limit::latency).service->classes = {
      {{.completed = 700, .drained = 3, .unfinished = 2, .failed = 1}, {1, 2, 3, 4}},
      {{.completed = 300}, {5, 6, 7, 8}}};
  const Json sample = rows_of(example, "iteration")[0]["bench"];
  EXPECT_EQ(sample["parameters"]["heavy_percent"], 25);
  EXPECT_EQ(sample["classes"][0], Json::parse(R"({"name": "light", "requests_completed": 700, "requests_drained": 3,
      "requests_unfinished": 2, "requests_failed": 1, "latency_p50_ns": 1.0, "latency_p90_ns": 2.0,
      "latency_p99_ns": 3.0, "latency_p99_9_ns": 4.0})"));
  EXPECT_EQ(sample["classes"][1]["name"], "heavy");
  EXPECT_EQ(sample["classes"][1]["latency_p99_9_ns"], 8);
  const Json median = rows_of(example, "aggregate")[0]["bench"];
  EXPECT_EQ(median["classes"], Json::parse(R"([
      {"name": "light", "requests_unfinished": 2, "requests_failed": 1, "latency_p99_ns": 3.0},
      {"name": "heavy", "requests_unfinished": 0, "requests_failed": 0, "latency_p99_ns": 7.0}])"));
}

TEST(ServiceRows, HoldNoLatencyOfAClassWithoutARequest) {
  ServiceExample example({"epoll"});
  example.add(0, 1000, 3500, Limit::latency).service->classes = {{{.completed = 1000}, {1, 2, 3, 4}}, {}};
  EXPECT_EQ(rows_of(example, "iteration")[0]["bench"]["classes"][1], Json::parse(R"({"name": "heavy",
      "requests_completed": 0, "requests_drained": 0, "requests_unfinished": 0, "requests_failed": 0})"));
  EXPECT_FALSE(rows_of(example, "aggregate")[0]["bench"]["classes"][1].contains("latency_p99_ns"));
}

TEST(ServiceRows, SayNothingOfAServerThatSomebodyElseRuns) {
  ServiceExample example({"epoll"});
  Group& group = example.plan.groups[0];
  group.foreign.emplace().target.text = "192.0.2.1:80";
  example.plan.cpu_split = {};
  example.add(0, 1000, 0, Limit::latency).ideal_cpu_ns = 0;
  for (const char* type : {"iteration", "aggregate"}) {
    const Json bench = rows_of(example, type)[0]["bench"];
    for (const char* key : {"ideal_ns", "server_cpu_percent", "voluntary_switches_per_request", "units_peak"}) {
      EXPECT_FALSE(bench.contains(key)) << type << " " << key;
    }
    EXPECT_TRUE(bench.contains("others_cpu_percent")) << type;
  }
  EXPECT_EQ(rows_of(example, "iteration")[0]["bench"]["parameters"]["target"], "192.0.2.1:80");
  group.foreign->pid = 42;
  EXPECT_EQ(rows_of(example, "iteration")[0]["bench"]["server_cpu_percent"], 50);
}

TEST(ServiceRows, SayWhatIsUnknownOfAServerThatSomebodyElseRuns) {
  ServiceExample example({"epoll"});
  example.plan.groups[0].foreign.emplace().pid = 42;
  ServiceSample& service = *example.add(0, 1000, 0, Limit::latency).service;
  service.server_switches_unknown = true;
  for (const char* type : {"iteration", "aggregate"}) {
    const Json bench = rows_of(example, type)[0]["bench"];
    EXPECT_EQ(bench["server_cpu_percent"], 50) << type;
    EXPECT_FALSE(bench.contains("voluntary_switches_per_request")) << type;
    EXPECT_FALSE(bench.contains("server_cpu_unknown")) << type;
  }
  service.server_cpu_unknown = "process 42 ended in the window";
  for (const char* type : {"iteration", "aggregate"}) {
    const Json bench = rows_of(example, type)[0]["bench"];
    EXPECT_EQ(bench["server_cpu_unknown"], "process 42 ended in the window") << type;
    for (const char* key : {"server_cpu_percent", "server_cpu_ns_per_request", "minor_faults_per_request"}) {
      EXPECT_FALSE(bench.contains(key)) << type << " " << key;
    }
  }
}

TEST(ServiceRows, HoldNoNullWithoutASingleAnswer) {
  ServiceExample example({"epoll"}, RateMode::fixed, 1000);
  Sample& sample = example.add(0, 0, 0, Limit::starved);
  sample.ideal_cpu_ns = 0;
  sample.service->load = {};
  EXPECT_FALSE(holds_null(document_of(example)));
  EXPECT_EQ(rows_of(example, "iteration")[0]["items_per_second"], 0);
  EXPECT_EQ(rows_of(example, "iteration")[0]["iterations"], 0);
  EXPECT_FALSE(holds_null(document_of(ServiceExample({"epoll"}))));  // before the first run
}

TEST(Document, SpeaksOfServicesOnlyWhereThereAreSuch) {
  EXPECT_FALSE(Example().document()["context"]["bench"].contains("services"));
  const Json services = document_of(ServiceExample({"epoll"}))["context"]["bench"]["services"];
  EXPECT_EQ(services["no_halt"], false);
  EXPECT_EQ(services["client_cpus"], Json::array({1}));
  EXPECT_FALSE(services.contains("slo"));
  EXPECT_FALSE(services.contains("common_rates"));
}

// ---- The text ----

// Arguments of a command line are bytes; a result must not be lost because they are no text.
TEST(Document, BecomesTextWhateverTheCommandLineHolds) {
  Example example;
  example.options.command_line = {"bench", "--out=\xff\xfe.json"};
  const std::string text = document_text(example.document());
  const Json read = Json::parse(text);
  EXPECT_THAT(read["context"]["bench"]["command_line"][1].get<std::string>(), HasSubstr("--out=\xEF\xBF\xBD"));
}

TEST(IsoTime, IsUtcAsGoogleBenchmarkWritesIt) {
  EXPECT_THAT(iso_time(), MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\+00:00"));
}

}  // namespace
}  // namespace bench
