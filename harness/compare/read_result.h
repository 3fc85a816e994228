// A result file, read back for comparisons: its cells with their runs, and what it says of machine and build.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/compare/metric.h"
#include "harness/plan/plan.h"
#include "harness/summary/statistics.h"
#include "measure/run_report.h"

namespace bench {

/// One run of a cell.
struct ReadRun {
  std::uint32_t round = 0;
  std::string why_invalid;  ///< Empty where its figures may be believed.
  Surroundings surroundings;
  std::array<std::optional<double>, metric_count> values;  ///< In the order of `metrics`.
};

/// One cell.
struct ReadCell {
  std::string name;
  std::string model;
  std::string label;      ///< In its group: the model, and what tells it from others of that model.
  std::size_t group = 0;  ///< Among ReadResult::groups.
  std::map<std::string, std::string> parameters;  ///< What it was told, for people.
  std::vector<ReadRun> runs;
  /// Medians as the file has them, over the runs that its figures rest on; nothing of latencies.
  std::array<std::optional<Estimate>, metric_count> medians;
  std::string failure;  ///< Why it failed; empty where it did not.
  std::string invalid;  ///< Why most of its runs may not be believed; empty where they may.
};

/// Cells that their file compares with each other.
struct ReadGroup {
  std::string title;
  std::string verdict;  ///< Its closing sentence; empty without one.
  Kind kind = Kind::job;
  std::string ranked_by;  ///< As result files have it; empty: not ranked.
};

/// What is said of machine or build, by what it is about.
using Facts = std::map<std::string, std::string>;

struct ReadResult {
  std::string label;
  std::string path;
  Facts machine;   ///< Absolute figures of results that differ in any of them are not held against each other.
  Facts software;  ///< Other facts that readers want to see.
  std::vector<ReadGroup> groups;
  std::vector<ReadCell> cells;  ///< In the order of the file.
  Ruler ruler;                  ///< Medians over all runs.
  MachineProbes probes;
  std::vector<std::string> warnings;  ///< Of all groups.
  bool interrupted = false;           ///< It was ended before its plan was.
};

/// Reads `path`. Throws ResultError, which names the file and the place, for what cannot be read, is no JSON, no result
/// of this program, or one that breaks its own rules.
ReadResult read_result(const std::string& path, std::string label);

/// The same of a text; `name` stands for the file.
ReadResult parse_result(std::string_view text, const std::string& name, std::string label);

}  // namespace bench
