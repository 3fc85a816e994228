// A row of the primitive table: one operation in nanoseconds, for each kind of unit and each way to do it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "workloads/job.h"
#include "workloads/parameter.h"
#include "workloads/row_list.h"

namespace bench {

class PrimitiveRun;

/// One way to do a primitive's operation.
struct PrimitiveRow {
  std::string_view model;  ///< The one whose units do it.
  std::string_view via;    ///< What it goes through, as in "pipe".
  std::uint32_t units;     ///< That take part, where rows differ in that; else 0.
  std::uint32_t cpus;      ///< Over which the units are spread.

  /// Measures as PrimitiveRun describes; in the first thread of a process of its own. May throw std::exception before
  /// the second unit exists; later failures go to PrimitiveRun::fail.
  void (*measure)(PrimitiveRun& run);
};

/// A primitive: what units are made of, measured alone.
struct Primitive {
  std::string_view name;
  std::string_view summary;
  std::string_view operation;               ///< What is counted, for the head of a table.
  std::span<const Parameter> parameters{};  ///< What the primitive can be told: units_parameter where it is about many.
  bool measures_memory = false;             ///< Of each unit, besides the time of the operation.
  std::span<const PrimitiveRow> rows;
};

/// How many units there are, by the same flag as the tasks of a job.
constexpr Parameter units_parameter(std::string_view standard) {
  Parameter parameter = tasks_parameter(standard);
  parameter.meaning = "units that wait";
  parameter.title = "{} units";
  parameter.title_of_one = "{} unit";
  return parameter;
}

/// Every primitive, in the order of every report.
RowList<Primitive> all_primitives();

/// Whether a primitive has a row for the model of that name.
bool has_row(const Primitive& primitive, std::string_view model);

/// Why models without a row have none.
std::string why_no_row(const Primitive& primitive);

}  // namespace bench
