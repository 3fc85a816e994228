// A row of the model table: what the harness may know of a model.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "measure/job_run.h"
#include "measure/server_run.h"
#include "workloads/row_list.h"

namespace bench {

/// What a model multiplies.
enum class UnitKind : std::uint8_t { process, thread, fiber, coroutine };

/// How many there are of something.
enum class HowMany : std::uint8_t { one, workers, one_and_workers, tasks };

/// A way to arrange concurrent work.
struct Model {
  std::string_view name;
  std::string_view summary;
  std::array<std::string_view, 4> aliases{};  ///< Other names; unused ones are empty.

  UnitKind unit;
  HowMany units;          ///< How many units at the most.
  HowMany in_flight;      ///< How many tasks may wait at once.
  bool parallel = false;  ///< Whether tasks compute on several CPUs at once.
  bool loops = false;     ///< Whether tasks run in a loop, which is told by its inbox that one is woken.

  bool hands_out = false;  ///< Whether its first unit hands tasks to others, and heeds JobRun::one_at_a_time.

  bool is_ideal = false;  ///< No model, but what none can do without: its row stands beside theirs and is not ranked.

  /// Runs a job as JobRun describes; in the first thread of a process of its own. May throw std::exception before
  /// the first unit exists; later failures go to JobRun::fail.
  void (*run)(JobRun& job);

  /// Serves as ServerRun describes until it is to stop; in the first thread of a process of its own. May throw
  /// std::exception before it serves; later failures go to ServerRun::fail. Null: the model has jobs only.
  void (*serve)(ServerRun& server) = nullptr;

  /// Whether it can be the outer model of a hybrid: its units then carry copies of another model.
  bool carries_others = false;

  /// Of a hybrid (models/hybrid.h): the two that it is made of; `run` and `serve` are then those of the inner one.
  const Model* outer = nullptr;
  const Model* inner = nullptr;

  /// Why the model cannot run on this machine; empty when it can. Null: it always can.
  std::string (*why_unavailable)() = nullptr;

  /// What the model does otherwise on this machine than elsewhere, to follow "here it …"; empty when nothing. Null:
  /// never anything.
  std::string (*note)() = nullptr;

  /// Why it does not serve transfers over UDP (Transport::udp_transfers), to follow "it"; static text. Empty: it does.
  std::string_view why_no_transfers{};

  /// Descriptors that a server of it can watch at once; 0: as many as a process may have.
  std::uint32_t max_descriptors = 0;
};

/// The number that `count` means with so many tasks and workers.
constexpr std::uint32_t resolve(HowMany count, std::uint32_t tasks, std::uint32_t workers) noexcept {
  switch (count) {
    case HowMany::one: return 1;
    case HowMany::workers: return workers;
    case HowMany::one_and_workers: return 1 + workers;
    case HowMany::tasks: break;
  }
  return tasks;
}

/// Whether the model has as many units as --workers says.
constexpr bool is_pool(const Model& model) noexcept {
  return model.units == HowMany::workers || model.units == HowMany::one_and_workers;
}

/// Whether --workers means something to the model: the units of a pool, or the copies of a hybrid's inner model.
constexpr bool takes_workers(const Model& model) noexcept { return is_pool(model) || model.inner; }

/// Its other names.
constexpr std::span<const std::string_view> aliases_of(const Model& model) noexcept {
  const auto unused = std::find(model.aliases.begin(), model.aliases.end(), std::string_view());
  return {model.aliases.begin(), unused};
}

/// Every model, in the order of every report.
RowList<Model> all_models();

}  // namespace bench
