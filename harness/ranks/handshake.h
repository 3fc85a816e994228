// Whether processes that were started together can work together: of one build, and told the same.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"

namespace bench {

/// What a rank says of itself before anything else: its build and its plan, its machine, and which cells do not fit
/// there and why. JSON, so that other versions can read it.
nlohmann::json hello_of(const Options& options, const Plan& plan, const Machine& machine, std::uint32_t rank);

/// Why some ranks cannot work with the first, a line for each that names rank and host; empty where all can. Hellos are
/// by rank; one that could not be read is null.
std::string refusals_of(const std::vector<nlohmann::json>& hellos);

}  // namespace bench
