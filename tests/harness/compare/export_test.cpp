// Why: other tools read these; their rules are written down here.
#include "harness/compare/export.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/result_document.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The row of medians that the program adds to a cell.
Json median_of(const std::string& name, const std::string& interval, double low, double high) {
  return {
      {"run_type", "aggregate"},
      {"run_name", name},
      {"aggregate_name", "median"},
      {"iterations", 12},
      {"real_time", 1e7},
      {"cpu_time", 11000.0},
      {"items_per_second", 50'000.0},
      {"bench", {{"model", "epoll"}, {"valid", true}, {interval, {{"low", low}, {"high", high}, {"bounded", true}}}}}};
}

ReadResult example_result() {
  ResultDocument document;
  document.job("io/epoll/tasks:4", {1e7, 1e7}).failed("io/threads/tasks:4", "killed by <signal> 9 & gone");
  document.closed_loop("echo/epoll/connections:4", {50'000, 50'000});
  Json& rows = document.document["benchmarks"];
  rows.push_back(median_of("io/epoll/tasks:4", "real_time_interval_ns", 0.98e7, 1.03e7));
  rows.push_back(median_of("echo/epoll/connections:4", "rate_interval_per_second", 49'000, 51'000));
  rows.back()["bench"]["limit"] = "server";
  document.document["context"]["bench"]["groups"][0]["verdict"] = "Best: epoll.";
  document.document["context"]["bench"]["groups"][0]["warnings"] = {"the machine was slow"};
  return parse_result(document.text(), "r.json", "r");
}

// customSmallerIsBetter takes an array of {name, unit, value} with range and extra where there are some; value is a
// number, everything else a text (https://github.com/benchmark-action/github-action-benchmark, "Custom benchmarks").
TEST(Export, ForGithubsActionIsWhatItTakes) {
  const Json rows = Json::parse(export_github_action(example_result()));
  ASSERT_EQ(rows.size(), 2U);  // what failed has no value
  for (const Json& row : rows) {
    EXPECT_TRUE(row["name"].is_string() && row["unit"].is_string() && row["value"].is_number());
    EXPECT_TRUE(row["range"].is_string() && row["extra"].is_string());
  }
  EXPECT_EQ(rows[0]["name"], "io/epoll/tasks:4 time");
  EXPECT_EQ(rows[0]["value"], 1e7);
  EXPECT_EQ(rows[0]["range"], "±3.0%");
  // Of a rate the time of a request, since smaller is to be better.
  EXPECT_EQ(rows[1]["value"], 20'000);
  EXPECT_EQ(rows[1]["unit"], "ns/request");
}

// Its googlecpp reads Google Benchmark's JSON: `benchmarks`, of each the name, real_time, time_unit, iterations,
// cpu_time and threads (src/extract.ts, extractGoogleCppResult).
TEST(Export, LeavesResultFilesToTheGooglecppExtractor) {
  ResultDocument document;
  document.job("io/epoll/tasks:4", {1e7});
  for (const Json& row : document.document["benchmarks"]) {
    EXPECT_TRUE(row["name"].is_string() && row["time_unit"].is_string());
    EXPECT_TRUE(row["real_time"].is_number() && row["cpu_time"].is_number());
  }
}

TEST(Export, MarkdownHasATableForEachGroupItsSentenceAndFoldedWarnings) {
  const std::string text = export_markdown(example_result());
  EXPECT_THAT(text, AllOf(HasSubstr("### io\n\n| model"), HasSubstr("| 10.0 ms"), HasSubstr("±3.0%"),
                          HasSubstr("failed: killed by"), HasSubstr("Best: epoll.\n"),
                          HasSubstr("<details>\n<summary>1 warning</summary>\n\n- the machine was slow\n\n</details>"),
                          HasSubstr("50,000/s")));
}

TEST(Export, CsvHasALineForEachCell) {
  const std::string text = export_csv(example_result());
  EXPECT_THAT(text, HasSubstr("io,io/epoll/tasks:4,epoll,time,10000000,9800000,10300000,1,12,\r\n"));
  EXPECT_THAT(text, HasSubstr("io,io/threads/tasks:4,threads,time,,,,,,failed: killed by <signal> 9 & gone\r\n"));
}

TEST(Export, JunitFailsWhatFailed) {
  const std::string text = export_junit(example_result());
  EXPECT_THAT(text, AllOf(testing::StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"),
                          HasSubstr("<testsuite name=\"io\" tests=\"2\" failures=\"1\">"),
                          HasSubstr("<failure message=\"failed: killed by &lt;signal&gt; 9 &amp; gone\"/>"),
                          HasSubstr("<testsuite name=\"echo\" tests=\"1\" failures=\"0\">"),
                          testing::EndsWith("</testsuites>\n")));
  EXPECT_THAT(text, Not(HasSubstr("<signal>")));
}

}  // namespace
}  // namespace bench
