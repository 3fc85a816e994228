// The notes' claims on network servers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "harness/claims/claim.h"
#include "harness/claims/evidence.h"
#include "harness/claims/facts.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr Part persistent{
    "--workload=echo --model=serial,processes,threads --connections=10 --rate=1k --duration=200ms "
    "--warmup=100ms --timeout=500ms",
    Often::fifth_round};
constexpr Part one_request{
    "--workload=echo --model=processes,threads --connections=20 --rate=1k --requests-per-connection=1 --duration=250ms "
    "--warmup=50ms"};
constexpr Part memory{
    "--workload=echo --model=processes,threads,epoll --connections=100 --rate=2k --duration=100ms --memory",
    Often::once, true};
constexpr Part idle_10{"--workload=echo --model=select,poll,epoll --connections=10 --active=10 --rate=5k"};
constexpr Part idle_100{"--workload=echo --model=select,poll,epoll --connections=100 --active=10 --rate=5k"};
constexpr Part idle_900{"--workload=echo --model=select,poll,epoll --connections=900 --active=10 --rate=5k"};
constexpr Part beyond_select{
    "--workload=echo --model=select,epoll --connections=1200 --rate=2k "
    "--duration=600ms --warmup=600ms",
    Often::fifth_round};
constexpr Part edges{"--workload=echo --model=epoll,epoll-et --connections=50 --rate=20k"};
constexpr Part c10k{"--workload=echo --model=processes,threads,epoll,coroutines --connections=10000 --rate=10k",
                    Often::fifth_round, true};
constexpr Part heavy{
    "--workload=echo --model=threads,epoll,coroutines --connections=50 --service-cpu=5ms --heavy=4% --rate=500 "
    "--duration=800ms --warmup=100ms"};
constexpr Part polling{
    "--workload=echo --model=nonblocking,epoll --connections=10 --rate=1k --duration=100ms --warmup=50ms"};
constexpr Part rate_2k{
    "--workload=echo --model=processes,threads,epoll,coroutines --connections=50 --rate=2k "
    "--duration=250ms --warmup=50ms",
    Often::fifth_round};
constexpr Part rate_50k{"--workload=echo --model=processes,threads,epoll,coroutines --connections=50 --rate=50k",
                        Often::fifth_round};
constexpr Part hybrids{
    "--workload=echo --model=epoll,processes+epoll,threads+coroutines --connections=20 --service-cpu=500us "
    "--server-cpus=0:1 --client-cpus=0:1 --workers=2"};
constexpr Part tcp{"--workload=echo --model=epoll --connections=20 --rate=10k"};
constexpr Part udp{"--workload=udp-echo --model=epoll --connections=20 --rate=10k"};

constexpr Part files{
    "--workload=transfer --model=epoll,threads --connections=10 --rate=500 --message-size=64KiB "
    "--duration=250ms --warmup=50ms",
    Often::fifth_round};
constexpr Part download{"--workload=download --model=coroutines,threads --file-size=200KiB --pace=1MiB --ranges=1,10"};
constexpr Part copy{"--workload=copy --model=serial,thread-pool --workers=3 --tasks=24 --work=256"};
constexpr Part copy_in_turn{"--workload=copy --model=thread-pool --workers=3 --tasks=24 --work=256 --submit=sync"};

Found memory_ratio(const Evidence& evidence, std::string_view more, std::string_view less, double bound) {
  const auto most = evidence.connection_memory(memory, more);
  const auto least = evidence.connection_memory(memory, less);
  if (!most || !least) {
    const std::string why = evidence.why_missing(cpu_of(memory, most ? less : more));
    return {.why = why.empty() ? "the memory of a connection could not be measured" : why};
  }
  Found found = fact(*most >= bound * *least, fmt::format("a connection takes {} under {} and {} under {}",
                                                          format_bytes(*most), more, format_bytes(*least), less));
  // It is measured once and has no interval; from one run of the claims to the next it moves by some percent.
  constexpr double moves = 0.1;
  if (std::abs(*most / *least / bound - 1) <= moves) {
    found.verdict = ClaimVerdict::inconclusive;
    found.why = fmt::format("{:.2f}×, within 10% of the bound {:g}×, by which the memory moves", *most / *least, bound);
  }
  return found;
}

