// The session: carries out a plan round by round until its intervals are narrow enough.
#pragma once

#include <functional>

#include "harness/plan/plan.h"
#include "harness/run/launcher.h"
#include "harness/session/progress.h"
#include "harness/summary/sample.h"

namespace bench {

/// What carries out the runs of a session: a launcher, or what a test puts in its place.
struct Runs {
  /// Carries out `request` to its end; `wish` is asked meanwhile.
  std::function<RunOutcome(const RunRequest& request, const std::function<Wish()>& wish)> run;

  /// What the last run has left; it outlives the session.
  const RunReport* report = nullptr;
};

/// Those of a launcher, which outlives them.
Runs runs_of(Launcher& launcher);

/// Runs the plan. `save(results)` is called after every run, since a later one may never come, unless saving takes more
/// than a tenth of the time; the caller saves what is returned.
///
/// Each round of a group runs every cell of it once, in random order; groups take turns until each has
/// `Plan::min_rounds`, and from then on the one with the widest interval is next. A group is done when every median's
/// interval is narrow enough or `Plan::max_rounds` is reached; all are when the plan's time is up. A cell that fails
/// leaves the plan, and so does one whose outcome is settled. `interrupts()` tells how many times the user has asked to
/// stop: at one the current run is finished, with what a load has measured by then, at two it is ended.
Results run_session(const Plan& plan, const Runs& runs, Progress& progress, const std::function<int()>& interrupts,
                    const std::function<void(const Results&)>& save);

}  // namespace bench
