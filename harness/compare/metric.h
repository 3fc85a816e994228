// What result files are compared by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/text/json_place.h"

namespace bench {

/// A figure of each run.
struct Metric {
  std::string_view name;     ///< On the command line: "time".
  std::string_view meaning;  ///< "time of a batch or an operation"
  bool more_is_better = false;

  /// Of a run's row in a result file; nothing where it has no such figure.
  std::optional<double> (*of)(const JsonPlace& row);

  /// What a row of medians calls its interval; empty: it has none.
  std::string_view interval_key{};

  /// A value for people, with its unit.
  std::string (*show)(double value) = nullptr;
};

inline constexpr std::size_t metric_count = 7;

/// All there are.
extern const std::array<Metric, metric_count> metrics;

/// Its place among them.
inline std::size_t place_of(const Metric& metric) { return static_cast<std::size_t>(&metric - metrics.data()); }

/// That of this name, which exists.
const Metric& metric_named(std::string_view name);

/// What decides by default about cells that are ranked by `ranked_by`, as a result file has it; empty: about operations
/// of a primitive, which are not ranked.
const Metric& main_metric(std::string_view ranked_by);

}  // namespace bench