// The 99th percentile of requests is within 10 ms at that rate.
Found bears(const Evidence& evidence, const Part& part, std::string_view model, double rate) {
  constexpr double promised_ns = 10e6;
  constexpr double nearly = 0.99;
  const auto reached = evidence.median_of(rate_of(part, model));
  const auto p99_ns = evidence.median_of(light_p99_of(part, model));
  if (!reached || !p99_ns) return {.why = evidence.why_missing(rate_of(part, model))};
  Found found = fact(*reached >= nearly * rate && *p99_ns <= promised_ns,
                     fmt::format("{}: {}/s at p99 {}", model, format_count(*reached), format_duration(*p99_ns)));
  return unless_disturbed(evidence, {rate_of(part, model)}, std::move(found));
}

Found thresholds(const Evidence& evidence) {
  std::vector<Found> findings;
  for (const std::string_view model : {"processes", "threads", "epoll", "coroutines"}) {
    findings.push_back(bears(evidence, rate_2k, model, 2000));
  }
  std::vector<std::string_view> portal;
  for (const std::string_view model : {"processes", "threads", "epoll", "coroutines"}) {
    if (bears(evidence, rate_50k, model, 50'000).verdict == ClaimVerdict::confirmed) portal.push_back(model);
  }
  findings.push_back(fact(true, portal.empty() ? "none bears 50,000/s on this machine"
                                               : fmt::format("50,000/s bear {}", fmt::join(portal, ", "))));
  return all_of(std::move(findings));
}

Found few_among_many(const Evidence& evidence, std::string_view other) {
  std::vector<Found> findings;
  for (const Part* part : {&idle_10, &idle_100, &idle_900}) {
    findings.push_back(at_least(evidence, cpu_of(*part, other), cpu_of(*part, "epoll"), 1.05));
  }
  return from_where(findings, {"", "there are 100 connections and more, 10 of them active",
                               "there are 900 connections, 10 of them active"});
}

Found beats_both(const Evidence& evidence) {
  Found poll = few_among_many(evidence, "poll");
  Found select = few_among_many(evidence, "select");
  // The narrower condition holds for both.
  const bool poll_first = poll.verdict != ClaimVerdict::confirmed;
  Found& chosen = poll_first ? poll : select;
  if (chosen.verdict == ClaimVerdict::conditional || chosen.verdict == ClaimVerdict::confirmed) {
    chosen.figure = fmt::format("CPU of a request: {}; {}", poll.figure, select.figure);
  }
  return chosen;
}

// Overwhelmed: connections are not served, or the offered rate is not met.
Found overwhelms(const Evidence& evidence) {
  std::vector<Found> findings;
  for (const std::string_view model : {"processes", "threads"}) {
    const auto served = evidence.median_of(served_of(c10k, model));
    const auto reached = evidence.median_of(rate_of(c10k, model));
    if (!served || !reached) return {.why = evidence.why_missing(served_of(c10k, model))};
    constexpr double offered = 10'000;
    findings.push_back(fact(*served < 9'900 || *reached < 0.9 * offered,
                            fmt::format("{} served {} of 10,000 connections at {}/s", model, format_count(*served),
                                        format_count(*reached))));
  }
  return all_of(std::move(findings));
}

constexpr auto claims = std::to_array<Claim>({
    {.id = "serial-server-serves-one-client",
     .topic = Topic::servers,
     .sentence = "the loop server holds one client until it leaves; the others wait",
     .parts = {&persistent},
     .decide =
         [](const Evidence& evidence) {
           return counted(evidence, served_of(persistent, "serial"), 1, 1, "of 10 connections served");
         },
     .otherwise = "More than one connection was served."},
    {.id = "unit-per-connection-serves-all",
     .topic = Topic::servers,
     .sentence = "a process or a thread per connection serves all at once",
     .parts = {&persistent},
     .decide =
         [](const Evidence& evidence) {
           return all_of({counted(evidence, served_of(persistent, "processes"), 10, 10, "of 10 connections served"),
                          counted(evidence, served_of(persistent, "threads"), 10, 10, "of 10 connections served")});
         },
     .otherwise = "A connection was not served."},
    {.id = "thread-server-cheaper-than-process-server",
     .topic = Topic::servers,
     .sentence = "a thread per connection is cheaper than a process per connection",
     .parts = {&one_request, &memory},
     .decide =
         [](const Evidence& evidence) {
           return all_of({at_least(evidence, cpu_of(one_request, "processes"), cpu_of(one_request, "threads"), 1.2),
                          memory_ratio(evidence, "processes", "threads", 1)});
         },
     .otherwise = "A connection's fork is not what its requests cost."},
    {.id = "multiplexing-saves-memory",
     .topic = Topic::servers,
     .sentence = "IO multiplexing serves many connections with few resources",
     .parts = {&memory},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {memory_ratio(evidence, "threads", "epoll", 2), memory_ratio(evidence, "processes", "epoll", 2)});
         },
     .otherwise = "The kernel's part of a connection, which all have, outweighs that of its unit."},
    {.id = "epoll-beats-select-and-poll",
     .topic = Topic::servers,
     .sentence = "epoll is more efficient than select and poll, and watches more descriptors",
     .parts = {&idle_10, &idle_100, &idle_900},
     .decide = beats_both,
     .otherwise = "With so few descriptors a scan costs no more than epoll's bookkeeping."},
    {.id = "select-stops-at-1024",
     .topic = Topic::servers,
     .sentence = "select cannot watch descriptors from 1,024 up",
     .parts = {&beyond_select},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {counted(evidence, served_of(beyond_select, "select"), 900, 1023, "of 1,200 connections served"),
                counted(evidence, served_of(beyond_select, "epoll"), 1200, 1200, "of 1,200 served")});
         },
     .otherwise = "Another number was served."},
    {.id = "edge-trigger-fewer-wakeups",
     .topic = Topic::servers,
     .sentence = "epoll can also be edge-triggered",
     .parts = {&edges},
     .decide =
         [](const Evidence& evidence) {
           return all_of({counted(evidence, served_of(edges, "epoll-et"), 50, 50, "of 50 connections served"),
                          alike(evidence, cpu_of(edges, "epoll-et"), cpu_of(edges, "epoll"), 0.15)});
         },
     .otherwise = "It serves, and the CPU of a request is not that of level-triggered epoll."},
    {.id = "c10k-breaks-unit-per-connection",
     .topic = Topic::servers,
     .sentence = "10,000 connections, each with a process or thread of its own, overwhelm one machine",
     .notes = "C10K",
     .parts = {&c10k},
     .decide = overwhelms,
     .otherwise = "Linux holds 10,000 threads or processes without trouble today; what they cost is memory and CPU."},
    {.id = "compute-stalls-event-loop",
     .topic = Topic::servers,
     .sentence = "multiplexing serves only IO: one request that computes stalls every connection of the loop",
     .parts = {&heavy},
     .decide =
         [](const Evidence& evidence) {
           const Figure threads = light_p99_of(heavy, "threads");
           return all_of({at_least(evidence, light_p99_of(heavy, "epoll"), threads, 1.5),
                          at_least(evidence, light_p99_of(heavy, "coroutines"), threads, 1.5)});
         },
     .otherwise = "On one CPU threads wait for the one that computes as well, for a time slice."},
    {.id = "polling-burns-cpu",
     .topic = Topic::servers,
     .sentence = "non-blocking sockets polled in a loop answer, and burn the CPU",
     .parts = {&polling},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, cpu_of(polling, "nonblocking"), cpu_of(polling, "epoll"), 5);
         },
     .otherwise = "Polling costs less than five times the CPU."},
    {.id = "qps-thresholds",
     .topic = Topic::servers,
     .sentence = "2,000 requests/s is fine for a small company, a portal needs 50,000",
     .notes = "2,000; 50,000",
     .parts = {&rate_2k, &rate_50k},
     .decide = thresholds,
     .otherwise = "A model does not bear 2,000 requests/s here."},
    {.id = "hybrid-beats-single",
     .topic = Topic::servers,
     .sentence = "processes with threads inside, threads with coroutines inside: combining models serves more",
     .parts = {&hybrids},
     .decide =
         [](const Evidence& evidence) {
           const Figure single = rate_of(hybrids, "epoll");
           return all_of({at_least(evidence, rate_of(hybrids, "processes+epoll"), single, 1.2),
                          at_least(evidence, rate_of(hybrids, "threads+coroutines"), single, 1.2)});
         },
     .otherwise = "There is no second CPU for the second copy."},
    {.id = "udp-faster-than-tcp",
     .topic = Topic::servers,
     .sentence = "UDP is faster than TCP",
     .notes = "header 8 bytes against 20",
     .parts = {&tcp, &udp},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, cpu_of(tcp, "epoll", "echo/"), cpu_of(udp, "epoll", "udp-echo/"), 1.02);
         },
     .otherwise = "A datagram costs the server a system call each way like a message of a connection, and a peer's "
                  "address more."},
    {.id = "udp-may-lose-tcp-does-not",
     .topic = Topic::servers,
     .sentence = "UDP loses datagrams under load; TCP delivers all, in order",
     .check = a_flood_of_datagrams_is_lost_and_a_stream_is_not},
    {.id = "udp-keeps-message-boundaries",
     .topic = Topic::servers,
     .sentence = "UDP keeps message boundaries, TCP does not",
     .check = datagrams_keep_their_boundaries_and_a_stream_does_not},
    {.id = "tcp-coalesces-small-writes",
     .topic = Topic::servers,
     .sentence = "two quick small TCP writes can arrive as one read; a large one in pieces",
     .notes = "'hello' + 'word' read together",
     .check = small_writes_arrive_as_one_read},
    {.id = "length-header-restores-messages",
     .topic = Topic::servers,
     .sentence = "a fixed 4-byte length before each message cures it",
     .notes = "4-byte header",
     .parts = {&files},
     .decide =
         [](const Evidence& evidence) {
           return all_of(
               {counted(evidence, served_of(files, "epoll"), 10, 10, "of 10 connections: every checksum held"),
                counted(evidence, served_of(files, "threads"), 10, 10, "of 10: every checksum held")});
         },
     .otherwise = "A file came damaged."},
    {.id = "backlog-bounds-pending",
     .topic = Topic::servers,
     .sentence = "the listen backlog bounds the connections that wait to be accepted",
     .notes = "listen(5)",
     .check = the_backlog_bounds_what_waits},
    {.id = "ranged-download-scales",
     .topic = Topic::servers,
     .sentence = "ten coroutines that each fetch a range finish sooner than one stream, where each is rate-limited",
     .notes = "10 ranges",
     .parts = {&download},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(download, "coroutines", "ranges:1/"),
                           time_of(download, "coroutines", "ranges:10"), 5);
         },
     .otherwise = "The server's limit is not what the time goes to."},
    {.id = "pool-copy-beats-serial-copy",
     .topic = Topic::servers,
     .sentence = "files are copied faster by a pool; but a pool fed with blocking calls is serial",
     .notes = "pool of 3",
     .parts = {&copy, &copy_in_turn},
     .decide =
         [](const Evidence& evidence) {
           return all_of({at_least(evidence, time_of(copy, "serial"), time_of(copy, "thread-pool"), 1.1),
                          at_least(evidence, time_of(copy_in_turn, "thread-pool", "submit:sync"),
                                   time_of(copy, "serial"), 0.95)});
         },
     .otherwise = "What is copied lies in memory, so that the CPUs are the limit and not the disk."},
});

}  // namespace

std::span<const Claim> claims_on_servers() { return claims; }

}  // namespace bench
