#include "harness/options/suites.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace bench {
namespace {

// What a newcomer asks about, within a minute on two CPUs. The first part says what all share.
constexpr auto quick_services = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "processes,threads,epoll,coroutines"},
    {"connections", "10,1000"},
    {"rate", "common"},
    {"max-time", "50s"},
});

constexpr auto quick_cpu = std::to_array<FlagDefault>({
    {"workload", "cpu"},
    {"model", "serial,processes,threads,thread-pool,gil-threads,epoll,coroutines"},
    {"tasks", "12"},
});

constexpr auto quick_io = std::to_array<FlagDefault>({
    {"workload", "io"},
    {"model", "serial,processes,threads,thread-pool,gil-threads,epoll,coroutines"},
    {"tasks", "20"},
});

constexpr auto quick_primitives = std::to_array<FlagDefault>({
    {"workload", "spawn,switch"},
    {"model", "processes,threads,coroutines"},
});

constexpr auto quick_parts = std::to_array<SuitePart>({quick_services, quick_cpu, quick_io, quick_primitives});

// The experiments of the teaching notes. Services: all models that serve at once, few active among many idle, one slow
// connection among fast ones, what polling burns, the highest rate within a bound, datagrams against a stream.
constexpr auto notes_echo = std::to_array<FlagDefault>({
    {"workload", "echo,udp-echo"},
    {"model", "serial,processes,threads,select,poll,epoll,coroutines"},
    {"connections", "50"},
    {"rate", "common"},
    {"memory", ""},
});

constexpr auto notes_idle_connections = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "select,poll,epoll"},
    {"connections", "10,100,900"},
    {"active", "10"},
    {"rate", "5k"},
});

constexpr auto notes_heavy = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "threads,epoll,coroutines"},
    {"connections", "50"},
    {"service-cpu", "5ms"},
    {"heavy", "2%"},
    {"rate", "500"},
});

constexpr auto notes_polling = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "nonblocking,epoll"},
    {"connections", "10"},
    {"rate", "1k"},
});

constexpr auto notes_offered = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "processes,threads,epoll"},
    {"connections", "50"},
    {"rate", "10k,20k,40k,80k,120k"},
});

constexpr auto notes_cpu = std::to_array<FlagDefault>({
    {"workload", "cpu"},
    {"model", "serial,processes,threads,gil-threads,coroutines"},
    {"tasks", "12"},
    {"cpus", "1,2"},
});

constexpr auto notes_io = std::to_array<FlagDefault>({
    {"workload", "io"},
    {"model", "serial,processes,threads,gil-threads,epoll,coroutines,fibers"},
});

constexpr auto notes_join = std::to_array<FlagDefault>({
    {"workload", "io"},
    {"model", "serial,threads,coroutines"},
    {"tasks", "3"},
    {"wait", "10ms:20ms:30ms"},
});

constexpr auto notes_pools = std::to_array<FlagDefault>({
    {"workload", "io"},
    {"model", "process-pool,thread-pool"},
    {"workers", "1,2,4,8,16,32"},
});

constexpr auto notes_sum = std::to_array<FlagDefault>({
    {"workload", "sum"},
    {"model", "serial,coroutines,fibers"},
});

constexpr auto notes_copy = std::to_array<FlagDefault>({
    {"workload", "copy"},
    {"model", "serial,processes,threads,thread-pool"},
});

constexpr auto notes_primitives = std::to_array<FlagDefault>({
    {"workload", "primitives"},
    {"model", "all"},
});

constexpr auto notes_parts =
    std::to_array<SuitePart>({notes_echo, notes_idle_connections, notes_heavy, notes_polling, notes_offered, notes_cpu,
                              notes_io, notes_join, notes_pools, notes_sum, notes_copy, notes_primitives});

// At a rate, since in the closed loop the load would be the limit of most rows, and its rates of no worth. One rate
// along the sweep, since what a request costs depends on it; so low that one connection bears it, and so high that
// 10,000 have a request each within little more than a second.
constexpr auto c10k = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "all"},
    {"connections", "1,10,100,1000,10000"},
    {"rate", "10k"},
    {"max-time", "630s"},
    {"memory", ""},
});

constexpr auto c10k_parts = std::to_array<SuitePart>({c10k});

// The rate goes round all connections once within the duration.
constexpr auto c1m = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "processes+epoll"},
    {"workers", "64"},
    {"connections", "1000000"},
    {"rate", "30k"},
    {"duration", "34s"},
    {"warmup", "0s"},
    {"connect-deadline", "5m"},
    {"idle-timeout", "10m"},
    {"repetitions", "1"},
    {"memory", ""},
});

constexpr auto c1m_others = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "processes+coroutines,processes+io-uring"},
    {"workers", "8"},
    {"connections", "100000"},
    {"rate", "30k"},
});

constexpr auto c1m_parts = std::to_array<SuitePart>({c1m, c1m_others});

constexpr auto suites = std::to_array<Suite>({
    {"quick", "what a newcomer asks about, in a minute: cpu, io, echo, spawn and switch", quick_parts},
    {"notes", "the experiments of the teaching notes on network and concurrent programming", notes_parts},
    {"c10k", "echo at 1 to 10,000 connections under every model", c10k_parts},
    {"c1m", "echo on 1,000,000 connections, and on 100,000 under two more models", c1m_parts},
});

}  // namespace

std::span<const Suite> all_suites() { return suites; }

const Suite* chosen_suite(const Flags& flags) {
  if (!flags.given("suite")) return nullptr;
  const std::string& word = flags.single("suite");
  const auto suite = std::ranges::find(suites, word, &Suite::name);
  if (suite == suites.end()) {
    std::array<std::string_view, suites.size()> names;
    std::ranges::transform(suites, names.begin(), &Suite::name);
    usage_error("suite", word,
                fmt::format("unknown suite; there are {}{}", fmt::join(names, ", "), did_you_mean(word, names)));
  }
  return &*suite;
}

Flags with_defaults(Flags flags, SuitePart part) {
  for (const FlagDefault& value : part) flags.set_default(value.flag, value.value);
  return flags;
}

}  // namespace bench
