// The rank that plans, keeps the results and tells the others what to do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/ranks/mpi/parts.h"
#include "harness/ranks/run_progress.h"

namespace bench {

class Leader {
 public:
  Leader(const CrewSetup& setup, const Joined& joined);

  /// Carries out a run with all that take part in it; what they found together is in report().
  RunOutcome run(const RunRequest& request, const std::function<Wish()>& wish);
  const RunReport& report() const { return *merged_.data(); }

  /// Who was lost, and how; empty as long as all are there. Then every run fails with it.
  const std::string& lost() const { return lost_; }

  /// Lets the others go, and waits a while until they know.
  void dismiss();

 private:
  RunOutcome lead(const RunRequest& request, const std::function<Wish()>& wish);
  RunOutcome failed(const std::string& reason);
  void run_own_part(const RunRequest& request, RunProgress& progress, Wish& told, const std::function<Wish()>& wish);
  void look(RunProgress& progress, Wish& told, const std::function<Wish()>& wish);
  bool look_for_losses();
  RunOutcome finish(const RunRequest& request, const RunProgress& progress);
  std::string host_of(std::uint32_t rank) const { return joined_.machines[rank].host; }

  const CrewSetup setup_;
  const Joined& joined_;
  const std::uint32_t ranks_;
  SharedArray<RunReport> merged_{1};  // outlives what MPI may not have added up yet
  Parts parts_;
  std::vector<std::int64_t> heard_ns_;
  std::int64_t looked_ns_ = 0;
  std::int64_t next_wish_ns_ = 0;
  std::string lost_;
};

}  // namespace bench
