// How a model does what a script asks for: a host for each way of waiting, and one driver over all of them.
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

#include "measure/job_run.h"

namespace bench {

/// What a host says of an operation.
enum class Done : std::uint8_t {
  now,    ///< It is done; the script goes on.
  later,  ///< It is under way. The host has the script advanced again when it is done, by any thread from now on.
};

/// Does for one task what its script asks for. A host that may block its unit always answers `now`.
template <typename Type>
concept Host = requires(Type host, Operation& operation) {
  { host.checkpoint() } -> std::same_as<Done>;
  { host.wait_for(operation.duration) } -> std::same_as<Done>;
  /// Leaves the result in the operation. One that waits for a descriptor sets Operation::again before it says `later`.
  { host.transfer(operation) } -> std::same_as<Done>;
  { host.park(*operation.waiting, operation.duration) } -> std::same_as<Done>;
};

template <Host Type>
Done perform(Type& host, Operation& operation) {
  switch (operation.verb) {
    case Verb::checkpoint: return host.checkpoint();
    case Verb::wait_for: return host.wait_for(operation.duration);
    case Verb::transfer: return host.transfer(operation);
    case Verb::park: break;
  }
  return host.park(*operation.waiting, operation.duration);
}

/// Advances the script as far as it goes without waiting: true when it has ended. After false it may be with another
/// thread. Throws what the script throws.
template <Host Type>
bool drive(Script& script, Type& host) {
  bool again = std::exchange(script.operation().again, false);
  while (again || script.advance()) {
    again = false;
    if (perform(host, script.operation()) == Done::later) return false;
  }
  return true;
}

/// Runs task `index` from its start to its end on a unit that waits by itself. `prepare(script)` comes before the
/// script's first step.
template <Host Type, typename Prepare>
void run_task(JobRun& job, std::uint32_t index, Type host, Prepare prepare) {
  try {
    Script script = job.begin(index, host.home());
    prepare(script);
    while (script.advance()) perform(host, script.operation());
    job.end(index);
  } catch (...) {
    job.fail_task(index);
  }
}

template <Host Type>
void run_task(JobRun& job, std::uint32_t index, Type host) {
  run_task(job, index, host, [](Script&) {});
}

}  // namespace bench
