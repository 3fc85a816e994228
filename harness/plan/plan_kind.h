// What differs between kinds of workloads when they are planned, and what is the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"

namespace bench {

/// How a kind is planned.
struct PlanKind {
  /// The groups of the chosen workloads with their titles, without cells.
  std::vector<Group> (*groups)(const Options& options, const CpuSplit& cpus);

  /// The cells of a group: their models and what these are told.
  std::vector<Cell> (*cells)(const Group& group, const Options& options);

  /// Of a cell's rows: "io/threads/tasks:100/wait:10ms".
  std::string (*name)(const Cell& cell, const Group& group, const Options& options);

  /// In its group's table.
  std::string (*label)(const Cell& cell, const Options& options);

  /// About how long a run takes.
  std::int64_t (*expected_ns)(const Cell& cell, const Group& group, const Options& options);

  /// A run has failed that takes longer than the one and so many times what is expected.
  std::int64_t patience_ns;
  std::int64_t patience;

  /// Why a cell cannot run here; nothing where it can.
  std::optional<std::string> (*why_skipped)(const Cell& cell, const Group& group, const Machine& machine);

  /// What a cell's model does otherwise on this machine; mostly empty.
  std::string (*note)(const Cell& cell, const Group& group);

  /// About how long that takes which happens once, beside the rounds.
  std::int64_t (*once_ns)(const Cell& cell, const Group& group, const ServiceOptions& options);
};

extern const PlanKind job_plan;
extern const PlanKind service_plan;
extern const PlanKind primitive_plan;

/// What the name of any cell says of its model's own parameters: "/workers:4", "/stack:16384" where that is not the
/// default.
std::string model_parameters_text(const Cell& cell);

/// For PlanKind: a cell for each chosen model, each number of workers where it is a pool, each stack where it has some.
std::vector<Cell> cells_of_models(const Group& group, const Options& options);

/// For PlanKind: the model, with what tells it from the other cells of its group.
std::string model_label(const Cell& cell, const Options& options);

/// Why a cell's model is not available here; nothing where it is.
std::optional<std::string> why_unavailable(const Cell& cell);

/// How many of `tasks` under way come to lie in one process; in the copies of a hybrid they are about evenly spread.
std::uint32_t tasks_in_one_process(const Cell& cell, std::uint32_t tasks);

/// Why so many descriptors in one process are too many; nothing where they are not, and where units are processes.
std::optional<std::string> why_too_many_descriptors(const Cell& cell, std::uint64_t needed, const Machine& machine);

/// Why a cell's pool cannot exist here; nothing where it can.
std::optional<std::string> why_no_pool(const Cell& cell, const Machine& machine);

/// What a cell's model says of this machine.
std::string model_note(const Cell& cell);

/// The values of one list: those given, or the default.
template <typename T>
std::vector<T> given_or(const std::vector<T>& given, T otherwise) {
  return given.empty() ? std::vector<T>{otherwise} : given;
}

}  // namespace bench
