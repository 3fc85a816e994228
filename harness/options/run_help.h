// The help text of `run`, which has parts of its own.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/options/options.h"
#include "harness/options/workload_parameters.h"

namespace bench {

/// All that `run` takes.
std::string run_help(const Tables& tables);

/// Its examples, under their heading.
std::string_view run_examples();

/// A line for each row of a table.
template <typename Row>
std::string workload_lines(RowList<Row> workloads) {
  std::string lines;
  for (const Row& row : workloads) lines += fmt::format("  {:<19}{}\n", row.name, row.summary);
  return lines;
}
std::string model_lines(const Tables& tables);
std::string reference_lines(const Tables& tables);  ///< With a heading; empty where there are none.

/// A line for each flag that is a parameter of one of the workloads, and what it means to each.
std::string parameter_lines(const std::vector<WorkloadParameters>& workloads);

}  // namespace bench
