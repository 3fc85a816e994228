// Why: each program of `exec` ends in a way of its own, and its check is all that tells whether a task has seen it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "models/talk/transfer.h"
#include "tests/support/children.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"
#include "workloads/job.h"

namespace bench {
namespace {

using testing::HasSubstr;

const Job& exec() { return job_named("exec"); }

constexpr std::uint32_t tasks = 4;

Batch told(const std::string& how, const std::string& program) {
  return batch_told(exec(), {{"tasks", {std::to_string(tasks)}}, {"how", {how}}, {"program", {program}}});
}

std::uint64_t outcome_of(const Batch& batch, std::uint32_t index) {
  std::uint64_t outcome = 0;
  const Task task{.batch = batch, .index = index, .outcome = outcome};
  Script script = exec().task(task);
  while (script.advance()) {
    Operation& operation = script.operation();
    operation.result = do_transfer(operation.transfer);
  }
  return outcome;
}

std::vector<std::uint64_t> outcomes(const Batch& batch) {
  std::vector<std::uint64_t> left;
  for (std::uint32_t index = 0; index < tasks; ++index) left.push_back(outcome_of(batch, index));
  return left;
}

const std::vector<std::string> ways{"fork", "vfork", "posix-spawn"};
const std::vector<std::string> programs{"printf", "missing", "killed", "flood"};

class Exec : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

INSTANTIATE_TEST_SUITE_P(Told, Exec, testing::Combine(testing::ValuesIn(ways), testing::ValuesIn(programs)),
                         [](const auto& row) {
                           return test_name(std::get<0>(row.param) + "-" + std::get<1>(row.param));
                         });

TEST_P(Exec, ComesToWhatItsProgramDoes) {
  const auto& [how, program] = GetParam();
  const Batch batch = told(how, program);
  EXPECT_EQ(exec().check(batch, outcomes(batch)), std::nullopt);
  EXPECT_TRUE(is_childless());
}

TEST_P(Exec, RefusesWhatAnotherProgramOrAnotherTaskLeaves) {
  const auto& [how, program] = GetParam();
  const Batch batch = told(how, program);
  const std::vector<std::uint64_t> left = outcomes(batch);
  for (const std::string& other : programs) {
    if (other == program) continue;
    EXPECT_TRUE(exec().check(told(how, other), left)) << other;
  }
  EXPECT_TRUE(exec().check(batch, std::vector{left[1], left[0], left[2], left[3]}));
}

TEST(ExecCheck, SaysHowTheFirstWrongOneEndedAndHowManyAre) {
  const Batch printing = told("vfork", "printf");
  std::vector<std::uint64_t> left = outcomes(printing);
  left[2] = outcome_of(told("vfork", "missing"), 2);
  left[3] = outcome_of(told("vfork", "killed"), 3);
  const std::optional<std::string> wrong = exec().check(printing, left);
  ASSERT_TRUE(wrong);
  EXPECT_THAT(*wrong, HasSubstr("task 2 left errno 2 instead of a program"));
  EXPECT_THAT(*wrong, HasSubstr("expected 30 bytes and status 0"));
  EXPECT_THAT(*wrong, HasSubstr("wrong are 2 of 4 tasks of printf"));
  left[2] = left[3];
  EXPECT_THAT(*exec().check(printing, left), HasSubstr("task 2 left 30 bytes and status 137"));
}

}  // namespace
}  // namespace bench
