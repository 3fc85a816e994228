#include "harness/options/workload_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "harness/options/choose.h"
#include "harness/options/flags.h"
#include "harness/text/parameters.h"

namespace bench {
namespace {

// The times of durations are looked at one by one, so that the error names the one that is wrong.
void check_value(const WorkloadParameters& workload, const Parameter& parameter, const std::string& text) {
  const bool joined = parameter.kind == ParameterKind::durations;
  for (const std::string& part : joined ? split(text, ':') : std::vector{text}) {
    try {
      parse_parameter(parameter, part, workload.name);
    } catch (const std::invalid_argument& error) {
      usage_error(parameter.name, part, error.what());
    }
  }
}

void check_values(const GivenParameters& given, const WorkloadParameters& workload) {
  for (const Parameter& parameter : workload.parameters) {
    const auto values = given.find(parameter.name);
    if (values == given.end()) continue;
    for (const std::string& text : values->second) check_value(workload, parameter, text);
  }
}

// Each value once, however it is written.
std::vector<ParameterValue> values_of(const Parameter& parameter, const WorkloadParameters& workload,
                                      const GivenParameters& given) {
  const auto texts = given.find(parameter.name);
  if (texts == given.end()) return {standard_value(parameter)};
  std::vector<ParameterValue> values;
  for (const std::string& text : texts->second) values.push_back(parse_parameter(parameter, text, workload.name));
  drop_repeated(values);
  return values;
}

}  // namespace

std::vector<WorkloadParameters> every_workload(const Tables& tables) {
  std::vector<WorkloadParameters> workloads;
  for (const Job& job : tables.jobs) workloads.push_back(parameters_of(job));
  std::ranges::copy(services_of(tables), std::back_inserter(workloads));
  for (const Primitive& primitive : tables.primitives) workloads.push_back(parameters_of(primitive));
  return workloads;
}

std::vector<WorkloadParameters> services_of(const Tables& tables) {
  std::vector<WorkloadParameters> services;
  for (const Service& service : tables.services) services.push_back(parameters_of(service));
  return services;
}

std::vector<WorkloadParameters> chosen_workloads(const Options& options) {
  std::vector<WorkloadParameters> workloads;
  for (const Job* job : options.jobs) workloads.push_back(parameters_of(*job));
  for (const Service* service : options.services) workloads.push_back(parameters_of(*service));
  for (const Primitive* primitive : options.primitives) workloads.push_back(parameters_of(*primitive));
  return workloads;
}

GivenParameters read_parameters(const Flags& flags, const std::vector<WorkloadParameters>& takers) {
  GivenParameters given;
  for (const FlagRow& row : flags.rows()) {
    if (row.subject != Subject::parameter || !flags.given(row.name)) continue;
    given.emplace(row.name, split(flags.text(row.name), ','));
  }
  for (const WorkloadParameters& workload : takers) check_values(given, workload);
  return given;
}

GivenParameters read_single_parameters(const Flags& flags, const std::vector<WorkloadParameters>& takers) {
  for (const auto& [name, texts] : read_parameters(flags, {})) flags.single(name);
  return read_parameters(flags, takers);
}

Parameters single_values(const WorkloadParameters& workload, const GivenParameters& given) {
  for (const auto& [name, texts] : given) {
    if (!workload.takes(name)) throw UsageError(fmt::format("--{}: {} does not take it", name, workload.name));
  }
  check_values(given, workload);
  return combinations(workload, given).front();
}

void check_parameters_taken(const Flags& flags, const std::vector<WorkloadParameters>& chosen,
                            const std::vector<WorkloadParameters>& all) {
  for (const FlagRow& row : flags.rows()) {
    const auto takes_it = [&](const WorkloadParameters& workload) { return workload.takes(row.name); };
    if (row.subject != Subject::parameter || !flags.given(row.name) || std::ranges::any_of(chosen, takes_it)) continue;
    std::vector<std::string_view> takers;
    for (const WorkloadParameters& workload : all) {
      if (takes_it(workload)) takers.push_back(workload.name);
    }
    not_taken_error(row.name, takers);
  }
}

std::vector<Parameters> combinations(const WorkloadParameters& workload, const GivenParameters& given) {
  std::vector<Parameters> all(1);
  for (const Parameter& parameter : workload.parameters) {
    const std::vector<ParameterValue> values = values_of(parameter, workload, given);
    std::vector<Parameters> longer;
    for (const Parameters& one : all) {
      for (const ParameterValue& value : values) longer.emplace_back(one).set(parameter, value);
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace bench
