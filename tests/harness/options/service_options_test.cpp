// Why: a load that is not the one that was asked for is a wrong measurement that looks right; so what services, servers
// and load generators are told is read exactly, and a mistake is named before anything runs.
#include "harness/options/service_options.h"
#include "measure/affinity.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "harness/options/flags.h"
#include "harness/options/options.h"
#include "harness/options/suites.h"
#include "harness/options/workload_parameters.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "tests/support/command_line.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

// The options of a run of `echo` with these arguments besides.
ServiceOptions echo(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "--workload=echo");
  return parse(arguments).service;
}

ServeOptions serve(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"serve", "--model=epoll", "--workload=echo"});
  return parse(arguments).serve.value();
}

LoadOptions load(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"load", "http://127.0.0.1:8080/"});
  return parse(arguments).load.value();
}

// ---- run: which workloads ----

TEST(RunOfServices, ChoosesJobsByDefaultAndServicesByName) {
  EXPECT_THAT(parse({"run"}).services, IsEmpty());
  EXPECT_THAT(parse({"run"}).jobs, SizeIs(all_jobs().size()));
  EXPECT_THAT(names(parse({"--workload=echo"}).services), ElementsAre("echo"));
  EXPECT_THAT(parse({"--workload=echo"}).jobs, IsEmpty());
  EXPECT_THAT(names(parse({"--workload=echo,io,echo"}).services), ElementsAre("echo"));
  EXPECT_THAT(names(parse({"--workload=echo,io,echo"}).jobs), ElementsAre("io"));
}

TEST(RunOfServices, TakesAllForJobsAndServices) {
  const Options options = parse({"--workload=all"});
  EXPECT_THAT(options.jobs, SizeIs(all_jobs().size()));
  EXPECT_THAT(options.services, SizeIs(all_services().size()));
}

TEST(RunOfServices, SuggestsServicesToo) {
  EXPECT_THAT(refusal({"--workload=ehco"}), AllOf(HasSubstr("unknown workload 'ehco'"), HasSubstr("'echo'?")));
}

// ---- run: values ----

TEST(ServiceOptions, HaveDefaults) {
  const ServiceOptions options = echo({});
  EXPECT_THAT(options.connections, ElementsAre(100));
  EXPECT_THAT(options.active, IsEmpty());
  EXPECT_EQ(options.rate_mode, RateMode::closed);
  EXPECT_THAT(options.rates, IsEmpty());
  EXPECT_EQ(options.slo.quantile, 0.99);
  EXPECT_EQ(options.slo.limit, 10ms);
  EXPECT_THAT(options.pipeline, ElementsAre(1));
  EXPECT_THAT(options.service_cpu, ElementsAre(0ns));
  EXPECT_THAT(options.service_wait, ElementsAre(0ns));
  EXPECT_EQ(options.heavy_share, 1);
  EXPECT_EQ(options.client.arrivals, Arrivals::constant);
  EXPECT_EQ(options.client.dispatch, Dispatch::each);
  EXPECT_EQ(options.client.requests_per_connection, 0U);
  EXPECT_FALSE(options.client.duration);
  EXPECT_FALSE(options.client.warmup);
  EXPECT_EQ(options.client.connect_deadline, 5s);
  EXPECT_EQ(options.client.threads, 1U);
  EXPECT_THAT(options.client.cpus, IsEmpty());
  EXPECT_FALSE(options.memory);
  EXPECT_THAT(options.server_cpus, IsEmpty());
  EXPECT_FALSE(options.no_halt);
  EXPECT_EQ(options.idle_timeout, 60s);
}

TEST(ServiceOptions, TakeListsInTheirOrderAndRepeatedValuesOnce) {
  const ServiceOptions options =
      echo({"--connections=1000,100,1k,1M", "--active=10,20,10", "--message-size=64,1KiB,64B,16MiB", "--pipeline=4,1,4",
            "--service-cpu=10us,0,10us", "--service-wait=1ms,2ms", "--heavy=0.5%"});
  EXPECT_THAT(options.connections, ElementsAre(1000, 100, 1'000'000));
  EXPECT_THAT(options.active, ElementsAre(10, 20));
  EXPECT_THAT(options.pipeline, ElementsAre(4, 1));
  EXPECT_THAT(options.service_cpu, ElementsAre(10us, 0us));
  EXPECT_THAT(options.service_wait, ElementsAre(1ms, 2ms));
  EXPECT_DOUBLE_EQ(options.heavy_share, 0.005);
}

TEST(ServiceOptions, TakeSizesOfMessagesHoweverTheyAreWritten) {
  const Options options = parse({"--workload=echo", "--message-size=64,1KiB,64B,16MiB"});
  std::vector<std::uint64_t> sizes;
  for (const Parameters& one : combinations(parameters_of(*options.services.front()), options.parameters)) {
    sizes.push_back(service_parameters_of(one).message_bytes);
  }
  EXPECT_THAT(sizes, ElementsAre(64, 1024, 16 << 20));
}

