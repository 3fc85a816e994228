// Every model copies a tree; and a tree that does not fit fails the run and leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>

#include "tests/support/faulty_tables.h"
#include "tests/support/own_folder.h"
#include "tests/support/test_runs.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class CopiesATreeUnder : public testing::TestWithParam<const Model*> {
 protected:
  TestCell cell() const {
    const Job& job = job_named("copy");
    return {.model = GetParam(),
            .job = &job,
            .parameters = batch_told(job, {{"tasks", {"6"}}, {"work", {"80"}}, {"tree", {"25:3"}}})};
  }
};
INSTANTIATE_TEST_SUITE_P(Models, CopiesATreeUnder, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& instance) { return test_name(instance.param->name); });

TEST_P(CopiesATreeUnder, AsItWas) {
  const OwnTemporaryFolder own;
  TestRuns runs({cell()});
  EXPECT_EQ(runs.run(RunKind::measure).reason, "");
  EXPECT_GE(runs.report().job.batches, 1U);
  EXPECT_GT(runs.report().compute_ns, 0);
  EXPECT_TRUE(fs::is_empty(own.path()));
}

TEST_P(CopiesATreeUnder, ThatDoesNotFitAndSaysSo) {
  const OwnTemporaryFolder own;
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  const auto kept = signal(SIGXFSZ, SIG_IGN);
  const rlimit few{.rlim_cur = 100'000, .rlim_max = usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &few), 0);
  TestRuns runs({cell()});
  setrlimit(RLIMIT_FSIZE, &usual);
  signal(SIGXFSZ, kept);
  EXPECT_THAT(runs.run(RunKind::measure).reason,
              AllOf(HasSubstr("write " + own.path()), HasSubstr("File too large"), HasSubstr("$TMPDIR")));
  EXPECT_TRUE(fs::is_empty(own.path()));
}

}  // namespace
}  // namespace bench
