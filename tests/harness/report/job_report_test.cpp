// Why: a table that gives a figure where there is none is believed.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "harness/report/report.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/told.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The table of a job with one sample.
std::string table_of(std::string_view job, const GivenParameters& told, double switches = 0,
                     const std::vector<double>& tallies = {}, const std::string& remark = {}, double wall_ns = 70e6) {
  Plan plan;
  Results results;
  Group& group = plan.groups.emplace_back();
  group.job = &job_named(job);
  tell(group, told);
  group.cpus = 2;
  group.title = "example";
  group.cells = {0};
  Cell& cell = plan.cells.emplace_back();
  cell.model = &model_named("serial");
  cell.label = "serial";
  Sample sample;
  sample.batches = 1;
  sample.wall_ns = wall_ns;
  sample.voluntary_switches = switches;
  sample.tallies = tallies;
  sample.remark = remark;
  results.cells.emplace_back().samples.push_back(sample);
  return report_text(plan, results, {});
}

TEST(JobReport, TellsTheIdeal) {
  EXPECT_THAT(table_of("io", {{"wait", {"5ms"}}}), HasSubstr("example · ideal 5.00 ms"));
}

TEST(JobReport, SaysThatThereIsNone) {
  EXPECT_THAT(table_of("quick", {}), AllOf(HasSubstr("example · no ideal"), Not(HasSubstr("ideal 0"))));
}

// 7,000 items in 70 ms, and 21 switches.
TEST(JobReport, TellsTheRateOfItemsAndTheSwitchesForEach) {
  EXPECT_THAT(table_of("producer-consumer", {{"items", {"7000"}}}, 21),
              HasSubstr("7,000 items a batch, at the median time:\n  serial     100,000/s  0.0030 switches each\n"));
  EXPECT_THAT(table_of("io", {}, 21), Not(HasSubstr("items a batch")));
}

TEST(JobReport, TellsNoRateOfBatchesTooShortToBeBelieved) {
  EXPECT_THAT(table_of("producer-consumer", {{"items", {"1"}}}, 0, {}, {}, 500),
              AllOf(HasSubstr("too short to be told"), Not(HasSubstr("at the median time"))));
}

TEST(JobReport, TellsWhatWasCounted) {
  EXPECT_THAT(table_of("tickets", {}, 0, {10, 9}),
              HasSubstr("Counted in a batch, median of the runs:\n  serial  10 sold, 9 oversold\n"));
  EXPECT_THAT(table_of("deadlock", {}, 0, {1, 0}, "task 0 waits"),
              HasSubstr("  serial  1 deadlocks, 0 retries\n          task 0 waits\n"));
}

TEST(JobReport, CountsNothingInAResultThatDoesNot) {
  EXPECT_THAT(table_of("tickets", {}), AllOf(HasSubstr("serial"), Not(HasSubstr("Counted"))));
}

}  // namespace
}  // namespace bench
