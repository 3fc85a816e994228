// From names on the command line to rows of the tables.
#pragma once

#include <string>
#include <vector>

#include "harness/options/options.h"

namespace bench {

/// The models of a list of names, aliases or `all`, each once. Throws UsageError.
std::vector<const Model*> choose_models(const Tables& tables, const std::string& list);

/// What a list of workloads names.
struct ChosenWorkloads {
  std::vector<const Job*> jobs;
  std::vector<const Service*> services;
  std::vector<const Primitive*> primitives;
};

/// The workloads of a list of names, each once; `all` names every job and every service, `primitives` every primitive.
/// Throws UsageError.
ChosenWorkloads choose_workloads(const Tables& tables, const std::string& list);

/// Throws the UsageError of a flag that no chosen workload takes; `takers` do.
[[noreturn]] void not_taken_error(std::string_view flag, const std::vector<std::string_view>& takers);

/// Throws a UsageError where one of the models has no row of any of the primitives, so that it would measure nothing.
void check_models_measured(const std::vector<const Model*>& models, const std::vector<const Primitive*>& primitives);

/// Throws a UsageError where --workers is `given` and none of the models is a pool.
void check_workers_taken(const std::vector<const Model*>& models, bool given);

/// Throws a UsageError where --stack is `given` and none of the models has stacks of ours.
void check_stack_taken(const std::vector<const Model*>& models, bool given);

}  // namespace bench
