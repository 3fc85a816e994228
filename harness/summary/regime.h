// The regimes of a machine: hidden states that it changes between, told apart by the rulers between rounds.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/summary/sample.h"

namespace bench {

/// The machine's regime while a round ran, by the rulers before and after it.
enum class Regime : std::uint8_t {
  usual,     ///< Near the plan's best readings.
  slow,      ///< Cache-line trips or computation took much longer than at the plan's best.
  changing,  ///< The two rulers lie far apart.
  unknown,   ///< A ruler is missing.
};

/// The regime of each round of a workload, from the plan's rulers.
std::vector<Regime> regimes_of(const Results& results, std::size_t workload, std::uint32_t rounds);

/// The name of a regime in reports.
std::string_view regime_name(Regime regime);

}  // namespace bench
