// Why: a mistyped command line must be refused with words that help, before anything runs; and what is accepted must
// mean what it says.
#include "harness/options/options.h"
#include "measure/affinity.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "harness/options/workload_parameters.h"
#include "harness/plan/machine.h"
#include "harness/text/parameters.h"
#include "tests/support/command_line.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// What the job of that name is told, cell by cell, as names of cells have it.
std::vector<std::string> told(const Options& options, std::string_view job) {
  std::vector<std::string> cells;
  const WorkloadParameters workload = parameters_of(*std::ranges::find(all_jobs(), job, &Job::name));
  for (const Parameters& one : combinations(workload, options.parameters)) cells.push_back(parameters_in_name(one));
  return cells;
}

TEST(Options, NameHybridsByTheirParts) {
  const Options options =
      parse({"--model=processes+epoll,multi-thread+coroutine,processes+threads+epoll,processes+epoll", "--workers=3"});
  EXPECT_THAT(names(options.models), ElementsAre("processes+epoll", "threads+coroutines", "processes+threads+epoll"));
  EXPECT_EQ(options.models[2]->inner->name, "threads+epoll");
}

TEST(Options, DefaultToEverythingUnderEveryModel) {
  const Options options = parse({"run"});
  EXPECT_EQ(options.command, Command::run);
  EXPECT_THAT(options.models, SizeIs(all_models().size()));
  EXPECT_THAT(options.jobs, SizeIs(all_jobs().size()));
  EXPECT_THAT(options.parameters, IsEmpty());
  EXPECT_FALSE(options.repetitions);
  EXPECT_FALSE(options.seed);
  EXPECT_FALSE(options.force);
  EXPECT_FALSE(options.dry_run);
  EXPECT_FALSE(options.quiet);
  EXPECT_TRUE(options.progress);
  EXPECT_EQ(options.format, Format::console);
  EXPECT_EQ(options.color, Color::automatic);
  EXPECT_THAT(options.command_line, ElementsAre("bench", "run"));
}

TEST(Options, KnowTheCommandsAndTheirFlags) {
  EXPECT_EQ(parse({"run"}).command, Command::run);
  EXPECT_EQ(parse({"list"}).command, Command::list);
  EXPECT_EQ(parse({"--list"}).command, Command::list);
  EXPECT_EQ(parse({"help"}).command, Command::help);
  EXPECT_EQ(parse({"--help"}).command, Command::help);
  EXPECT_EQ(parse({"-h"}).command, Command::help);
  EXPECT_EQ(parse({"version"}).command, Command::version);
  EXPECT_EQ(parse({"--version"}).command, Command::version);
}

TEST(Options, TakeListsInTheirOrderAndRepeatedValuesOnce) {
  const Options options = parse({"--model=threads,serial,threads", "--workload=io,mixed", "--tasks=10,1k,10",
                                 "--work=5,6,5", "--wait=1ms,2ms,1ms", "--cpus=1,1"});
  EXPECT_THAT(names(options.models), ElementsAre("threads", "serial"));
  EXPECT_THAT(names(options.jobs), ElementsAre("io", "mixed"));
  EXPECT_THAT(told(options, "io"),
              ElementsAre("/tasks:10/wait:1ms", "/tasks:10/wait:2ms", "/tasks:1000/wait:1ms", "/tasks:1000/wait:2ms"));
  EXPECT_THAT(told(options, "mixed"), SizeIs(8));
  EXPECT_EQ(told(options, "mixed")[1], "/tasks:10/work:5/wait:2ms");
  EXPECT_EQ(told(options, "mixed")[2], "/tasks:10/work:6/wait:1ms");
  EXPECT_THAT(options.cpus, ElementsAre(1));
  EXPECT_THAT(parse({"--workers=2,4,2"}).workers, ElementsAre(2, 4));
  EXPECT_THAT(parse({"--stack=16KiB,1MiB,16384"}).stack_bytes, ElementsAre(16 << 10, 1 << 20));
}

TEST(Options, JoinValuesWithAColonAndMakeCellsWithAComma) {
  EXPECT_THAT(told(parse({"--wait=10ms:20ms,5us"}), "io"),
              ElementsAre("/tasks:100/wait:10ms+20ms", "/tasks:100/wait:5us"));
}

TEST(Options, TakeAliasesForTheirModel) {
  EXPECT_THAT(names(parse({"--model=multi-process,gil,coro,event-loop"}).models),
              ElementsAre("processes", "gil-threads", "coroutines", "epoll"));
  EXPECT_THAT(names(parse({"--model=thread,threads,multithread"}).models), ElementsAre("threads"));
}

