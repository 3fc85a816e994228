// The notes' claims on order, sharing and synchronisation.
#include <fmt/format.h>

#include <tuple>
#include <vector>

#include "harness/claims/claim.h"
#include "harness/claims/evidence.h"
#include "harness/claims/facts.h"

namespace bench {
namespace {

constexpr Part join_all{"--workload=io --model=threads --tasks=3 --wait=10ms:20ms:30ms"};
constexpr Part join_each{"--workload=io --model=threads --tasks=3 --wait=10ms:20ms:30ms --submit=sync"};
constexpr Part unlocked{"--workload=counter --model=threads,coroutines --locked=no --wait=20ms", Often::fifth_round};
constexpr Part locked{"--workload=counter --model=threads,processes --locked=yes --wait=1ms --tasks=50",
                      Often::fifth_round};
constexpr Part tickets_unlocked{"--workload=tickets --model=threads,coroutines --locked=no --wait=20ms",
                                Often::fifth_round};
constexpr Part tickets_locked{"--workload=tickets --model=threads,processes --locked=narrow,wide --wait=5ms"};
constexpr Part semaphore{"--workload=semaphore --model=threads,coroutines --permits=4,5 --wait=10ms",
                         Often::fifth_round};
constexpr Part gate{"--workload=gate --model=threads,processes --tasks=21", Often::fifth_round};
constexpr Part deadlock{"--workload=deadlock --model=threads --tasks=10 --cure=none,order,recursive",
                        Often::fifth_round};
constexpr Part rush{"--workload=queue-rush --model=threads,processes --tasks=100 --capacity=10", Often::fifth_round};
constexpr Part buffer{
    "--workload=producer-consumer --model=threads --producers=1 --consumers=1 --items=20000 --capacity=1,1000"};

constexpr double many = 1e9;

// ⌈20/4⌉ rounds of 10 ms, and ⌈20/5⌉.
Found takes_rounds(const Evidence& evidence) {
  std::vector<Found> findings;
  for (const auto& [permits, inside, rounds] : {std::tuple("permits:4", 4, 5), std::tuple("permits:5", 5, 4)}) {
    findings.push_back(
        counted(evidence, first_count_of(semaphore, "threads", permits), inside, inside, "inside at once"));
    const double least_ns = rounds * 10e6;
    findings.push_back(lasts(evidence, time_of(semaphore, "coroutines", permits), least_ns, 1.2 * least_ns,
                             fmt::format("{} rounds of 10 ms", rounds)));
  }
  return all_of(std::move(findings));
}

constexpr auto claims = std::to_array<Claim>({
    {.id = "join-all-is-longest-not-sum",
     .topic = Topic::sharing,
     .sentence = "start all, then join all: the time is the longest task's; start and join one by one: the sum",
     .notes = "waits 1, 2, 3 s: 3 s against 6 s",
     .parts = {&join_all, &join_each},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(join_each, "threads", "submit:sync"), time_of(join_all, "threads"), 1.8);
         },
     .otherwise = "The waits do not overlap."},
    {.id = "unlocked-wait-loses-updates",
     .topic = Topic::sharing,
     .sentence = "read, wait, write back without a lock loses updates",
     .notes = "100 decrements of 100 leave 99",
     .parts = {&unlocked},
     .decide =
         [](const Evidence& evidence) {
           return all_of({counted(evidence, first_count_of(unlocked, "coroutines"), 99, 99, "of 100 updates lost"),
                          counted(evidence, first_count_of(unlocked, "threads"), 1, 99, "of 100 updates lost")});
         },
     .otherwise = "No update was lost: tasks were not under way at once."},
    {.id = "locked-wait-is-correct-and-serial",
     .topic = Topic::sharing,
     .sentence = "with a lock the result is right, and the tasks run one after the other",
     .notes = "leaves 0; 100 × the wait",
     .parts = {&locked},
     .decide =
         [](const Evidence& evidence) {
           constexpr double waits_ns = 50 * 1e6;
           return all_of({counted(evidence, first_count_of(locked, "threads"), 0, 0, "updates lost"),
                          counted(evidence, first_count_of(locked, "processes"), 0, 0, "updates lost"),
                          lasts(evidence, time_of(locked, "threads"), waits_ns, many, "50 waits of 1 ms")});
         },
     .otherwise = "An update was lost under a lock."},
    {.id = "unlocked-increment-loses-updates",
     .topic = Topic::sharing,
     .sentence = "two threads that increment without a lock lose updates even without a wait",
     .notes = "2 × 1,000,000; 5 × 500,000",
     .check = increments_without_a_lock_are_lost,
     .otherwise = "The threads never ran at once: on one CPU they change places too seldom."},
    {.id = "lock-only-the-data",
     .topic = Topic::sharing,
     .sentence = "hold the lock around the data operation alone, not around the query before it",
     .parts = {&tickets_locked},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(tickets_locked, "threads", "locked:wide"),
                           time_of(tickets_locked, "threads", "locked:narrow"), 3);
         },
     .otherwise = "The queries do not overlap."},
    {.id = "tickets-never-oversold",
     .topic = Topic::sharing,
     .sentence = "one ticket, many buyers: without a lock it is oversold, with a lock exactly one succeeds",
     .notes = "1 ticket, 10 buyers",
     .parts = {&tickets_unlocked, &tickets_locked},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {counted(evidence, second_count_of(tickets_unlocked, "threads"), 1, many, "oversold without a lock"),
                counted(evidence, first_count_of(tickets_locked, "threads", "narrow"), 1, 1, "sold with one"),
                counted(evidence, first_count_of(tickets_locked, "processes", "narrow"), 1, 1, "sold with one")});
         },
     .otherwise = "Without a lock it was not oversold: the buyers were not there at once."},
    {.id = "semaphore-admits-k",
     .topic = Topic::sharing,
     .sentence = "a semaphore of k lets k in at once: N tasks take ⌈N/k⌉ rounds",
     .notes = "20 tasks, k = 4 or 5",
     .parts = {&semaphore},
     .decide = takes_rounds,
     .otherwise = "Another number was inside at once, or it took other rounds."},
    {.id = "event-wakes-all",
     .topic = Topic::sharing,
     .sentence = "one set wakes every waiter",
     .notes = "20 waiters",
     .parts = {&gate},
     .decide =
         [](const Evidence& evidence) {
           constexpr std::string_view woken = "and all 20 waiters went on after one set, in every run";
           return all_of({lasts(evidence, time_of(gate, "threads"), 0, many, woken),
                          lasts(evidence, time_of(gate, "processes"), 0, many, woken)});
         },
     .otherwise = "A waiter was left asleep."},
    {.id = "opposite-lock-order-deadlocks",
     .topic = Topic::sharing,
     .sentence = "two locks taken in opposite order deadlock; one order, or one recursive lock, does not",
     .notes = "3 or 10 threads",
     .parts = {&deadlock},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {counted(evidence, first_count_of(deadlock, "threads", "cure:none"), 1, many, "deadlocks of 10 tasks"),
                counted(evidence, first_count_of(deadlock, "threads", "cure:order"), 0, 0, "deadlocks"),
                counted(evidence, first_count_of(deadlock, "threads", "cure:recursive"), 0, 0, "deadlocks")});
         },
     .otherwise = "No cycle was found: the tasks did not hold their first locks at once."},
    {.id = "threads-share-processes-do-not",
     .topic = Topic::sharing,
     .sentence = "a global changed in a thread is seen by all; changed in a child process it is not",
     .notes = "100 stays 100 in the parent, becomes 0 with a thread",
     .check = threads_share_globals_and_processes_do_not},
    {.id = "bounded-queue-admits-capacity",
     .topic = Topic::sharing,
     .sentence = "a full queue refuses non-blocking puts: exactly its capacity gets in",
     .notes = "queue of 10, 100 processes",
     .parts = {&rush},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {counted(evidence, first_count_of(rush, "processes"), 10, 10, "of 100 offers in a queue of 10"),
                counted(evidence, first_count_of(rush, "threads"), 10, 10, "of 100 offers in a queue of 10")});
         },
     .otherwise = "Another number got in."},
    {.id = "queue-orders-hold",
     .topic = Topic::sharing,
     .sentence = "FIFO, LIFO and priority queues hand out in their order",
     .check = queues_keep_their_order},
    {.id = "queue-decouples-producer-consumer",
     .topic = Topic::sharing,
     .sentence = "with a buffer between, the total is near the slower side's time, not the sum",
     .parts = {&buffer},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(buffer, "threads", "capacity:1/"),
                           time_of(buffer, "threads", "capacity:1000"), 1.5);
         },
     .otherwise = "A buffer of one item serves as well: both sides are always ready."},
    {.id = "zombies-need-reaping",
     .topic = Topic::sharing,
     .sentence = "a child that ended unreaped stays a zombie; join or ignoring SIGCHLD prevents it",
     .check = a_child_is_a_zombie_until_it_is_reaped},
});

}  // namespace

std::span<const Claim> claims_on_sharing() { return claims; }

}  // namespace bench
