// The notes' claims on work that computes and work that waits.
#include "harness/claims/claim.h"
#include "harness/claims/evidence.h"
#include "harness/claims/parts.h"

namespace bench {
namespace {

constexpr Part cpu{"--workload=cpu --model=serial,processes,threads,gil-threads --tasks=12 --work=14000"};
constexpr Part cpu_on_one{"--workload=cpu --model=serial,processes,threads,gil-threads,coroutines --tasks=12 --cpus=1"};
constexpr Part io_uneven{
    "--workload=io --model=serial,processes,threads,epoll,coroutines,fibers --tasks=2 --wait=30ms:50ms"};
constexpr Part io_on_one{"--workload=io --model=gil-threads,processes --tasks=20 --wait=5ms --cpus=1"};
constexpr Part sum{"--workload=sum --model=serial,coroutines"};
constexpr Part crawl{
    "--workload=crawl --model=threads,thread-pool --pages=40 --workers=4 "
    "--submit=parse-in-worker,parse-in-parent,gather-then-parse"};

// Of CPU-bound work on so many CPUs, a unit of each is expected to gain 80%.
constexpr double most_of = 0.8;

Found no_model_beats_serial(const Evidence& evidence) {
  std::vector<Found> findings;
  constexpr double no_gain = 0.97;  // the clock's own share
  for (const std::string_view model : {"processes", "threads", "gil-threads", "coroutines"}) {
    findings.push_back(at_least(evidence, time_of(cpu_on_one, model), time_of(cpu_on_one, "serial"), no_gain));
  }
  return all_of(std::move(findings));
}

// The longest of two waits of 3 and 5 is 5/8 of their sum.
Found all_wait_at_once(const Evidence& evidence) {
  std::vector<Found> findings;
  constexpr double sum_over_longest = 8.0 / 5;
  constexpr double nearly = 0.9;
  for (const std::string_view model : {"processes", "threads", "epoll", "coroutines", "fibers"}) {
    findings.push_back(
        at_least(evidence, time_of(io_uneven, "serial"), time_of(io_uneven, model), nearly * sum_over_longest));
  }
  return all_of(std::move(findings));
}

constexpr auto claims = std::to_array<Claim>({
    {.id = "cpu-processes-beat-gil-threads",
     .topic = Topic::work,
     .sentence = "on many cores, CPU-bound work is faster in processes than in threads under a GIL",
     .notes = "12 products: 5.67 s in processes, 30.23 s in threads (12 CPUs)",
     .parts = {&cpu},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(cpu, "gil-threads"), time_of(cpu, "processes"), most_of * evidence.cpus());
         },
     .otherwise = "There are too few CPUs here, or others use them."},
    {.id = "cpu-threads-without-gil-use-all-cores",
     .topic = Topic::work,
     .sentence = "in a language without a GIL, threads of one process run on many cores at once",
     .parts = {&cpu},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {at_least(evidence, time_of(cpu, "serial"), time_of(cpu, "threads"), most_of * evidence.cpus()),
                alike(evidence, time_of(cpu, "threads"), time_of(cpu, "processes"), 0.10)});
         },
     .otherwise =
         "Threads use all CPUs, but processes and threads are not within 10%: the forks of so short a batch show."},
    {.id = "cpu-concurrency-useless-on-one-core",
     .topic = Topic::work,
     .sentence = "without blocking, only real parallelism helps: on one core concurrency gains nothing",
     .parts = {&cpu_on_one},
     .decide = no_model_beats_serial,
     .otherwise = "A model beats the serial loop on one CPU, which nothing but noise explains."},
    {.id = "io-threads-beat-processes",
     .topic = Topic::work,
     .sentence = "many IO-bound tasks finish sooner in threads than in processes",
     .notes = "100 tasks: 0.015 s against 0.640 s",
     .parts = {&many_waits},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(many_waits, "processes"), time_of(many_waits, "threads"), 1);
         },
     .otherwise = "A fork costs little against the wait itself."},
    {.id = "io-any-concurrency-beats-serial",
     .topic = Topic::work,
     .sentence = "where tasks block, every kind of concurrency helps, parallel or not",
     .notes = "two waits of 3 s and 5 s: 8.01 s serial, 5.02 s as coroutines",
     .parts = {&io_uneven},
     .decide = all_wait_at_once,
     .otherwise = "A model does not let the waits overlap."},
    {.id = "gil-threads-fine-for-io",
     .topic = Topic::work,
     .sentence = "the GIL is released at IO, so threads help IO-bound work even under it",
     .parts = {&many_waits},
     .decide =
         [](const Evidence& evidence) {
           return alike(evidence, time_of(many_waits, "gil-threads"), time_of(many_waits, "threads"), 0.10);
         },
     .otherwise = "Handing the lock over costs more than a tenth of so short a batch."},
    {.id = "gil-one-core-threads-cheaper",
     .topic = Topic::work,
     .sentence = "on one core threads cost less than processes for both kinds of work",
     .parts = {&cpu_on_one, &io_on_one},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {at_least(evidence, cpu_of(io_on_one, "processes"), cpu_of(io_on_one, "gil-threads"), 1),
                at_least(evidence, time_of(cpu_on_one, "processes"), time_of(cpu_on_one, "gil-threads"), 0.97)});
         },
     .otherwise =
         "Handing the lock over costs more than the forks: what computes longer than 5 ms is interrupted for it."},
    {.id = "cpu-serial-beats-coroutines",
     .topic = Topic::work,
     .sentence = "for pure computation, switching between coroutines at each step is slower than one after the other",
     .notes = "0.0120 s serial, 0.0260 s switching (2.2 times)",
     .parts = {&sum},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(sum, "coroutines"), time_of(sum, "serial"), 1.2);
         },
     .otherwise = "A switch of C++ coroutines costs little against a step."},
    {.id = "async-callback-parent-is-bottleneck",
     .topic = Topic::work,
     .sentence = "if the callback that handles results blocks, running it in the parent slows the whole",
     .parts = {&crawl},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(crawl, "thread-pool", "parse-in-parent"),
                           time_of(crawl, "thread-pool", "parse-in-worker"), 1.02);
         },
     .otherwise = "Parsing takes so little beside fetching that one parser keeps up with the workers."},
    {.id = "crawl-gather-then-parse-slowest",
     .topic = Topic::work,
     .sentence = "fetching everything and only then parsing one by one is the slowest of the three crawlers",
     .parts = {&crawl},
     .decide =
         [](const Evidence& evidence) {
           constexpr double as_slow = 0.95;
           const Figure gathered = time_of(crawl, "thread-pool", "gather-then-parse");
           return all_of({at_least(evidence, gathered, time_of(crawl, "thread-pool", "parse-in-worker"), 1.02),
                          at_least(evidence, gathered, time_of(crawl, "thread-pool", "parse-in-parent"), as_slow)});
         },
     .otherwise = "Fetching uses all CPUs already, so that it does not matter when the parsing is done."},
});

}  // namespace

std::span<const Claim> claims_on_work() { return claims; }

}  // namespace bench
