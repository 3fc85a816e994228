#include "harness/claims/experiments.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ranges>

#include "harness/claims/evidence.h"
#include "harness/plan/plan.h"
#include "harness/run/launcher.h"
#include "harness/session/session.h"
#include "harness/text/split.h"
#include "measure/clock.h"

namespace bench {
namespace {

Options options_of(const Tables& tables, const Part& part) {
  std::vector<std::string> words = split(part.flags, ' ');
  std::erase(words, "");
  std::vector<const char*> arguments{"bench"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  return parse_options(tables, static_cast<int>(arguments.size()), arguments.data());
}

// A part's plan, with what carries out its runs. Never moved: the launcher has the plan's address.
class Experiment {
 public:
  Experiment(const Tables& tables, const Part& part, const Machine& machine)
      : plan_(planned(make_plan(options_of(tables, part), machine))), launcher_(plan_) {
    results_.cells.resize(plan_.cells.size());
    after_first_ = plan_;
    after_first_.services.memory = false;
  }
  Experiment(const Experiment&) = delete;
  Experiment& operator=(const Experiment&) = delete;

  /// A round of all cells; the first one also of what is measured once.
  void run_round(std::uint32_t round, const std::function<int()>& interrupts) {
    Progress silent(false);
    const Results fresh =
        run_session(round == 0 ? plan_ : after_first_, runs_of(launcher_), silent, interrupts, [](const Results&) {});
    for (std::size_t cell = 0; cell < results_.cells.size(); ++cell) {
      CellResult& into = results_.cells[cell];
      for (Sample sample : fresh.cells[cell].samples) {
        sample.round = round;
        into.samples.push_back(std::move(sample));
      }
      if (fresh.cells[cell].failure) into.failure = fresh.cells[cell].failure;
      if (fresh.cells[cell].memory) into.memory = fresh.cells[cell].memory;
    }
  }

  const Plan& plan() const { return plan_; }
  const Results& results() const { return results_; }

 private:
  static Plan planned(Plan plan) {
    plan.measure_memory = false;
    plan.min_rounds = plan.max_rounds = 1;
    plan.max_time_ns = 0;
    return plan;
  }

  Plan plan_;
  Plan after_first_;
  Launcher launcher_;
  Results results_;
};

// The last one is ended first: a launcher has inherited the sockets of those that were there before it, which learn by
// theirs that their time is over.
struct Experiments : std::vector<std::unique_ptr<Experiment>> {
  Experiments() = default;
  Experiments(const Experiments&) = delete;
  Experiments& operator=(const Experiments&) = delete;
  ~Experiments() {
    while (!empty()) pop_back();
  }
};

// What the plans of all parts have alike.
Plan plan_in_common(Plan plan) {
  plan.groups.clear();
  plan.cells.clear();
  return plan;
}

// Adds a part's groups, cells and runs to those of all parts.
void add(const Experiment& experiment, Plan& plan, Results& results) {
  const std::size_t groups = plan.groups.size();
  const std::size_t cells = plan.cells.size();
  for (Group group : experiment.plan().groups) {
    for (std::size_t& cell : group.cells) cell += cells;
    plan.groups.push_back(std::move(group));
  }
  for (Cell cell : experiment.plan().cells) {
    cell.group += groups;
    plan.cells.push_back(std::move(cell));
  }
  std::ranges::copy(experiment.results().cells, std::back_inserter(results.cells));
}

bool is_due(const Part& part, std::uint32_t round) {
  switch (part.often) {
    case Often::each_round: return true;
    case Often::fifth_round: return round % 5 == 0;
    case Often::once: return round == 0;
  }
  return false;
}

}  // namespace

std::vector<const Part*> parts_of(std::span<const Claim* const> claims, bool quick) {
  std::vector<const Part*> parts;
  for (const Claim* claim : claims) {
    for (const Part* part : claim->parts) {
      if (!part || (quick && part->slow) || std::ranges::find(parts, part) != parts.end()) continue;
      parts.push_back(part);
    }
  }
  return parts;
}

JudgedClaims judge_claims(const Tables& tables, std::span<const Claim* const> claims, const ClaimRules& rules,
                          const std::function<void(std::string_view)>& tell, const std::function<int()>& interrupts) {
  const std::int64_t begun_ns = now_ns();
  JudgedClaims all{.judged = {}, .machine = read_machine(), .plan = {}, .results = {}};
  const std::vector<const Part*> parts = parts_of(claims, rules.quick);
  Experiments experiments;
  for (const Part* part : parts) experiments.push_back(std::make_unique<Experiment>(tables, *part, all.machine));

  for (std::uint32_t round = 0; round < rules.rounds && !experiments.empty() && interrupts() == 0; ++round) {
    if (round >= fewest_runs && now_ns() - begun_ns > rules.max_time_ns) break;
    tell(fmt::format("round {} of {}, {} experiments", round + 1, rules.rounds, experiments.size()));
    for (std::size_t index = 0; index < experiments.size() && interrupts() == 0; ++index) {
      if (is_due(*parts[index], round)) experiments[index]->run_round(round, interrupts);
    }
  }

  std::vector<std::size_t> groups_of;
  for (const auto& experiment : experiments) {
    if (groups_of.empty()) all.plan = plan_in_common(experiment->plan());
    add(*experiment, all.plan, all.results);
    groups_of.push_back(experiment->plan().groups.size());
  }
  number_workloads(all.plan);
  const Evidence evidence(all.plan, all.results, parts, groups_of);
  for (const Claim* claim : claims) {
    Found found{.why = "interrupted"};
    if (claim->decide) found = claim->decide(evidence);
    if (claim->check && interrupts() == 0) found = claim->check();
    all.judged.push_back({.claim = claim, .found = std::move(found)});
  }
  all.results.interrupted = interrupts() > 0;
  all.results.elapsed_ns = now_ns() - begun_ns;
  return all;
}

}  // namespace bench
