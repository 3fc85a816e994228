// What a workload is told, for plans that tests put together by hand.
#pragma once

#include "harness/options/workload_parameters.h"
#include "harness/plan/plan.h"

namespace bench {

/// Sets all that the group's workload is told: what is given, in the words of the command line, the rest by default.
inline void tell(Group& group, const GivenParameters& given) {
  if (group.job) {
    group.parameters = single_values(parameters_of(*group.job), given);
    group.batch = batch_of(*group.job, group.parameters);
  } else {
    group.parameters = single_values(parameters_of(*group.service), given);
    group.load.parameters = service_parameters_of(group.parameters);
  }
}

/// Whether a workload has the parameter of that name.
template <typename Row>
bool takes(const Row& workload, std::string_view parameter) {
  return find_parameter(workload.parameters, parameter) != nullptr;
}

/// The largest value of a service's message size.
inline std::uint64_t largest_message(const Service& service) {
  return static_cast<std::uint64_t>(find_parameter(service.parameters, "message-size")->most);
}

}  // namespace bench
