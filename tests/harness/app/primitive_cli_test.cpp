// Why: a primitive is asked for, printed and written like any other workload; this is the whole way, from the command
// line to the table and the file.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(PrimitiveCli, PrintsATableAndWritesRows) {
  const TempFolder folder;
  const Finished finished =
      run_program({BENCH_BINARY, "--workload=spawn", "--model=coroutines,threads", "--repetitions=2", "--out=r.json"},
                  {.folder = folder.path()});
  EXPECT_EQ(finished.exit_status, 0) << finished.err;
  EXPECT_THAT(finished.out,
              AllOf(HasSubstr("spawn · one unit from creation to join · 2 rounds"), HasSubstr("\ncoroutines "),
                    HasSubstr("\nthreads "), HasSubstr("time: one operation")));
  EXPECT_THAT(finished.out, Not(HasSubstr("speed-up")));
  const Json document = Json::parse(read_text(folder.file("r.json")));
  std::vector<std::string> medians;
  for (const Json& row : document["benchmarks"]) {
    EXPECT_GT(row["real_time"], 0.0);
    EXPECT_GT(row["iterations"], 0);
    if (row["run_type"] == "aggregate") medians.push_back(row["name"]);
  }
  EXPECT_EQ(medians.front(), "spawn/coroutines/via:call/cpus:1_median");
  EXPECT_EQ(document["benchmarks"].size(), medians.size() * 3);
}

TEST(PrimitiveCli, NamesAModelThatIsNotMeasuredBesideOthersThatAre) {
  const TempFolder folder;
  const Finished finished = run_program({BENCH_BINARY, "--workload=io,spawn", "--model=serial", "--tasks=2",
                                         "--wait=1ms", "--repetitions=1", "--out=r.json", "--no-progress"},
                                        {.folder = folder.path()});
  EXPECT_EQ(finished.exit_status, 0);
  EXPECT_THAT(finished.out, HasSubstr("skipped: spawn measures kinds of units, by the models that bring one: "));
  EXPECT_THAT(finished.err, IsEmpty());
  const Json document = Json::parse(read_text(folder.file("r.json")));
  EXPECT_EQ(document["context"]["bench"]["skipped"][0]["name"], "spawn/serial");
}

TEST(PrimitiveCli, ADryRunLeavesOutWhoBringsNoKindOfUnit) {
  const Finished finished = run_program({BENCH_BINARY, "--workload=idle", "--tasks=5", "--dry-run", "--seed=1"});
  EXPECT_EQ(finished.exit_status, 0);
  EXPECT_THAT(finished.out,
              AllOf(HasSubstr(" · 5 units\n"), HasSubstr("  idle/threads/via:futex/tasks:5/cpus:1  about "),
                    Not(HasSubstr("idle/epoll")), Not(HasSubstr("skipped"))));
}

}  // namespace
}  // namespace bench
