// The notes' claims on what a unit of concurrency costs.
#include <fmt/format.h>

#include "harness/claims/claim.h"
#include "harness/claims/evidence.h"
#include "harness/claims/parts.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr Part spawn{"--workload=spawn --model=processes,threads,coroutines,fibers"};
constexpr Part sleepers{"--workload=io --model=processes,threads --tasks=100 --wait=100ms", Often::once};
constexpr Part switching{"--workload=switch --model=processes,threads,coroutines,fibers"};
constexpr Part idle{"--workload=idle --model=processes,threads,coroutines,fibers --tasks=1000"};
constexpr Part long_tasks{"--workload=cpu --model=threads,thread-pool,processes,process-pool --tasks=100 --work=2000"};
constexpr Part short_tasks{"--workload=cpu --model=threads,thread-pool,processes,process-pool --tasks=100 --work=100"};
constexpr Part pool{"--workload=io --model=thread-pool,process-pool --tasks=20 --wait=5ms --workers=4"};
constexpr Part in_turn{"--workload=io --model=thread-pool --tasks=20 --wait=5ms --workers=4 --submit=sync"};

constexpr std::string_view one_cpu = "/cpus:1";
constexpr std::string_view by_futex = "via:futex/cpus:1";

Found pool_wins(const Evidence& evidence, const Part& part) {
  return all_of({at_least(evidence, time_of(part, "threads"), time_of(part, "thread-pool"), 1.2),
                 at_least(evidence, time_of(part, "processes"), time_of(part, "process-pool"), 1.2)});
}

// The longer the tasks, the less it matters where their units come from.
Found pools_win_up_to(const Evidence& evidence) {
  const double task_ns = evidence.median_of(computation_of(short_tasks, "threads")).value_or(0) / 100;
  return from_where({pool_wins(evidence, long_tasks), pool_wins(evidence, short_tasks)},
                    {"", fmt::format("a task computes for no more than {}", format_duration(task_ns))});
}

constexpr auto claims = std::to_array<Claim>({
    {.id = "spawn-process-dearer-than-thread",
     .topic = Topic::units,
     .sentence = "creating a process costs far more than creating a thread",
     .notes = "100 units that sleep 0.1 s: 1.75 s as processes, 0.12 s as threads",
     .parts = {&spawn, &sleepers},
     .decide =
         [](const Evidence& evidence) {
           constexpr std::string_view what = "100 units that sleep 100 ms";
           constexpr double longest_ns = 10e9;
           return all_of(
               {at_least(evidence, time_of(spawn, "processes", one_cpu), time_of(spawn, "threads", one_cpu), 3),
                lasts(evidence, time_of(sleepers, "processes"), 0, longest_ns, what),
                lasts(evidence, time_of(sleepers, "threads"), 0, longest_ns, what)});
         },
     .otherwise = "A fork of a small program costs no more than a few threads."},
    {.id = "spawn-thread-dearer-than-coroutine",
     .topic = Topic::units,
     .sentence = "a coroutine is lighter than a thread",
     .parts = {&spawn},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {at_least(evidence, time_of(spawn, "threads", one_cpu), time_of(spawn, "coroutines", one_cpu), 10),
                at_least(evidence, time_of(spawn, "threads", one_cpu), time_of(spawn, "fibers", one_cpu), 10)});
         },
     .otherwise = "Creating a thread costs less than ten coroutines or fibers."},
    {.id = "switch-coroutine-cheaper-than-thread",
     .topic = Topic::units,
     .sentence = "the program switches coroutines faster than the system switches threads",
     .parts = {&switching},
     .decide =
         [](const Evidence& evidence) {
           const Figure threads = time_of(switching, "threads", by_futex);
           return all_of({at_least(evidence, threads, time_of(switching, "coroutines", "via:scheduler"), 2),
                          at_least(evidence, threads, time_of(switching, "fibers", "via:scheduler"), 2)});
         },
     .otherwise = "The system's switch is less than twice as dear."},
    {.id = "switch-thread-cheaper-than-process",
     .topic = Topic::units,
     .sentence = "switching between threads is cheaper than between processes",
     .parts = {&switching},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(switching, "processes", by_futex), time_of(switching, "threads", by_futex),
                           1.02);
         },
     .otherwise =
         "The kernel's part of a switch is the same for both, and tagged address spaces (PCID) spare the flush."},
    {.id = "memory-process-thread-coroutine",
     .topic = Topic::units,
     .sentence = "memory per unit: process > thread > coroutine",
     .parts = {&idle},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {at_least(evidence, unit_memory_of(idle, "processes"), unit_memory_of(idle, "threads"), 1.2),
                at_least(evidence, unit_memory_of(idle, "threads"), unit_memory_of(idle, "coroutines"), 1.2)});
         },
     .otherwise =
         "Pages that are shared after a fork count once, so that a process takes little more than its tables."},
    {.id = "pool-beats-spawn-for-short-tasks",
     .topic = Topic::units,
     .sentence = "for many short tasks, a pool beats creating a unit for each",
     .parts = {&long_tasks, &short_tasks},
     .decide = pools_win_up_to,
     .otherwise = "Waking a worker for each task costs as much as creating a unit."},
    {.id = "pool-caps-units",
     .topic = Topic::units,
     .sentence = "a pool of N never runs more than N tasks at once, and reuses its workers",
     .parts = {&pool},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {counted(evidence, units_of(pool, "thread-pool"), 1, 4, "units at once of 4 workers for 20 tasks"),
                counted(evidence, units_of(pool, "process-pool"), 1, 4, "units at once of 4")});
         },
     .otherwise = "More units were alive at once than the pool has workers."},
    {.id = "pool-limits-io-concurrency",
     .topic = Topic::units,
     .sentence = "a pool trades speed for safety: tasks beyond N wait",
     .parts = {&pool, &many_waits},
     .decide =
         [](const Evidence& evidence) {
           constexpr double rounds = 0.9 * 5;  // of 20 tasks with 4 workers
           return at_least(evidence, time_of(pool, "thread-pool"), time_of(many_waits, "threads"), 0.5 * rounds);
         },
     .otherwise = "Starting a thread for each task costs about as much as the waits that the pool adds."},
    {.id = "pool-sync-submit-is-serial",
     .topic = Topic::units,
     .sentence = "waiting for each result right after submitting it makes a pool serial",
     .parts = {&in_turn, &many_waits},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(in_turn, "thread-pool", "submit:sync"), time_of(many_waits, "serial"),
                           0.98);
         },
     .otherwise =
         "A pool that is waited for at each task is faster than the serial loop, which nothing but noise explains."},
});

}  // namespace

std::span<const Claim> claims_on_units() { return claims; }

}  // namespace bench
