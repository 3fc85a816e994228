// Why: who starts programs from many threads, processes and loops at once can lose one's end to somebody else, hand one
// descriptors that are another's, or leave one behind.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "measure/usage.h"
#include "tests/support/children.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"
#include "workloads/child_program.h"

namespace bench {
namespace {

using testing::IsEmpty;

const std::vector<std::string> ways{"fork", "vfork", "posix-spawn"};

// A run, and nothing is left of it.
void expect_to_end_well(const Model* model, const Job& job, const Batch& batch, RunKind kind) {
  TestRuns runs({{.model = model, .job = &job, .parameters = batch}});
  const Ended ended = runs.run(kind);
  EXPECT_EQ(ended.reason, "");
  EXPECT_EQ(ended.outcome.left_behind, 0U);
  EXPECT_EQ(runs.report().job.latency.count(), std::uint64_t{batch.tasks} * runs.report().job.batches);
  EXPECT_THAT(living_descendants(runs.process()), IsEmpty());
}

class ExecJobs : public testing::TestWithParam<std::tuple<const Model*, std::string>> {};

INSTANTIATE_TEST_SUITE_P(Table, ExecJobs, testing::ValuesIn(pairs(every_model_and_some_hybrids(), ways)),
                         [](const auto& row) {
                           return test_name(fmt::format("{}_{}", std::get<0>(row.param)->name, std::get<1>(row.param)));
                         });

TEST_P(ExecJobs, SeeHowEveryProgramEnds) {
  const auto& [model, how] = GetParam();
  const Job& job = job_named("exec");
  for (const std::string program : {"printf", "missing", "killed", "flood"}) {
    SCOPED_TRACE(program);
    expect_to_end_well(model, job, batch_told(job, {{"tasks", {"7"}}, {"how", {how}}, {"program", {program}}}),
                       RunKind::memory);
  }
}

// ---- What a program is given while others are started ----

std::size_t given_to_programs = 0;  // by whoever has started the tests

// Lists its descriptors: three, and that of the folder.
Script counts_descriptors(const Task& task) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) co_return;
  ChildProgram child;
  const auto how = static_cast<MadeBy>(task.index % 3);
  if (child.start(how, {"/bin/ls", "-1"}, "/proc/self/fd", ends[1]) != 0) co_return;
  close(ends[1]);
  std::string names;
  std::array<std::byte, 256> room{};
  for (std::int64_t size = 1; size > 0;) {
    size = co_yield read_from(ends[0], room);
    if (size > 0) names.append(reinterpret_cast<const char*>(room.data()), static_cast<std::size_t>(size));
  }
  co_yield close_socket(ends[0]);
  const std::int64_t status = co_yield end_of(child.pidfd());
  co_yield close_socket(child.release());
  const std::size_t own = static_cast<std::size_t>(std::ranges::count(names, '\n')) - given_to_programs;
  if (status == 0) task.outcome = own;
}

constexpr Job counting{.name = "counts-descriptors",
                       .summary = "",
                       .parameters = {},
                       .task = counts_descriptors,
                       .check = [](const Batch&, std::span<const std::uint64_t> outcomes) {
                         return compare_outcomes(outcomes, [](std::uint32_t) { return std::uint64_t{4}; });
                       }};

class Programs : public testing::TestWithParam<const Model*> {};

INSTANTIATE_TEST_SUITE_P(Table, Programs, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& row) { return test_name(row.param->name); });

TEST_P(Programs, GetNoDescriptorOfTheModelOrOfEachOther) {
  given_to_programs = descriptors_for_programs();
  expect_to_end_well(GetParam(), counting, {.tasks = 30, .work = 0, .waits = {}}, RunKind::measure);
}

}  // namespace
}  // namespace bench
