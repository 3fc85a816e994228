// What the tests that start real runs share: a plan put together by hand, and the launcher that carries it out.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/options/workload_parameters.h"
#include "harness/plan/plan.h"
#include "harness/run/launcher.h"
#include "tests/support/sanitized.h"

namespace bench {

/// A cell of a test: a model, a job and its sizes.
struct TestCell {
  const Model* model = nullptr;
  const Job* job = nullptr;
  Batch parameters;
  std::uint32_t workers = 2;
};

/// How a run ended.
struct Ended {
  RunOutcome outcome;
  std::string reason;  ///< Why it failed; empty when it did not.
};

/// A bound on what takes milliseconds, for machines under load and sanitizers: to be met only by what hangs.
inline constexpr std::chrono::seconds generous{120};

/// A launcher over a plan of the given cells. Forks, so the calling process must have one thread.
class TestRuns {
 public:
  explicit TestRuns(const std::vector<TestCell>& cells);

  Ended run(RunKind kind, std::uint32_t cell = 0, std::chrono::nanoseconds time_limit = generous);

  /// What the last run has left.
  const RunReport& report() const { return launcher_.report(); }

  Launcher& launcher() { return launcher_; }

  /// The launcher's process.
  pid_t process() const { return process_; }

 private:
  Plan plan_;
  Launcher launcher_;
  pid_t process_;
};

/// A batch of a job that is told what is given, in the words of the command line, and the rest by default.
Batch batch_told(const Job& job, const GivenParameters& given);

/// How many entries /proc/`pid`/`folder` has: "fd" for descriptors, "task" for threads.
std::size_t count_entries(pid_t pid, const std::string& folder);

/// True when no process of `group` exists.
bool group_is_gone(pid_t group);

/// The rows of the model table, the reference runtimes, and a hybrid of each kind.
std::vector<const Model*> every_model_and_some_hybrids();

/// Those of them that serve.
std::vector<const Model*> serving_models();

/// A pointer to each row of a table, for a test that takes every row.
template <typename Row>
std::vector<const Row*> every(RowList<Row> table) {
  std::vector<const Row*> rows;
  for (const Row& row : table) rows.push_back(&row);
  return rows;
}

/// Of models those that this machine can run: the kernel of a container may forget some calls.
std::vector<const Model*> every(RowList<Model> table);

// How parameters of tests are printed, and named by CTest: GoogleTest would print where they lie.
template <typename Row>
requires requires(const Row& row) { std::string_view(row.name); }
void PrintTo(const Row* row, std::ostream* out) { *out << row->name; }
template <typename Row>
requires requires(const Row& row) { std::string_view(row.name); }
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

/// The jobs whose tasks do not wait for each other, so that one can be looked at alone.
std::vector<const Job*> independent_jobs();

/// Each of the first with `width` of the second in turn, so that every one of both appears.
template <typename First, typename Second>
std::vector<std::tuple<First, Second>> some_pairs(const std::vector<First>& first, const std::vector<Second>& second,
                                                  std::size_t width) {
  std::vector<std::tuple<First, Second>> chosen;
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (std::size_t j = 0; j < second.size(); ++j) {
      if ((j + second.size() - i * width % second.size()) % second.size() < width) {
        chosen.emplace_back(first[i], second[j]);
      }
    }
  }
  return chosen;
}

/// Each of the first with each of the second; under sanitizers, which make all of it many times slower, with `width` of
/// them.
template <typename First, typename Second>
std::vector<std::tuple<First, Second>> pairs(const std::vector<First>& first, const std::vector<Second>& second,
                                             std::size_t width = 1) {
  return some_pairs(first, second, sanitized ? width : second.size());
}

/// "gil_threads" for "gil-threads", "processes_epoll" for "processes+epoll": what may stand in the name of a test.
std::string test_name(std::string_view name);

}  // namespace bench
