#include "harness/suites.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace bench {
namespace {

// At a common rate, since in the closed loop the load would be the limit of most rows, and its rates of no worth.
constexpr auto c10k = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "all"},
    {"connections", "1,10,100,1000,10000"},
    {"rate", "common"},
    {"duration", "1s"},
    {"repetitions", "3"},
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
