// What the rows of the result file are put together from. Jobs, services and primitives each fill in their part of a
// row that is otherwise the same.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "harness/plan/plan.h"
#include "harness/summary/sample.h"
#include "harness/summary/summary.h"
#include "harness/text/json_place.h"

namespace bench {

/// The cell that a row is about, and all that is known of it.
struct RowSource {
  const Plan& plan;
  const Results& results;
  const Cell& cell;
  const Group& group;
  const CellResult& result;
  double ideal_ns;  ///< The median over the group.
};

/// What differs between the rows of a job, of a service and of a primitive. `row` has Google Benchmark's keys already,
/// `bench` is what comes to lie under its key of that name.
struct RowParts {
  bool has_latency;  ///< Whether there are percentiles and their rows.

  /// A cell's parameters; those of one sample where it is not null, since a rate may be found out by the runs.
  nlohmann::ordered_json (*parameters)(const RowSource& source, const Sample* sample);

  /// Sets `iterations` and `items_per_second` of the row and the sample's own keys.
  void (*sample)(const RowSource& source, const Sample& sample, nlohmann::ordered_json& row,
                 nlohmann::ordered_json& bench);

  /// The same backwards: the row's own figures as parts of a sample.
  void (*read_sample)(const JsonPlace& row, const Group& group, Sample& sample);

  /// Likewise what a group and a cell were told, from a row's parameters, and what a cell's median row knows alone.
  void (*read_group)(const JsonPlace& parameters, Group& group);
  void (*read_cell)(const JsonPlace& parameters, const Group& group, Cell& cell);
  void (*read_median)(const JsonPlace& bench, CellResult& result);

  /// Sets `items_per_second` of the row and the median's own keys.
  void (*median)(const RowSource& source, const CellSummary& summary, nlohmann::ordered_json& row,
                 nlohmann::ordered_json& bench);

  /// Sets the own keys of the row for shown_percentiles[which].
  void (*percentile)(const RowSource& source, const CellSummary& summary, std::size_t which,
                     nlohmann::ordered_json& bench);
};

extern const RowParts job_row_parts;
extern const RowParts service_row_parts;
extern const RowParts primitive_row_parts;

/// How shown_percentiles are written in names.
inline constexpr Percentiles<const char*> percentile_names{"p50", "p90", "p99", "p99_9"};

/// Adds what a group's workload was told.
void add_workload_parameters(const Group& group, nlohmann::ordered_json& parameters);

/// Adds what a cell's model was told: its workers where it is a pool, its stacks where they are not the default.
void add_model_parameters(const Cell& cell, nlohmann::ordered_json& parameters);

/// Sets `prefix`_p50_ns and so on.
void add_percentiles(nlohmann::ordered_json& bench, const std::string& prefix, std::span<const double, 4> values);

nlohmann::ordered_json interval_json(const Estimate& estimate);
nlohmann::ordered_json ratio_json(const Ratio& ratio);
nlohmann::ordered_json probes_json(const Ruler& ruler);

// The same backwards. Each throws ResultError for anything else.
Percentiles<double> read_percentiles(const JsonPlace& bench, const std::string& prefix);
Ruler read_probes(const JsonPlace& place);

/// The number under `key`, or 0 where there is none.
double number_at(const JsonPlace& place, const std::string& key);

}  // namespace bench
