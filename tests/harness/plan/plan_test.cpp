// Why: the plan decides what is compared with what, what is left out and why, and how long a user is told to wait.
#include "harness/plan/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "harness/app/list.h"
#include "harness/report/report.h"
#include "tests/support/command_line.h"
#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t gibibyte = std::int64_t{1} << 30;

Machine roomy_machine() {
  Machine machine;
  machine.available_memory_bytes = 64 * gibibyte;
  machine.descriptor_limit = 1'000'000;
  machine.process_limits = {
      {.name = "kernel.pid_max = 32768", .remedy = "sysctl kernel.pid_max=4194304", .room = 30'000}};
  machine.stack_limits = {
      {.name = "vm.max_map_count = 65530", .remedy = "sysctl vm.max_map_count=1000000", .room = 20'000}};
  return machine;
}

Options options_for(const std::vector<std::string_view>& models, const std::vector<std::string_view>& workloads) {
  Options options;
  for (const std::string_view name : models) options.models.push_back(&model_named(name));
  for (const std::string_view name : workloads) options.jobs.push_back(&job_named(name));
  return options;
}

TEST(Plan, ShowsACpuQuotaAndAllowsForIt) {
  Options options = options_for({"threads"}, {"cpu"});
  options.cpus = {2};
  const Plan without = make_plan(options, roomy_machine());
  Machine machine = roomy_machine();
  machine.cpu_quota = CpuQuota{.cpus = 0.25};
  const Plan plan = make_plan(options, machine);
  EXPECT_EQ(plan.groups[0].title, without.groups[0].title + ", quota 0.25");
  EXPECT_EQ(plan.groups[0].usable_cpus(), 0.25);
  EXPECT_EQ(without.groups[0].usable_cpus(), 2);
  EXPECT_GT(plan.cells[0].time_limit_ns, without.cells[0].time_limit_ns);
  EXPECT_EQ(plan.cpu_quota->cpus, 0.25);
}

TEST(Plan, MultipliesListsOutInTheOrderGiven) {
  Options options = options_for({"serial", "threads"}, {"io"});
  options.parameters["tasks"] = {"2", "3"};
  options.parameters["wait"] = {"1ms", "2ms"};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_THAT(names(plan),
              ElementsAre("io/serial/tasks:2/wait:1ms", "io/threads/tasks:2/wait:1ms", "io/serial/tasks:2/wait:2ms",
                          "io/threads/tasks:2/wait:2ms", "io/serial/tasks:3/wait:1ms", "io/threads/tasks:3/wait:1ms",
                          "io/serial/tasks:3/wait:2ms", "io/threads/tasks:3/wait:2ms"));
  ASSERT_EQ(plan.groups.size(), 4U);
  EXPECT_THAT(plan.groups[1].cells, ElementsAre(2, 3));
  EXPECT_EQ(plan.cells[3].group, 1U);
}

TEST(Plan, NamesOnlyTheParametersThatAWorkloadAndAModelTake) {
  Options options = options_for({"serial", "thread-pool"}, {"cpu", "io", "mixed"});
  options.parameters["tasks"] = {"4"};
  options.workers = {2, 8};
  options.parameters["work"] = {"100"};
  EXPECT_THAT(
      names(make_plan(options, roomy_machine())),
      ElementsAre("cpu/serial/tasks:4/work:100", "cpu/thread-pool/tasks:4/work:100/workers:2",
                  "cpu/thread-pool/tasks:4/work:100/workers:8", "io/serial/tasks:4/wait:10ms",
                  "io/thread-pool/tasks:4/wait:10ms/workers:2", "io/thread-pool/tasks:4/wait:10ms/workers:8",
                  "mixed/serial/tasks:4/work:100/wait:5ms", "mixed/thread-pool/tasks:4/work:100/wait:5ms/workers:2",
                  "mixed/thread-pool/tasks:4/work:100/wait:5ms/workers:8"));
}

TEST(Plan, NamesAndLabelsStacksThatAreNotTheDefault) {
  Options options = options_for({"fibers", "threads"}, {"io"});
  EXPECT_THAT(names(make_plan(options, roomy_machine())),
              ElementsAre("io/fibers/tasks:100/wait:10ms", "io/threads/tasks:100/wait:10ms"));
  options.stack_bytes = {default_stack_bytes, 16 << 10};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_THAT(names(plan), ElementsAre("io/fibers/tasks:100/wait:10ms", "io/fibers/tasks:100/wait:10ms/stack:16384",
                                       "io/threads/tasks:100/wait:10ms"));
  EXPECT_EQ(plan.cells[0].label, "fibers (64.0 KiB)");
  EXPECT_EQ(plan.cells[1].label, "fibers (16.0 KiB)");
  EXPECT_EQ(plan.cells[1].stack_bytes, 16U << 10);
}

TEST(Plan, JoinsDealtWaitsIntoOneCell) {
  Options options = options_for({"serial"}, {"io"});
  options.parameters["wait"] = {"10ms:20ms:1500us"};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_THAT(names(plan), ElementsAre("io/serial/tasks:100/wait:10ms+20ms+1500us"));
  EXPECT_EQ(plan.groups[0].batch.wait_of(1), 20ms);
  EXPECT_EQ(plan.groups[0].batch.wait_of(3), 10ms);
}

TEST(Plan, ShowsCpusInNamesOnlyWhenTheyWereChosen) {
  Options options = options_for({"serial"}, {"io"});
  options.cpus = {1};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_THAT(names(plan), ElementsAre("io/serial/tasks:100/wait:10ms/cpus:1"));
  EXPECT_EQ(plan.groups[0].cpus, 1U);
}

TEST(Plan, LabelsPoolsByTheirWorkers) {
  Options options = options_for({"threads", "thread-pool"}, {"io"});
  options.workers = {2, 8};
  const Plan several = make_plan(options, roomy_machine());
  EXPECT_EQ(several.cells[0].label, "threads");
  EXPECT_EQ(several.cells[1].label, "thread-pool (2)");
  EXPECT_EQ(several.cells[2].label, "thread-pool (8)");
  options.workers.clear();
  EXPECT_EQ(make_plan(options, roomy_machine()).cells[1].label,
            fmt::format("thread-pool ({})", several.groups[0].cpus));
}

TEST(Plan, TitlesSayWhatIsCompared) {
  Options options = options_for({"serial"}, {"mixed"});
  options.parameters["tasks"] = {"1500"};
  options.parameters["work"] = {"3000"};
  options.parameters["wait"] = {"10ms:20ms"};
  options.cpus = {1};
  EXPECT_EQ(make_plan(options, roomy_machine()).groups[0].title,
            "mixed · 1,500 tasks · work 3,000 · wait 10ms:20ms · 1 CPU");
}

TEST(Plan, TakesRoundsAndSeedFromTheOptions) {
  Options options = options_for({"serial"}, {"io"});
  options.seed = 7;
  const Plan automatic = make_plan(options, roomy_machine());
  EXPECT_EQ(automatic.seed, 7U);
  EXPECT_EQ(automatic.min_rounds, 8U);  // the fewest that tell apart at 99%
  EXPECT_GT(automatic.max_rounds, automatic.min_rounds);
  options.repetitions = 3;
  const Plan fixed = make_plan(options, roomy_machine());
  EXPECT_EQ(fixed.min_rounds, 3U);
  EXPECT_EQ(fixed.max_rounds, 3U);
}

TEST(Plan, SkipsWhatNeedsMoreUnitsThanALimitLeaves) {
  Options options = options_for({"processes", "threads", "thread-pool", "coroutines", "epoll", "serial"}, {"io"});
  options.parameters["tasks"] = {"25000", "40000"};
  const Plan plan = make_plan(options, roomy_machine());
  const auto skipped = [&](std::size_t cell) { return plan.cells[cell].skipped.value_or("runs"); };
  EXPECT_EQ(skipped(0), "runs");  // 25,000 processes fit below pid_max
  EXPECT_THAT(skipped(1), AllOf(HasSubstr("25,000 threads"), HasSubstr("vm.max_map_count = 65530"),
                                HasSubstr("leaves room for 20,000"), HasSubstr("sysctl vm.max_map_count=1000000")));
  for (const std::size_t cell : {2U, 3U, 4U, 5U, 8U, 9U, 10U, 11U})
    EXPECT_EQ(skipped(cell), "runs") << plan.cells[cell].name;
  for (const std::size_t cell : {6U, 7U}) {
    EXPECT_THAT(skipped(cell), AllOf(HasSubstr("40,000"), HasSubstr("kernel.pid_max = 32768"),
                                     HasSubstr("leaves room for 30,000"), HasSubstr("sysctl kernel.pid_max=4194304")));
  }
  EXPECT_THAT(skipped(6), HasSubstr("processes"));
  EXPECT_THAT(skipped(7), HasSubstr("threads"));
}

TEST(Plan, SkipsTransfersWhereTheyCannotBeServed) {
  Model model = model_named("epoll");
  model.name = "other";
  model.why_no_transfers = "has no sockets for them";
  Options options;
  options.models = {&model_named("epoll"), &model};
  options.services.push_back(&*std::ranges::find(all_services(), "tftp", &Service::name));
  options.service.pipeline = {1, 2};
  const Plan plan = make_plan(options, roomy_machine());
  ASSERT_EQ(plan.cells.size(), 4U);
  EXPECT_EQ(plan.cells[0].skipped, std::nullopt);
  EXPECT_EQ(plan.cells[1].skipped, "has no sockets for them");
  EXPECT_THAT(plan.cells[2].skipped.value_or("runs"), HasSubstr("one under way"));
}

TEST(Plan, ALimitMayBeUsedToTheLastUnit) {
  Options options = options_for({"threads"}, {"io"});
  options.parameters["tasks"] = {"20000", "20001"};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_FALSE(plan.cells[0].skipped);
  EXPECT_TRUE(plan.cells[1].skipped);
}

TEST(Plan, SkipsAPoolWithMoreWorkersThanALimitLeaves) {
  Options options = options_for({"process-pool"}, {"io"});
  options.workers = {30'001};
  EXPECT_THAT(make_plan(options, roomy_machine()).cells[0].skipped.value_or("runs"), HasSubstr("kernel.pid_max"));
}

TEST(Plan, SkipsAPoolWithMorePipesThanDescriptors) {
  Machine machine = roomy_machine();
  machine.descriptor_limit = 1024;
  Options options = options_for({"process-pool", "thread-pool"}, {"io"});
  options.workers = {2, 2000};
  const Plan plan = make_plan(options, machine);
  EXPECT_FALSE(plan.cells[0].skipped);
  EXPECT_THAT(plan.cells[1].skipped.value_or("runs"),
              AllOf(HasSubstr("descriptors"), HasSubstr("ulimit -n = 1024"), HasSubstr("lift it with: ulimit -n ")));
  EXPECT_FALSE(plan.cells[3].skipped);  // threads share theirs
}

TEST(Plan, SkipsTasksThatNeedMoreDescriptorsThanThereAre) {
  Machine machine = roomy_machine();
  machine.descriptor_limit = 64;
  Options options = options_for({"epoll", "serial", "processes"}, {"crawl"});
  options.parameters["pages"] = {"30", "100"};
  options.workers = {10};
  const Plan plan = make_plan(options, machine);
  for (std::size_t cell = 0; cell < 3; ++cell) EXPECT_FALSE(plan.cells[cell].skipped) << plan.cells[cell].name;
  EXPECT_THAT(plan.cells[3].skipped.value_or("runs"), HasSubstr("needs 132 descriptors in one process"));
  for (std::size_t cell = 4; cell < 6; ++cell) EXPECT_FALSE(plan.cells[cell].skipped) << plan.cells[cell].name;
  machine.descriptor_limit = 8;  // not even what runs of any model take
  for (const Cell& cell : make_plan(options_for({"processes"}, {"crawl"}), machine).cells) {
    EXPECT_THAT(cell.skipped.value_or("runs"), HasSubstr("needs 32 descriptors")) << cell.name;
  }
  machine.descriptor_limit = 5;
  for (const Cell& cell : make_plan(options_for({"epoll", "processes"}, {"io"}), machine).cells) {
    EXPECT_THAT(cell.skipped.value_or("runs"), HasSubstr("needs 10 descriptors")) << cell.name;
  }
}

TEST(Plan, SkipsWhatNeedsMoreMemoryThanThereIs) {
  Machine machine = roomy_machine();
  machine.available_memory_bytes = gibibyte;
  Options options = options_for({"processes", "serial"}, {"io"});
  options.parameters["tasks"] = {"20000"};
  const Plan plan = make_plan(options, machine);
  EXPECT_THAT(plan.cells[0].skipped.value_or("runs"),
              AllOf(HasSubstr("of memory"), HasSubstr("1.00 GiB"), HasSubstr("fewer --tasks")));
  EXPECT_FALSE(plan.cells[1].skipped);
}

TEST(Plan, SkipsAModelThatIsUnavailableWithItsReason) {
  const Plan plan = make_plan(options_for({"unavailable"}, {"io"}), roomy_machine());
  EXPECT_EQ(plan.cells[0].skipped, "not available here: it is a row for tests");
  EXPECT_EQ(expected_round_ns(plan), 0);
}

TEST(Plan, WaitsForEachTaskOnlyUnderModelsThatHandThemOut) {
  Options options = options_for({"thread-pool", "epoll"}, {"io"});
  options.parameters["tasks"] = {"100"};
  options.parameters["wait"] = {"10ms"};
  options.parameters["submit"] = {"sync"};
  options.workers = {10};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_FALSE(plan.cells[0].skipped);
  EXPECT_THAT(plan.cells[0].name, HasSubstr("/submit:sync"));
  EXPECT_NEAR(static_cast<double>(plan.cells[0].expected_ns), 1e9, 0.2e9);
  EXPECT_THAT(plan.cells[1].skipped.value_or("runs"), HasSubstr("--submit=sync"));
}

TEST(Plan, ExpectsWhatTheModelsOverlap) {
  Options options = options_for({"serial", "thread-pool", "coroutines"}, {"io"});
  options.parameters["tasks"] = {"100"};
  options.parameters["wait"] = {"1s"};
  options.workers = {10};
  const Plan plan = make_plan(options, roomy_machine());
  constexpr double second_ns = 1e9;
  EXPECT_NEAR(static_cast<double>(plan.cells[0].expected_ns), 100 * second_ns, 10 * second_ns);
  EXPECT_NEAR(static_cast<double>(plan.cells[1].expected_ns), 10 * second_ns, second_ns);
  EXPECT_NEAR(static_cast<double>(plan.cells[2].expected_ns), second_ns, 0.1 * second_ns);
  EXPECT_EQ(expected_round_ns(plan), plan.cells[0].expected_ns + plan.cells[1].expected_ns + plan.cells[2].expected_ns);
}

TEST(Plan, ExpectsComputationToTakeEveryCpuOfAParallelModelOnly) {
  Options options = options_for({"serial", "coroutines"}, {"cpu"});
  options.parameters["tasks"] = {"1000"};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_EQ(plan.cells[0].expected_ns / 10'000'000, plan.cells[1].expected_ns / 10'000'000);
  EXPECT_GT(plan.cells[0].expected_ns, 1'000'000'000);
}

TEST(Plan, GivesEveryRunTimeEnoughUnlessToldOtherwise) {
  Options options = options_for({"serial"}, {"io"});
  options.parameters["wait"] = {"1m"};
  const Plan plan = make_plan(options, roomy_machine());
  EXPECT_GT(plan.cells[0].time_limit_ns, 2 * plan.cells[0].expected_ns);
  options.time_limit_ns = 5;
  EXPECT_EQ(make_plan(options, roomy_machine()).cells[0].time_limit_ns, 5);
  const Options patient = parse({"--model=epoll", "--workload=echo", "--connect-deadline=1h", "--timeout=1h"});
  EXPECT_GE(make_plan(patient, roomy_machine()).cells[0].time_limit_ns, std::chrono::nanoseconds(3h).count());
}

TEST(Plan, StaysWithinItsNumbersForTheLargestOfAllPlans) {
  Options options = options_for({"serial"}, {"io"});
  options.parameters["tasks"] = {std::to_string(max_tasks)};
  options.parameters["wait"] = {"24h"};
  options.repetitions = 10'000;
  const Plan plan = make_plan(options, roomy_machine());
  ASSERT_FALSE(plan.cells[0].skipped);
  EXPECT_GT(plan.cells[0].expected_ns, 24 * 3'600'000'000'000);
  EXPECT_GT(plan.cells[0].time_limit_ns, plan.cells[0].expected_ns);
  EXPECT_THAT(plan_text(plan), Not(HasSubstr("about -")));
}

TEST(Plan, NumbersItsWorkloadsAndNotItsGroups) {
  Plan plan;
  for (const char* name : {"io", "io", "cpu", "io", "sum"}) plan.groups.emplace_back().job = &job_named(name);
  number_workloads(plan);
  std::vector<std::size_t> numbers;
  for (const Group& group : plan.groups) numbers.push_back(group.workload);
  EXPECT_THAT(numbers, ElementsAre(0, 0, 1, 0, 2));
  EXPECT_THAT(workload_names(plan), ElementsAre("io", "cpu", "sum"));
}

TEST(PlanText, HasEveryCellTheSeedAndTheExpectedDuration) {
  Options options = options_for({"serial", "unavailable"}, {"io"});
  options.parameters["tasks"] = {"100"};
  options.parameters["wait"] = {"1s"};
  options.seed = 7;
  options.repetitions = 2;
  const std::string text = plan_text(make_plan(options, roomy_machine()));
  EXPECT_THAT(text, HasSubstr("io · 100 tasks · wait 1s"));
  EXPECT_THAT(text, HasSubstr("io/serial/tasks:100/wait:1s  about 1 min 45 s a run"));
  EXPECT_THAT(text, HasSubstr("io/unavailable/tasks:100/wait:1s  skipped: not available here: it is a row for tests"));
  EXPECT_THAT(text, HasSubstr("2 cells, seed 7; 2 rounds of about 1 min 45 s: about"));
  EXPECT_THAT(text, HasSubstr(" in all\n"));
}

// ---- Windows ----

ServiceLoad load_of(std::uint32_t active) {
  ServiceLoad load;
  load.connections = load.active = active;
  return load;
}

TEST(Window, IsAsShortAsTheRequestsAllow) {
  EXPECT_EQ(window_of(load_of(100), {}, 30'000), 100ms);
  EXPECT_EQ(window_of(load_of(100), {}, 5'000), 200ms);      // 1,000 requests
  EXPECT_EQ(window_of(load_of(10'000), {}, 20'000), 600ms);  // one of each connection
  EXPECT_EQ(window_of(load_of(100), {}, 10), 3s);            // and no longer
  ServiceLoad slow = load_of(10);
  slow.parameters.wait = 20ms;
  slow.service_cpu = 5ms;
  EXPECT_EQ(window_of(slow, {}, 30'000), 500ms);
}

TEST(Window, IsLongerInTheClosedLoopWhereMoreAreUnderWay) {
  EXPECT_EQ(window_of(load_of(100), {}, 0), 105ms);
  EXPECT_EQ(window_of(load_of(10'000), {}, 0), 600ms);
}

TEST(Window, IsWhatWasAskedFor) {
  ClientOptions asked;
  asked.duration = 7s;
  EXPECT_EQ(window_of(load_of(100), asked, 30'000), 7s);
  EXPECT_EQ(capacity_probe(load_of(100), asked), 500ms);
  EXPECT_EQ(capacity_probe(load_of(100), {}), 105ms);
  asked.warmup = 0ms;
  EXPECT_EQ(warm_up_of(load_of(100), asked, 0), 0ms);
}

TEST(WarmUp, LetsEachConnectionHaveARequest) {
  EXPECT_EQ(warm_up_of(load_of(100), {}, 30'000), 50ms);
  EXPECT_EQ(warm_up_of(load_of(10'000), {}, 20'000), 600ms);
  EXPECT_EQ(warm_up_of(load_of(1'000'000), {}, 20'000), 3s);
  EXPECT_EQ(warm_up_of(load_of(10'000), {}, 0), 3s);  // the server may have to fork for each
}

TEST(ListText, SaysWhatThereIsAndWhatIsUnavailableAndWhy) {
  const std::string text = list_text({.models = faulty_models(), .jobs = all_jobs(), .services = all_services()});
  EXPECT_THAT(text, HasSubstr("not available here: it is a row for tests"));
  EXPECT_THAT(text, HasSubstr("here it is a row for tests"));
  for (const Job& job : all_jobs()) EXPECT_THAT(text, HasSubstr(std::string(job.summary)));
  for (const Service& service : all_services()) EXPECT_THAT(text, HasSubstr(std::string(service.summary)));
  const std::string usual = list_text(own_tables());
  EXPECT_THAT(usual, HasSubstr("\nPrimitives:\n"));
  for (const Primitive& primitive : all_primitives()) EXPECT_THAT(usual, HasSubstr(std::string(primitive.summary)));
  for (const Model& model : all_models()) {
    EXPECT_THAT(usual, HasSubstr(std::string(model.summary)));
    for (const std::string_view alias : model.aliases) EXPECT_THAT(usual, HasSubstr(std::string(alias)));
  }
}

}  // namespace
}  // namespace bench
