#include "harness/suites.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace bench {
namespace {

constexpr auto c10k = std::to_array<FlagDefault>({
    {"workload", "echo"},
    {"model", "all"},
    {"connections", "1,10,100,1000,10000"},
    {"duration", "1s"},
    {"repetitions", "3"},
});

constexpr auto suites = std::to_array<Suite>({
    {"c10k", "echo at 1 to 10,000 connections under every model", c10k},
});

}  // namespace

std::span<const Suite> all_suites() { return suites; }

void apply_suite(Flags& flags) {
  if (!flags.given("suite")) return;
  const std::string& word = flags.single("suite");
  const auto suite = std::ranges::find(suites, word, &Suite::name);
  if (suite == suites.end()) {
    std::array<std::string_view, suites.size()> names;
    std::ranges::transform(suites, names.begin(), &Suite::name);
    usage_error("suite", word,
                fmt::format("unknown suite; there are {}{}", fmt::join(names, ", "), did_you_mean(word, names)));
  }
  for (const FlagDefault& value : suite->defaults) flags.set_default(value.flag, value.value);
}

}  // namespace bench
