// The result file: a superset of Google Benchmark's JSON, so that its compare.py reads it as it is.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/crew_host.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "harness/summary/sample.h"

namespace bench {

/// Of the result files that this program writes.
inline constexpr std::uint64_t schema_version = 2;

/// Everything that goes into a result file besides the samples.
struct ResultContext {
  const Options& options;
  const Machine& machine;
  const Plan& plan;
  std::string date;                  ///< ISO 8601, of the start.
  std::vector<CrewHost> hosts = {};  ///< Of a plan on several machines, by rank.
};

/// The document that results/schema.json describes. Holds no NaN, no infinity and no null.
nlohmann::ordered_json make_document(const ResultContext& context, const Results& results);

/// Now, as in 2026-01-31T12:00:00+00:00.
std::string iso_time();

}  // namespace bench
