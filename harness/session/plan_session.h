// A session under way: what the kinds of workloads have in common, and what differs between them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "harness/session/session.h"

namespace bench {

/// One group of the plan and how far it has come.
struct GroupState {
  std::string_view name;  // of the job, the service or the primitive
  std::size_t group = 0;
  std::vector<std::size_t> cells;  // those still in the plan
  std::uint32_t rounds = 0;
  std::int64_t last_round_ns = 0;
  double width = 0;  // of the widest interval; infinite while there are too few runs for one
  bool done = false;
};

/// Carries out a plan. What is public is for the kinds below.
class PlanSession {
 public:
  PlanSession(const Plan& plan, const Runs& runs, Progress& progress, const std::function<int()>& interrupts,
              const std::function<void(const Results&)>& save);

  Results run();

  const Plan& plan() const { return plan_; }
  Results& results() { return results_; }
  Progress& progress() { return progress_; }
  bool stopped() const { return interrupts_() > 0; }

  /// Carries out a run of a cell and shows `what` meanwhile; nothing where it was cut off, or failed, which ends the
  /// cell: `where` goes before the reason.
  std::optional<RunOutcome> launch(const RunRequest& request, const std::string& what, std::string_view where = {});

  /// The same for a run of a cell as it stands in the plan.
  std::optional<RunOutcome> measure(GroupState& state, std::size_t cell);

  /// What the last run has left.
  const RunReport& report() const { return *runs_.report; }

  /// After every run, but a tenth of the time at the most: a document of many samples takes long to write.
  void save();

 private:
  void add_group(const Group& group);
  GroupState* next_group();
  bool needs_rounds(const GroupState& state) const;
  bool is_late(const GroupState& state) const;
  void run_round(GroupState& state);
  void run_cell(GroupState& state, std::size_t cell);
  void look_at_connecting(const RunRequest& request, std::int64_t begun_ns);
  void drop(std::size_t cell, const std::string& reason);
  void judge(GroupState& state);
  std::int64_t left_ns() const;

  const Plan& plan_;
  const Runs& runs_;
  Progress& progress_;
  const std::function<int()>& interrupts_;
  const std::function<void(const Results&)>& save_;
  std::mt19937_64 random_;
  bool told_ = false;  // that the first interrupt has been seen
  bool told_of_connecting_ = false;
  std::string last_;  // the last run's cell and figure
  std::int64_t begun_ns_;
  std::int64_t next_save_ns_ = 0;
  std::vector<GroupState> states_;
  Results results_;
};

/// How cells of a kind are run. Functions that may be null say so.
struct SessionKind {
  /// What has to be known before the first round of a group; null: nothing.
  void (*prepare)(PlanSession& session, GroupState& state);

  /// One cell of a round; nothing where it was cut off or failed.
  std::optional<Sample> (*run)(PlanSession& session, GroupState& state, std::size_t cell);

  /// What a run has measured, shortly: "10.7 ms", "29,980/s, p99 163 µs".
  std::string (*figure)(const Sample& sample);

  /// Whether a cell's outcome is the same however often it runs, so that it need not run again; null: never.
  bool (*is_settled)(const CellResult& result);

  /// What it takes to know the memory of a cell, in runs of their own after the first round; null: nothing.
  void (*measure_memory)(PlanSession& session, GroupState& state, std::size_t cell);
};

extern const SessionKind job_session;
extern const SessionKind service_session;
extern const SessionKind primitive_session;

}  // namespace bench
