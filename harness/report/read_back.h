// A result file as what it was made from, so that everything a report can show can be shown again.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/plan.h"
#include "harness/summary/sample.h"

namespace bench {

/// The plan and its results, as far as summaries and reports look at them: without histograms, for one.
struct ReadBack {
  Plan plan;
  Results results;

  /// Models that the tables do not have: of another version, or a server that somebody else ran. The plan points to
  /// them, and they to their names.
  std::deque<Model> other_models;
  std::deque<std::string> other_names;
};

/// Reads a document of this program; `name` stands for the file. Of its workloads those that are named, or all where
/// none is. Throws ResultError, which names file and place, for what is no JSON, no result of this program, of a newer
/// schema, without a workload that is wanted, or of one that `tables` does not have.
ReadBack read_back(const Tables& tables, std::string_view text, const std::string& name,
                   const std::vector<std::string>& workloads = {});

}  // namespace bench
