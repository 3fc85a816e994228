// What every rank does of a run, the leader too.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "harness/ranks/messages.h"
#include "harness/ranks/mpi/calls.h"
#include "harness/ranks/mpi/joining.h"
#include "harness/run/launcher.h"
#include "harness/session/crew.h"
#include "measure/shared_mapping.h"

namespace bench {

/// How often a rank looks for news: what a barrier costs at the most.
inline constexpr std::chrono::milliseconds glance{1};

/// How often it shows that it is alive, and how long it may be silent before it is taken to be stopped.
inline constexpr std::chrono::milliseconds heartbeat{500};
inline constexpr std::chrono::seconds longest_silence{4};

/// This rank's parts of runs, carried out by its launcher. What is passed to the constructor outlives it.
class Parts {
 public:
  /// `look_around` is called while it waits for the others, and says whether they are all there.
  Parts(const CrewSetup& setup, const Joined& joined, std::uint32_t rank, std::function<bool()> look_around);

  /// Carries out this rank's part of `request`; `look`, asked all the time, tells of the others.
  Word run(RunRequest request, const std::function<Wish(RunSteps&)>& look);

  /// Lets the part go on that waits for `step`, for which its server listens at `port` (0: unknown).
  static void go_on(RunSteps& steps, std::uint32_t step, std::uint32_t port);

  /// How far the part under way is with its connections.
  const Connecting& connecting() const { return setup_.launcher.report().connecting; }

  /// Adds up every rank's findings, at the leader in `merged`: of the last run, where this rank had a part in it. All
  /// ranks call it together. Whether it came to an end.
  bool reduce(bool took_part, RunReport& merged);

  std::uint32_t server_of(const RunRequest& request) const;

 private:
  Word end_of(const RunRequest& request, const RunOutcome& outcome) const;
  bool await(MPI_Request& request) const;

  const CrewSetup setup_;
  const Joined& joined_;
  const std::uint32_t rank_;
  const std::function<bool()> look_around_;
  std::optional<RunRequest> last_;     // what this rank did of the last run that it had a part in
  SharedArray<RunReport> nothing_{1};  // stays empty
  Reductions reductions_;
};

}  // namespace bench