TEST(ServiceOptions, TakeSingleValues) {
  const std::string cpu = std::to_string(available_cpu_numbers().front());
  const ServiceOptions options =
      echo({"--rate=1k", "--arrivals=poisson", "--dispatch=any", "--requests-per-connection=5", "--duration=10s",
            "--warmup=0", "--connect-deadline=30s", "--client-threads=256", "--client-cpus=" + cpu, "--memory",
            "--server-cpus=" + cpu + ":" + cpu, "--no-halt", "--idle-timeout=2m"});
  EXPECT_EQ(options.client.arrivals, Arrivals::poisson);
  EXPECT_EQ(options.client.dispatch, Dispatch::any);
  EXPECT_EQ(options.client.requests_per_connection, 5U);
  EXPECT_EQ(options.client.duration, 10s);
  EXPECT_EQ(options.client.warmup, 0s);
  EXPECT_EQ(options.client.connect_deadline, 30s);
  EXPECT_EQ(options.client.threads, 256U);
  EXPECT_THAT(options.client.cpus, ElementsAre(available_cpu_numbers().front()));
  EXPECT_TRUE(options.memory);
  EXPECT_THAT(options.server_cpus, ElementsAre(available_cpu_numbers().front()));
  EXPECT_TRUE(options.no_halt);
  EXPECT_EQ(options.idle_timeout, 2min);
}

TEST(ServiceOptions, TakeEveryAvailableCpuInASet) {
  std::string set;
  for (const int cpu : available_cpu_numbers()) set += (set.empty() ? "" : ":") + std::to_string(cpu);
  EXPECT_EQ(echo({"--server-cpus=" + set}).server_cpus, available_cpu_numbers());
  EXPECT_EQ(echo({"--client-cpus=" + set}).client.cpus, available_cpu_numbers());
}

