// Machines that carry out a plan together: one leads, keeps the results and prints; the others follow.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/plan/crew_host.h"
#include "harness/plan/plan.h"
#include "harness/run/launcher.h"
#include "harness/session/session.h"

namespace bench {

/// This process's place in a crew. One thread uses it.
class Crew {
 public:
  Crew() = default;
  virtual ~Crew() = default;
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  virtual bool leads() const = 0;

  /// Of who follows: carries out its parts of the runs until the leader is done. Where that comes to no good end, the
  /// process ends.
  virtual void follow() = 0;

  /// Of the leader: what carries out the runs of a session. Once a machine is lost, every run fails with its name.
  virtual Runs runs() = 0;

  /// Of the leader: all machines, by rank.
  virtual const std::vector<CrewHost>& hosts() const = 0;

  /// Of the leader: which machine was lost and how; empty as long as all are there.
  virtual const std::string& lost() const = 0;

  /// Of the leader: has cells skipped that do not fit on some machine's share.
  virtual void skip_what_does_not_fit(Plan& plan) const = 0;

  /// Of the leader: lets the others go; its last call, however the plan has ended. Once is enough.
  virtual void dismiss() = 0;
};

/// What a crew is made from. All outlive it.
struct CrewSetup {
  const Options& options;
  const Machine& machine;
  const Plan& plan;  ///< The same on all machines, but for what each finds out for itself.
  Launcher& launcher;
};

/// Joins the machines that were started together. Throws std::runtime_error that names the machine where one does not
/// fit.
using JoinCrew = std::unique_ptr<Crew> (*)(const CrewSetup& setup);

}  // namespace bench