TEST(Options, ReadWhatConcernsMeasuringAndOutput) {
  const Options options =
      parse({"--repetitions=7", "--max-time=2m", "--time-limit=300ms", "--seed=18446744073709551615", "--out=x.json",
             "--force", "--format=csv", "--color=never", "--dry-run"});
  EXPECT_EQ(options.repetitions, 7U);
  EXPECT_EQ(options.max_time_ns, 120'000'000'000);
  EXPECT_EQ(options.time_limit_ns, 300'000'000);
  EXPECT_EQ(options.seed, 18446744073709551615U);
  EXPECT_EQ(options.out, "x.json");
  EXPECT_TRUE(options.force);
  EXPECT_TRUE(options.dry_run);
  EXPECT_EQ(options.format, Format::csv);
  EXPECT_EQ(options.color, Color::never);
  EXPECT_FALSE(parse({"--repetitions=auto"}).repetitions);
  EXPECT_FALSE(parse({"--no-progress"}).progress);
  EXPECT_FALSE(parse({"--no-progress"}).quiet);
  EXPECT_TRUE(parse({"--quiet"}).quiet);
  EXPECT_FALSE(parse({"--quiet"}).progress);
  EXPECT_EQ(parse({"--out=-"}).out, "-");
}

TEST(Options, TakeAValueAfterABlankToo) {
  EXPECT_EQ(parse({"--tasks", "5", "--out", "-"}).parameters, (GivenParameters{{"tasks", {"5"}}}));
  EXPECT_EQ(parse({"--tasks", "5", "--out", "-"}).out, "-");
}

TEST(Options, TakeTheWorkThatEveryChosenWorkloadWithWorkAllows) {
  EXPECT_THAT(told(parse({"--workload=sum", "--work=2M"}), "sum"), ElementsAre("/tasks:10/work:2000000"));
  EXPECT_THAT(told(parse({"--workload=sum,io", "--work=2M"}), "sum"), ElementsAre("/tasks:10/work:2000000"));
  EXPECT_EQ(refusal({"--workload=sum,cpu", "--work=2M"}), "--work=2M: must be between 1 and 1,000,000 for cpu");
}

TEST(Options, RefuseWithTheFlagTheValueAndWhatIsAllowed) {
  expect_refusals(
      {},
      {
          {{"--model=threds"}, {"--model=threds", "unknown model 'threds'", "did you mean 'threads'?", "bench list"}},
          {{"--model=serial,corotines"}, {"unknown model 'corotines'", "did you mean 'coroutines'?"}},
          {{"--model=multi-proces"}, {"did you mean 'multi-process'?"}},
          {{"--model=THREADS"}, {"did you mean 'threads'?"}},
          {{"--model="}, {"unknown model ''", "bench list"}},
          {{"--model=serial,"}, {"unknown model ''"}},
          {{"--workload=oi"}, {"--workload=oi", "unknown workload 'oi'", "did you mean 'io'?", "bench list"}},
          {{"--workload=cpus,io"}, {"unknown workload 'cpus'", "did you mean 'cpu'?"}},
          {{"--wrokload=io"}, {"unknown option '--wrokload'", "did you mean '--workload'?"}},
          {{"--taks"}, {"unknown option '--taks'", "did you mean '--tasks'?"}},
          {{"rnu"},
           {"unknown command 'rnu'", "did you mean 'run'?",
            "run, list, serve, load, compare, ab, doctor, claims, export, show, help, version"}},
          {{"list", "extra"}, {"unexpected argument 'extra'", "--name=value"}},
          {{"--tasks=4", "--", "extra"}, {"unexpected argument 'extra'"}},
          {{"--tasks=0"}, {"--tasks=0", "must be between 1 and 10,000,000"}},
          {{"--tasks=5,0"}, {"--tasks=0", "must be between 1 and"}},
          {{"--tasks=99999999999"}, {"--tasks=99999999999", "must be between 1 and 10,000,000"}},
          {{"--tasks=99999999999999999999999"}, {"--tasks=99999999999999999999999", "must not exceed"}},
          {{"--tasks=-1"}, {"--tasks=-1", "must not be negative"}},
          {{"--tasks=ten"}, {"--tasks=ten", "whole number"}},
          {{"--tasks="}, {"--tasks=", "whole number"}},
          {{"--wait=-1ms"}, {"--wait=-1ms", "must not be negative"}},
          {{"--wait=10q"}, {"--wait=10q", "unknown unit 'q'", "ns, us, ms, s, m, h"}},
          {{"--wait=10"}, {"--wait=10", "a unit is missing", "ns, us, ms, s, m, h"}},
          {{"--wait=1ms:"}, {"--wait=", "a number and a unit"}},
          {{"--wait=25h"}, {"--wait=25h", "must not exceed 1 day"}},
          {{"--work=0"}, {"--work=0", "must be between 1 and"}},
          {{"--workers=0"}, {"--workers=0", "must be between 1 and 100,000"}},
          {{"--cpus=0"}, {"--cpus=0", "must be between 1 and"}},
          {{"--repetitions=0"}, {"--repetitions=0", "must be between 1 and 10,000"}},
          {{"--repetitions=aut"}, {"--repetitions=aut"}},
          {{"--max-time=soon"}, {"--max-time=soon", "a number and a unit"}},
          {{"--time-limit=0"}, {"--time-limit=0", "must be more than 0"}},
          {{"--seed=-1"}, {"--seed=-1", "must not be negative"}},
          {{"--format=jsn"}, {"--format=jsn", "console, json, csv, markdown", "did you mean 'json'?"}},
          {{"--color=alwyas"}, {"--color=alwyas", "auto, always, never", "did you mean 'always'?"}},
          {{"--out="}, {"--out=", "name a file, or -"}},
          {{"--workload=cpu", "--wait=1ms"},
           {"--wait: none of the chosen workloads takes it",
            "io, mixed, counter, tickets, semaphore, deadlock, gate do"}},
          {{"--workload=io", "--work=5"},
           {"--work: none of the chosen workloads takes it", "cpu, sum, mixed, copy, counter do"}},
          {{"--stack=16383"}, {"--stack=16383", "must be between 16.0 KiB and 1.00 GiB"}},
          {{"--stack=2GiB"}, {"--stack=2GiB", "must be between"}},
          {{"--stack=64KiB,big"}, {"--stack=big"}},
          {{"--stack="}, {"--stack="}},
          {{"--model=threads", "--stack=64KiB"}, {"--stack: none of the chosen models takes it", "fibers"}},
          {{"--model=threads", "--workers=2"}, {"--workers: none of the chosen models takes it", "pools"}},
          {{"--tasks=4", "--tasks=5"}, {"--tasks is given more than once", "comma"}},
          {{"--force=no"}, {"--force=no", "takes no value"}},
          {{"--dry-run=false"}, {"--dry-run=false", "takes no value"}},
          {{"--tasks"}, {"tasks"}},
          {{"-m"}, {"m"}},
      });
}

TEST(Options, RefuseMoreCpusThanThereAre) {
  const std::string too_many = "--cpus=" + std::to_string(available_cpus() + 1);
  EXPECT_THAT(refusal({too_many}), AllOf(StartsWith(too_many), HasSubstr("must be between 1 and")));
}

TEST(Options, TakeValuesOfAnyLength) {
  std::string tasks = "--tasks=1";
  for (int i = 0; i < 50'000; ++i) tasks += ",1";
  EXPECT_EQ(refusal({"--workload=io", tasks}), "(accepted)");
  EXPECT_EQ(refusal({"load", "http://h/", "-HA: " + std::string(200'000, 'a')}), "(accepted)");
  EXPECT_EQ(refusal({"--workload=io", "--details", "--format=csv"}),
            "--details: is about tables for people; csv and json have all there is");
}

TEST(Options, SuggestNothingWhereNothingIsNear) {
  EXPECT_THAT(refusal({"--model=xyzzy"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(refusal({"--model=all+epoll"}), AllOf(HasSubstr("hybrid"), Not(HasSubstr("did you mean"))));
  EXPECT_THAT(refusal({"xyzzy"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(refusal({"--xyzzy"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(refusal({"--format=xyzzy"}), AllOf(HasSubstr("console, json"), Not(HasSubstr("did you mean"))));
}

TEST(Options, TakePrimitivesByNameAndNotUnderAll) {
  EXPECT_THAT(names(parse({"--workload=spawn"}).primitives), ElementsAre("spawn"));
  EXPECT_THAT(parse({"--workload=spawn"}).jobs, IsEmpty());
  EXPECT_THAT(parse({"--workload=primitives,spawn"}).primitives, SizeIs(all_primitives().size()));
  EXPECT_THAT(parse({"--workload=all"}).primitives, IsEmpty());
  EXPECT_TRUE(parse({"--workload=spawn", "--model=threads,all"}).all_models);
  EXPECT_FALSE(parse({"--workload=spawn", "--model=threads"}).all_models);
}

TEST(Options, RefuseAModelThatNothingChosenMeasures) {
  EXPECT_THAT(refusal({"--workload=spawn", "--model=threads,epoll"}),
              AllOf(HasSubstr("--model=epoll: "), HasSubstr("spawn"), HasSubstr("processes, threads, coroutines")));
  EXPECT_EQ(refusal({"--workload=spawn,io", "--model=threads,epoll"}), "(accepted)");
  EXPECT_EQ(refusal({"--workload=spawn", "--model=threads,coroutines"}), "(accepted)");
}

TEST(HelpText, NamesEveryRowEveryFlagAndExamples) {
  const std::string help = help_text(own_tables(), Command::run);
  for (const Primitive& primitive : all_primitives()) EXPECT_THAT(help, HasSubstr(std::string(primitive.summary)));
  for (const Model& model : all_models()) EXPECT_THAT(help, HasSubstr(std::string(model.summary)));
  for (const Job& job : all_jobs()) EXPECT_THAT(help, HasSubstr(std::string(job.summary)));
  for (const char* flag :
       {"--model",  "--workload",    "--tasks",    "--work",        "--wait",    "--workers", "--stack",
        "--cpus",   "--repetitions", "--max-time", "--time-limit",  "--seed",    "--out",     "--force",
        "--format", "--color",       "--quiet",    "--no-progress", "--dry-run", "Examples:", "Exit status:"}) {
    EXPECT_THAT(help, HasSubstr(flag));
  }
}

}  // namespace
}  // namespace bench