TEST(ServiceOptions, TakeRatesASearchOrACommonRate) {
  const ServiceOptions fixed = echo({"--rate=50k,0.5,1.5M,50000,10M"});
  EXPECT_EQ(fixed.rate_mode, RateMode::fixed);
  EXPECT_THAT(fixed.rates, ElementsAre(50'000, 0.5, 1'500'000, 1e7));
  EXPECT_EQ(echo({"--rate=search"}).rate_mode, RateMode::search);
  EXPECT_THAT(echo({"--rate=search"}).rates, IsEmpty());
  EXPECT_EQ(echo({"--rate=common", "--arrivals=constant"}).rate_mode, RateMode::common);
}

TEST(ServiceOptions, TakeTheBoundOfASearch) {
  for (const auto& [name, quantile] :
       std::vector<std::pair<std::string, double>>{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}) {
    const Slo slo = echo({"--rate=search", "--slo=" + name + "<250us"}).slo;
    EXPECT_EQ(slo.quantile, quantile);
    EXPECT_EQ(slo.limit, 250us);
  }
}

TEST(ServiceOptions, RefuseWithTheFlagTheValueAndWhatIsAllowed) {
  expect_refusals(
      {"--workload=echo"},
      {
          {{"--connections=0"}, {"--connections=0", "must be between 1 and 1,000,000"}},
          {{"--connections=10,1000001"}, {"--connections=1000001", "must be between 1 and 1,000,000"}},
          {{"--connections=many"}, {"--connections=many", "whole number"}},
          {{"--active=0"}, {"--active=0", "must be between 1 and 1,000,000"}},
          {{"--active=101"}, {"--active=101", "more than --connections=100", "the default"}},
          {{"--connections=1000,50", "--active=10,60"}, {"--active=60", "more than --connections=50"}},
          {{"--rate=0"}, {"--rate=0", "more than 0 and at most 10,000,000"}},
          {{"--rate=2G"}, {"--rate=2G", "more than 0 and at most 10,000,000"}},
          {{"--rate=-5"}, {"--rate=-5", "must not be negative"}},
          {{"--rate=5q"}, {"--rate=5q", "unknown suffix 'q'", "k, M, G"}},
          {{"--rate="}, {"--rate=", "a number"}},
          {{"--rate=serch"}, {"--rate=serch", "or search, or common", "did you mean 'search'?"}},
          {{"--rate=10,search"}, {"--rate=10,search", "'search' stands alone"}},
          {{"--rate=common,common"}, {"--rate=common,common", "'common' stands alone"}},
          {{"--rate=search", "--slo=p98<10ms"}, {"--slo=p98<10ms", "p50, p90, p99 or p99.9"}},
          {{"--rate=search", "--slo=p99"}, {"--slo=p99", "in quotes", "--slo='p99<10ms'"}},
          {{"--rate=search", "--slo=p99<"}, {"--slo=p99<", "a number and a unit"}},
          {{"--rate=search", "--slo=p99<10"}, {"--slo=p99<10", "a unit is missing"}},
          {{"--rate=search", "--slo=p99<0"}, {"--slo=p99<0", "must be more than 0"}},
          {{"--rate=search", "--slo=p99<1ms,p50<1ms"}, {"--slo=p99<1ms,p50<1ms", "not a list"}},
          {{"--slo=p99<10ms"}, {"--slo=p99<10ms", "--rate=search"}},
          {{"--rate=5k", "--slo=p99<10ms"}, {"--slo=p99<10ms", "--rate=search"}},
          {{"--rate=5", "--arrivals=posson"}, {"--arrivals=posson", "constant, poisson", "did you mean 'poisson'?"}},
          {{"--arrivals=poisson"}, {"--arrivals=poisson", "closed loop", "--rate"}},
          {{"--rate=5", "--dispatch=all"}, {"--dispatch=all", "each, any"}},
          {{"--dispatch=any"}, {"--dispatch=any", "closed loop", "--rate"}},
          {{"--requests-per-connection=-1"}, {"--requests-per-connection=-1", "must not be negative"}},
          {{"--requests-per-connection=1,2"}, {"--requests-per-connection=1,2", "not a list"}},
          {{"--message-size=0"}, {"--message-size=0", "must be between 1 and 16,777,216 bytes for echo"}},
          {{"--message-size=64,17MiB"}, {"--message-size=17MiB", "must be between 1 and 16,777,216 bytes for echo"}},
          {{"--message-size=5q"}, {"--message-size=5q", "unknown unit 'q'", "KiB"}},
          {{"--pipeline=0"}, {"--pipeline=0", "must be between 1 and 1,024"}},
          {{"--pipeline=1025"}, {"--pipeline=1025", "must be between 1 and 1,024"}},
          {{"--service-cpu=5"}, {"--service-cpu=5", "a unit is missing"}},
          {{"--service-cpu=1us,"}, {"--service-cpu=", "a number and a unit"}},
          {{"--service-wait=-1ms"}, {"--service-wait=-1ms", "must not be negative"}},
          {{"--heavy=1%"}, {"--heavy=1%", "--service-cpu or --service-wait"}},
          {{"--heavy=1%", "--service-cpu=0us"}, {"--heavy=1%", "--service-cpu or --service-wait"}},
          {{"--heavy=0%", "--service-cpu=1us"}, {"--heavy=0%", "must be more than 0% and at most 100%"}},
          {{"--heavy=101%", "--service-cpu=1us"}, {"--heavy=101%", "must not exceed 100%"}},
          {{"--heavy=0.5", "--service-cpu=1us"}, {"--heavy=0.5", "a percentage, such as 1% or 0.5%"}},
          {{"--heavy=1%,2%", "--service-cpu=1us"}, {"--heavy=1%,2%", "not a list"}},
          {{"--duration=0"}, {"--duration=0", "must be more than 0"}},
          {{"--duration=1s,2s"}, {"--duration=1s,2s", "not a list"}},
          {{"--duration=long"}, {"--duration=long", "a number and a unit"}},
          {{"--warmup=1"}, {"--warmup=1", "a unit is missing"}},
          {{"--memory=yes"}, {"--memory=yes", "takes no value"}},
          {{"--no-halt=yes"}, {"--no-halt=yes", "takes no value"}},
          {{"--server-cpus=99999"}, {"--server-cpus=99999", "no CPU 99999 here", "available: "}},
          {{"--server-cpus=0,1"}, {"--server-cpus=0,1", "joined by a colon, such as 0:1"}},
          {{"--server-cpus="}, {"--server-cpus=", "whole number"}},
          {{"--client-cpus=99999"}, {"--client-cpus=99999", "no CPU 99999 here"}},
          {{"--client-cpus=x"}, {"--client-cpus=x", "whole number"}},
          {{"--client-threads=0"}, {"--client-threads=0", "must be between 1 and 256"}},
          {{"--client-threads=257"}, {"--client-threads=257", "must be between 1 and 256"}},
          {{"--idle-timeout=0"}, {"--idle-timeout=0", "must be more than 0"}},
          {{"--connect-deadline=0"}, {"--connect-deadline=0", "must be more than 0"}},
          {{"--connections=1", "--connections=2"}, {"--connections is given more than once", "with a comma"}},
          {{"--conections=1"}, {"unknown option '--conections'", "did you mean '--connections'?"}},
      });
}

TEST(ServiceOptions, AreRefusedWhereOnlyJobsAreChosenAndTheOtherWayRound) {
  for (const FlagRow& row : all_flags(own_tables())) {
    if (!row.taken_by(Command::run) || row.name == "suite") continue;
    const std::string flag = "--" + std::string(row.name);
    const std::string none = flag + ": none of the chosen workloads takes it; ";
    const std::string value = row.takes_value() ? "=1" : "";
    if (row.subject == Subject::services) {
      EXPECT_EQ(refusal({"--workload=io", flag + value}),
                none + "echo, http, transfer, ftp, tftp, chat, remote, udp-echo do");
      EXPECT_EQ(refusal({flag + value}), none + "echo, http, transfer, ftp, tftp, chat, remote, udp-echo do");
    }
    if (row.subject == Subject::jobs) {
      EXPECT_THAT(refusal({"--workload=echo", flag + value}), HasSubstr(none));
    }
  }
  EXPECT_THAT(
      refusal({"--workload=echo", "--tasks=5"}),
      HasSubstr(
          "cpu, sum, io, mixed, copy, counter, tickets, semaphore, deadlock, gate, queue-rush, exec, wake, idle do"));
  EXPECT_THAT(refusal({"--workload=echo", "--wait=5ms"}),
              HasSubstr("takes it; io, mixed, counter, tickets, semaphore, deadlock, gate do"));
  EXPECT_EQ(refusal({"--workload=io", "--message-size=1"}),
            "--message-size: none of the chosen workloads takes it; echo, http, transfer, ftp, tftp, chat, remote, "
            "udp-echo do");
  EXPECT_THAT(parse({"--workload=io,echo", "--tasks=5", "--connections=7"}).parameters,
              ElementsAre(Pair("tasks", ElementsAre("5"))));
  EXPECT_THAT(parse({"--workload=io,echo", "--tasks=5", "--connections=7"}).service.connections, ElementsAre(7));
}

// ---- Suites ----

TEST(Suite, GivesDefaults) {
  const Options options = parse({"--suite=c10k"});
  EXPECT_THAT(names(options.services), ElementsAre("echo"));
  EXPECT_THAT(options.jobs, IsEmpty());
  EXPECT_THAT(options.models, SizeIs(all_models().size()));
  EXPECT_THAT(options.service.connections, ElementsAre(1, 10, 100, 1000, 10'000));
  EXPECT_THAT(options.service.rates, ElementsAre(10'000));
  EXPECT_EQ(options.max_time_ns, 630'000'000'000);
  EXPECT_FALSE(options.repetitions);
}

TEST(Suite, LeavesWhatIsGiven) {
  const Options options =
      parse({"--suite=c10k", "--model=epoll", "--connections=5", "--duration=4s", "--repetitions=auto"});
  EXPECT_THAT(names(options.models), ElementsAre("epoll"));
  EXPECT_THAT(options.service.connections, ElementsAre(5));
  EXPECT_EQ(options.service.client.duration, 4s);
  EXPECT_FALSE(options.repetitions);
}

TEST(Suite, IsRefusedWhereItMakesNoSense) {
  EXPECT_THAT(refusal({"--suite=c1ok"}), AllOf(HasSubstr("--suite=c1ok: unknown suite"), HasSubstr("'c10k'?")));
  EXPECT_THAT(refusal({"--suite=xyzzy"}),
              AllOf(HasSubstr("there are quick, notes, c10k"), Not(HasSubstr("did you mean"))));
  EXPECT_EQ(
      refusal({"--suite=c10k", "--workload=io"}),
      "--suite: none of the chosen workloads takes it; echo, http, transfer, ftp, tftp, chat, remote, udp-echo do");
  EXPECT_THAT(refusal({"--suite=c10k", "--active=5"}), HasSubstr("--active=5: more than --connections=1"));
}

TEST(Suite, EachPartTakesWhatItsWorkloadsHave) {
  const Options options = parse({"--suite=quick", "--tasks=7", "--connections=5"});
  EXPECT_THAT(names(options.services), ElementsAre("echo"));
  EXPECT_THAT(options.service.connections, ElementsAre(5));
  ASSERT_THAT(options.further_parts, SizeIs(3));
  EXPECT_THAT(names(options.further_parts[0].jobs), ElementsAre("cpu"));
  EXPECT_THAT(options.further_parts[0].parameters, ElementsAre(Pair("tasks", ElementsAre("7"))));
  EXPECT_THAT(names(options.further_parts[2].primitives), ElementsAre("spawn", "switch"));
  EXPECT_EQ(options.max_time_ns, 50'000'000'000);
}

TEST(Suite, RefusesWhatNoPartTakes) {
  EXPECT_EQ(refusal({"--suite=quick", "--stack=32KiB"}),
            "--stack: none of the chosen models takes it; fibers and boost-fiber do");
  EXPECT_EQ(refusal({"--suite=c10k", "--tasks=5"}),
            "--tasks: none of the chosen workloads takes it; cpu, sum, io, mixed, copy, counter, tickets, semaphore, "
            "deadlock, gate, queue-rush, exec, wake, idle do");
  EXPECT_EQ(refusal({"--suite=quick", "--workload=http"}),
            "--workload=http: no part of --suite=quick has it; `bench --help` says what they have");
}

TEST(Suite, OfDifferentWorkloadsMeasuresThoseThatAreChosen) {
  const Options options = parse({"--suite=quick", "--workload=io,switch"});
  const Plan plan = make_plan(options, read_machine());
  std::vector<std::string_view> workloads;
  for (const Group& group : plan.groups) workloads.push_back(group.name());
  EXPECT_THAT(workloads, ElementsAre("io", "switch"));
  EXPECT_EQ(plan.groups[0].batch.tasks, 20U);
  EXPECT_EQ(options.max_time_ns, 50'000'000'000);
}

TEST(Suite, SharesWhatItsFirstServicesSay) {
  Options jobs_first = parse({"--workload=io"});
  jobs_first.further_parts.push_back(parse({"--workload=echo", "--duration=300ms", "--memory"}));
  const Plan plan = make_plan(jobs_first, read_machine());
  EXPECT_EQ(plan.services.client.duration, 300ms);
  EXPECT_TRUE(plan.services.memory);
}

TEST(Suite, MeasuresNoCellTwice) {
  for (const Suite& suite : all_suites()) {
    for (const char* models : {"--model=all", "--model=epoll"}) {
      const Plan plan = make_plan(parse({"--suite=" + std::string(suite.name), models}), read_machine());
      std::set<std::string> names;
      for (const Cell& cell : plan.cells) EXPECT_TRUE(names.insert(cell.name).second) << cell.name;
      for (std::size_t group = 0; group < plan.groups.size(); ++group) {
        EXPECT_THAT(plan.groups[group].cells, Not(IsEmpty())) << plan.groups[group].title;
        for (const std::size_t cell : plan.groups[group].cells) EXPECT_EQ(plan.cells[cell].group, group);
      }
    }
  }
}

TEST(Suite, EveryDefaultIsTaken) {
  for (const Suite& suite : all_suites()) {
    EXPECT_NO_THROW(parse({"--suite=" + std::string(suite.name)})) << suite.name;
  }
}

// ---- serve ----

TEST(ServeOptions, HaveDefaults) {
  const Options options = parse({"serve", "--model=epoll", "--workload=echo"});
  EXPECT_EQ(options.command, Command::serve);
  EXPECT_FALSE(options.load);
  ASSERT_TRUE(options.serve);
  EXPECT_EQ(options.serve->model->name, "epoll");
  EXPECT_EQ(options.serve->service->name, "echo");
  EXPECT_EQ(options.serve->parameters.number("message-size"), 64U);
  EXPECT_EQ(options.serve->service_cpu, 0ns);
  EXPECT_EQ(options.serve->service_wait, 0ns);
  EXPECT_EQ(options.serve->bind, "127.0.0.1");
  EXPECT_EQ(options.serve->port, 8080);
  EXPECT_FALSE(options.serve->workers);
  EXPECT_THAT(options.serve->cpus, IsEmpty());
  EXPECT_EQ(options.serve->idle_timeout, 60s);
}

TEST(ServeOptions, TakeTheirValues) {
  const std::string cpu = std::to_string(available_cpu_numbers().front());
  const ServeOptions options = serve({"--message-size=1KiB", "--service-cpu=5us", "--service-wait=1ms", "--bind=::1",
                                      "--port=0", "--server-cpus=" + cpu, "--idle-timeout=5s"});
  EXPECT_EQ(options.parameters.number("message-size"), 1024U);
  EXPECT_EQ(options.service_cpu, 5us);
  EXPECT_EQ(options.service_wait, 1ms);
  EXPECT_EQ(options.bind, "::1");
  EXPECT_EQ(options.port, 0);
  EXPECT_THAT(options.cpus, ElementsAre(available_cpu_numbers().front()));
  EXPECT_EQ(options.idle_timeout, 5s);
  EXPECT_EQ(serve({"--port=65535"}).port, 65535);
  EXPECT_EQ(serve({"--bind=0.0.0.0"}).bind, "0.0.0.0");
  EXPECT_EQ(parse({"serve", "--model=coro", "--workload=echo"}).serve->model->name, "coroutines");
  EXPECT_EQ(parse({"serve", "--model=thread-pool", "--workload=echo", "--workers=16"}).serve->workers, 16U);
}

TEST(ServeOptions, RefuseAnythingButOneModelAndOneService) {
  expect_refusals({"serve"}, {
                                 {{}, {"--model is missing", "--model=epoll", "bench list"}},
                                 {{"--workload=echo"}, {"--model is missing"}},
                                 {{"--model=epoll"}, {"--workload is missing", "there are echo"}},
                                 {{"--model=epoll,threads", "--workload=echo"}, {"--model=epoll,threads", "one model"}},
                                 {{"--model=all", "--workload=echo"}, {"--model=all", "one model"}},
                                 {{"--model=epol", "--workload=echo"}, {"did you mean 'epoll'?"}},
                                 {{"--model=epoll", "--workload=io"}, {"--workload=io", "one service", "echo"}},
                                 {{"--model=epoll", "--workload=echo,io"}, {"--workload=echo,io", "one service"}},
                                 {{"--model=epoll", "--workload=ehco"}, {"did you mean 'echo'?"}},
                             });
}

TEST(ServeOptions, RefuseWithTheFlagTheValueAndWhatIsAllowed) {
  expect_refusals({"serve", "--model=epoll", "--workload=echo"},
                  {
                      {{"--message-size=17MiB"}, {"--message-size=17MiB", "16,777,216 bytes for echo"}},
                      {{"--message-size=1,2"}, {"--message-size=1,2", "not a list"}},
                      {{"--service-cpu=1us,2us"}, {"--service-cpu=1us,2us", "not a list"}},
                      {{"--service-wait=1"}, {"--service-wait=1", "a unit is missing"}},
                      {{"--bind=localhost"}, {"--bind=localhost", "numeric IPv4 or IPv6"}},
                      {{"--bind=1.2.3"}, {"--bind=1.2.3", "numeric IPv4 or IPv6"}},
                      {{"--bind="}, {"--bind=", "numeric IPv4 or IPv6"}},
                      {{"--port=65536"}, {"--port=65536", "must be between 0 and 65,535"}},
                      {{"--port=http"}, {"--port=http", "whole number"}},
                      {{"--workers=4"}, {"--workers: none of the chosen models takes it", "pools"}},
                      {{"--model=epoll"}, {"--model is given more than once"}},
                      {{"--server-cpus=99999"}, {"--server-cpus=99999", "no CPU 99999 here"}},
                      {{"--idle-timeout=0"}, {"--idle-timeout=0", "must be more than 0"}},
                      {{"--tasks=5"}, {"--tasks: `bench serve` does not take it; `bench run` does"}},
                      {{"--connections=5"}, {"--connections: `bench serve` does not take it", "`bench load` do"}},
                      {{"--prot=80"}, {"unknown option '--prot'", "did you mean '--port'?"}},
                      {{"extra"}, {"unexpected argument 'extra'", "--name=value"}},
                  });
  EXPECT_THAT(refusal({"serve", "--model=thread-pool", "--workload=echo", "--workers=0"}),
              HasSubstr("--workers=0: must be between 1 and 100,000"));
}

// ---- load ----

TEST(LoadOptions, HaveDefaults) {
  const Options options = parse({"load", "http://127.0.0.1:8080/"});
  EXPECT_EQ(options.command, Command::load);
  EXPECT_FALSE(options.serve);
  EXPECT_EQ(options.repetitions, 1U);
  EXPECT_FALSE(options.seed);
  ASSERT_TRUE(options.load);
  EXPECT_EQ(options.load->url, "http://127.0.0.1:8080/");
  EXPECT_THAT(options.load->connections, ElementsAre(100));
  EXPECT_FALSE(options.load->active);
  EXPECT_EQ(options.load->rate_mode, RateMode::closed);
  EXPECT_THAT(options.load->rates, IsEmpty());
  EXPECT_THAT(options.load->parameters, IsEmpty());
  EXPECT_EQ(options.load->pipeline, 1U);
  EXPECT_EQ(options.load->client.arrivals, Arrivals::constant);
  EXPECT_EQ(options.load->client.requests_per_connection, 0U);
  EXPECT_EQ(options.load->client.duration, 2s);
  EXPECT_EQ(options.load->client.warmup, 500ms);
  EXPECT_EQ(options.load->client.connect_deadline, 5s);
  EXPECT_EQ(options.load->client.threads, 1U);
  EXPECT_THAT(options.load->client.cpus, IsEmpty());
  EXPECT_FALSE(options.load->client.request_timeout);
  EXPECT_FALSE(options.load->server_pid);
  EXPECT_FALSE(options.load->expect_status);
  EXPECT_FALSE(options.load->check);
}

TEST(LoadOptions, TakeTheirValues) {
  const std::string cpu = std::to_string(available_cpu_numbers().front());
  const LoadOptions options = load(
      {"--connections=1k", "--active=10", "--rate=2.5k", "--arrivals=poisson", "--requests-per-connection=3",
       "--message-size=1KiB", "--pipeline=8", "--duration=1m", "--warmup=0", "--connect-deadline=1s", "--timeout=250ms",
       "--client-threads=2", "--client-cpus=" + cpu, "--server-pid=4711", "--expect-status=404", "--check=length"});
  EXPECT_THAT(options.connections, ElementsAre(1000));
  EXPECT_EQ(options.active, 10U);
  EXPECT_EQ(options.rate_mode, RateMode::fixed);
  EXPECT_THAT(options.rates, ElementsAre(2500));
  EXPECT_EQ(options.client.arrivals, Arrivals::poisson);
  EXPECT_EQ(options.client.requests_per_connection, 3U);
  EXPECT_THAT(options.parameters, ElementsAre(Pair("message-size", ElementsAre("1KiB"))));
  EXPECT_EQ(options.pipeline, 8U);
  EXPECT_EQ(options.client.duration, 1min);
  EXPECT_EQ(options.client.warmup, 0s);
  EXPECT_EQ(options.client.connect_deadline, 1s);
  EXPECT_EQ(options.client.request_timeout, 250ms);
  EXPECT_EQ(options.client.threads, 2U);
  EXPECT_THAT(options.client.cpus, ElementsAre(available_cpu_numbers().front()));
  EXPECT_EQ(options.server_pid, 4711);
  EXPECT_EQ(options.expect_status, 404U);
  EXPECT_EQ(options.check, ReplyCheck::length);
  EXPECT_EQ(load({"--check=status"}).check, ReplyCheck::status);
}

TEST(LoadOptions, TakeTheRequest) {
  const TempFolder folder;
  std::ofstream(folder.file("body")) << "from a file";
  const LoadOptions options = load(
      {"-H", "Accept: a,b", "--header=X-Empty:", "-HX-Tab: a\tb", "--method=PUT", "--body=@" + folder.file("body")});
  EXPECT_THAT(options.headers, ElementsAre("Accept: a,b", "X-Empty:", "X-Tab: a\tb"));
  EXPECT_EQ(options.method, "PUT");
  EXPECT_EQ(options.body, "from a file");
  EXPECT_EQ(load({"--body=a=b"}).body, "a=b");
}

TEST(LoadOptions, TakeListsOfConnectionsAndRatesOrASearch) {
  const LoadOptions lists = load({"--connections=1k,10,1000", "--active=5", "--rate=1k,2k,1000"});
  EXPECT_THAT(lists.connections, ElementsAre(1000, 10));
  EXPECT_EQ(lists.active, 5U);
  EXPECT_THAT(lists.rates, ElementsAre(1000, 2000));
  const LoadOptions search = load({"--rate=search", "--slo=p90<1ms"});
  EXPECT_EQ(search.rate_mode, RateMode::search);
  EXPECT_THAT(search.rates, IsEmpty());
  EXPECT_EQ(search.slo.quantile, 0.9);
  EXPECT_EQ(search.slo.limit, 1ms);
}

TEST(LoadOptions, ShareOutputSeedAndRepetitionsWithRun) {
  const Options options = parse({"load", "--repetitions=5", "http://[::1]:80/x", "--seed=7", "--out=r.json", "--force",
                                 "--format=json", "--color=never", "--quiet"});
  EXPECT_EQ(options.load->url, "http://[::1]:80/x");
  EXPECT_EQ(options.repetitions, 5U);
  EXPECT_EQ(options.seed, 7U);
  EXPECT_EQ(options.out, "r.json");
  EXPECT_TRUE(options.force);
  EXPECT_EQ(options.format, Format::json);
  EXPECT_EQ(options.color, Color::never);
  EXPECT_TRUE(options.quiet);
  EXPECT_FALSE(parse({"load", "http://h", "--no-progress"}).progress);
}

TEST(LoadOptions, NeedOneUrl) {
  expect_refusals({"load"}, {
                                {{}, {"URL", "is missing", "bench load http://"}},
                                {{"--rate=5"}, {"URL", "is missing"}},
                                {{""}, {"''", "expected a URL", "http://"}},
                                {{"127.0.0.1:8080"}, {"127.0.0.1:8080", "expected a URL", "http://"}},
                                {{"://x"}, {"expected a URL"}},
                                {{"http://"}, {"expected a URL"}},
                                {{"http://a/", "http://b/"}, {"unexpected argument 'http://b/'", "one URL"}},
                            });
}

TEST(LoadOptions, RefuseWithTheFlagTheValueAndWhatIsAllowed) {
  expect_refusals(
      {"load", "http://127.0.0.1:8080/"},
      {
          {{"--connections=0"}, {"--connections=0", "must be between 1 and 1,000,000"}},
          {{"--connections=1,x"}, {"--connections=x", "whole number"}},
          {{"--active=1,2"}, {"--active=1,2", "not a list"}},
          {{"--connections=50,5", "--active=20"}, {"--active=20", "more than --connections=5"}},
          {{"--active=0"}, {"--active=0", "must be between 1 and"}},
          {{"--active=200"}, {"--active=200", "more than --connections=100"}},
          {{"--rate=0"}, {"--rate=0", "more than 0"}},
          {{"--rate=1,search"}, {"--rate=1,search", "'search' stands alone"}},
          {{"--rate=common"}, {"--rate=common", "one server", "requests per second, or search"}},
          {{"--slo=p99<1ms"}, {"--slo=p99<1ms", "give --rate=search"}},
          {{"--rate=5", "--slo=p99<1ms"}, {"--slo=p99<1ms", "give --rate=search"}},
          {{"--arrivals=poisson"}, {"--arrivals=poisson", "--rate"}},
          {{"--requests-per-connection=x"}, {"--requests-per-connection=x", "whole number"}},
          {{"--message-size=0"}, {"--message-size=0", "must be between 1 and"}},
          {{"--message-size=1TB"}, {"--message-size=1TB", "unknown unit"}},
          {{"--pipeline=1025"}, {"--pipeline=1025", "must be between 1 and 1,024"}},
          {{"--duration=0"}, {"--duration=0", "must be more than 0"}},
          {{"--warmup=x"}, {"--warmup=x", "a number and a unit"}},
          {{"--connect-deadline=0"}, {"--connect-deadline=0", "must be more than 0"}},
          {{"--timeout=0"}, {"--timeout=0", "must be more than 0"}},
          {{"--client-threads=1000"}, {"--client-threads=1000", "must be between 1 and 256"}},
          {{"--client-cpus=99999"}, {"--client-cpus=99999", "no CPU 99999 here"}},
          {{"--server-pid=0"}, {"--server-pid=0", "must be between 1 and 4,194,304"}},
          {{"--server-pid=nginx"}, {"--server-pid=nginx", "whole number"}},
          {{"--expect-status=99"}, {"--expect-status=99", "must be between 100 and 599"}},
          {{"--header=no colon"}, {"--header=no colon", "Name: value"}},
          {{"--header=a b: c"}, {"--header=a b: c", "Name: value"}},
          {{"--header=A: b\r\nX-Injected: c"}, {"--header=A: b", "control character"}},
          {{"--header=content-length: 3"}, {"--header=content-length: 3", "decides alone"}},
          {{"--method=G T"}, {"--method=G T", "no method"}},
          {{"--method=CONNECT"}, {"--method=CONNECT", "no method"}},
          {{"--body=@/no/such/file"}, {"--body=@/no/such/file", "cannot be read"}},
          {{"--body=@/"}, {"--body=@/", "cannot be read"}},
          {{"-rate=5"}, {"-rate=5", "two dashes", "--rate=5"}},
          {{"-help"}, {"-help", "two dashes", "--help"}},
          {{"--check=bodi"}, {"--check=bodi", "status, length, body", "did you mean 'body'?"}},
          {{"--repetitions=0"}, {"--repetitions=0", "must be between 1 and 10,000"}},
          {{"--repetitions=auto"}, {"--repetitions=auto", "takes a number here"}},
          {{"--format=xml"}, {"--format=xml", "console, json, csv, markdown"}},
          {{"--model=epoll"}, {"--model: `bench load` does not take it", "`bench run` and `bench serve` do"}},
          {{"--dry-run"}, {"--dry-run: `bench load` does not take it"}},
          {{"--timeuot=1s"}, {"unknown option '--timeuot'", "did you mean '--timeout'?"}},
      });
}

TEST(RunOptions, SayNothingOfACommaWhereNoListIsTaken) {
  EXPECT_EQ(refusal({"--seed=1", "--seed=2"}), "--seed is given more than once");
  EXPECT_EQ(refusal({"--force", "--force"}), "--force is given more than once");
}

TEST(RunOptions, RefuseFlagsOfServeAndLoad) {
  EXPECT_EQ(refusal({"--port=80"}), "--port: `bench run` does not take it; `bench serve` does");
  EXPECT_EQ(refusal({"run", "--check=body"}), "--check: `bench run` does not take it; `bench load` does");
}

// ---- Help ----

TEST(Help, IsThereForEachCommand) {
  EXPECT_EQ(parse({}).command, Command::help);
  EXPECT_EQ(parse({"help"}).help_topic, Command::help);
  EXPECT_EQ(parse({"help", "run"}).help_topic, Command::run);
  EXPECT_EQ(parse({"help", "models"}).help_part, "models");
  EXPECT_EQ(parse({"help", "serve"}).help_topic, Command::serve);
  EXPECT_EQ(parse({"help", "serve"}).command, Command::help);
  EXPECT_EQ(parse({"help", "load"}).help_topic, Command::load);
  for (const std::string flag : {"--help", "-h"}) {
    EXPECT_EQ(parse({"serve", flag}).command, Command::help);
    EXPECT_EQ(parse({"serve", flag}).help_topic, Command::serve);
    EXPECT_EQ(parse({"load", flag}).command, Command::help);
    EXPECT_EQ(parse({"load", flag}).help_topic, Command::load);
    EXPECT_EQ(parse({flag}).help_topic, Command::help);
    EXPECT_EQ(parse({"run", flag}).help_topic, Command::run);
  }
  EXPECT_THAT(refusal({"help", "sevre"}), AllOf(HasSubstr("unknown command 'sevre'"), HasSubstr("'serve'?")));
  EXPECT_THAT(refusal({"help", "load", "serve"}), HasSubstr("unexpected argument 'serve'"));
}

TEST(Help, ExplainsEveryFlagThatTheCommandTakesAndNoOther) {
  for (const Command command : {Command::run, Command::serve, Command::load, Command::compare, Command::ab,
                                Command::doctor, Command::export_result, Command::show}) {
    const std::string help = help_text(own_tables(), command);
    EXPECT_THAT(help, AllOf(HasSubstr("Usage:"), HasSubstr("Examples:\n  bench"), HasSubstr("Exit status:")));
    for (const FlagRow& row : all_flags(own_tables())) {
      if (row.subject == Subject::testing || (command == Command::ab && row.taken_by(Command::run))) continue;
      // At the start of a line, after a heading, or after a comma for the switches that need no explanation.
      const std::string pattern = "(\n  |, |\\()--" + std::string(row.name) + "[ =,;]";
      const bool explained = testing::Matches(testing::ContainsRegex(pattern))(help);
      EXPECT_EQ(explained, row.taken_by(command)) << command_name(command) << " --" << row.name;
    }
  }
}

// What somebody sees first fits a screen, and says where the rest is.
TEST(Help, BeginsWithLittleAndNamesItsParts) {
  const std::string first = help_text(own_tables(), Command::help);
  EXPECT_LE(std::ranges::count(first, '\n'), 30);
  EXPECT_THAT(first, HasSubstr("Examples:\n  bench --model"));
  const std::string all = help_text(own_tables(), Command::run);
  for (const std::string_view part : help_parts) {
    EXPECT_THAT(first, HasSubstr(std::string(part)));
    if (part == "completion" || part == "man") continue;  // no texts for people
    EXPECT_THAT(all, HasSubstr(help_text(own_tables(), part)));
  }
}

TEST(Help, HasExamplesThatAreTaken) {
  for (const Command command : {Command::run, Command::serve, Command::load, Command::compare, Command::ab,
                                Command::doctor, Command::export_result, Command::show}) {
    const std::string help = help_text(own_tables(), command);
    const std::size_t begin = help.find("Examples:\n");
    const std::string examples = help.substr(begin, help.find("\n\n", begin) - begin);
    std::vector<std::string> lines = split(examples, '\n');
    EXPECT_GE(lines.size(), 3U);
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::vector<std::string> words = split(lines[i].substr(2), ' ');
      EXPECT_NO_THROW(parse({words.begin() + 1, words.end()})) << lines[i];
    }
  }
}

}  // namespace
}  // namespace bench
