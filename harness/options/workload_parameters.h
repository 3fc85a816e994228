// What workloads can be told, from their rows: who takes a parameter, what was given for it, and the cells that it
// makes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "harness/options/options.h"

namespace bench {

class Flags;

/// A workload of any kind, and what it can be told.
struct WorkloadParameters {
  std::string_view name;
  std::span<const Parameter> parameters;
  bool is_service = false;

  bool takes(std::string_view parameter) const { return find_parameter(parameters, parameter) != nullptr; }
};

/// Those of the tables, in the order of every report.
std::vector<WorkloadParameters> every_workload(const Tables& tables);

std::vector<WorkloadParameters> services_of(const Tables& tables);

/// Those that `run` was told to take.
std::vector<WorkloadParameters> chosen_workloads(const Options& options);

/// What the flags give for parameters of any workload. Each workload of `takers` that has the parameter has to allow
/// each value. Throws UsageError.
GivenParameters read_parameters(const Flags& flags, const std::vector<WorkloadParameters>& takers);

/// The same where each takes one value, not a list.
GivenParameters read_single_parameters(const Flags& flags, const std::vector<WorkloadParameters>& takers);

/// The values of a workload's parameters where one of each may be given, otherwise the default. Throws UsageError for
/// one that the workload does not allow or does not have.
Parameters single_values(const WorkloadParameters& workload, const GivenParameters& given);

/// Throws the UsageError of a parameter that is given and that none of `chosen` takes; those of `all` that do are
/// named.
void check_parameters_taken(const Flags& flags, const std::vector<WorkloadParameters>& chosen,
                            const std::vector<WorkloadParameters>& all);

/// The values of a workload's parameters: all combinations of what was given, or of what is the default, the last
/// parameter changing first; each once. Throws std::invalid_argument for a value that the workload does not allow.
std::vector<Parameters> combinations(const WorkloadParameters& workload, const GivenParameters& given);

template <typename Row>
WorkloadParameters parameters_of(const Row& row) {
  return {.name = row.name, .parameters = row.parameters, .is_service = std::is_same_v<Row, Service>};
}

}  // namespace bench
