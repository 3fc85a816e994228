// Why: a program that reads CSV takes the first line's word for every line after it.
#include <gmock/gmock.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "harness/report/report.h"
#include "tests/support/service_example.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Key;
using testing::Not;
using testing::SizeIs;

using Row = std::map<std::string, std::string>;

// Fields without quotes, as all of these are; split at every comma, so that a line has one field more than commas.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char character : line) {
    if (character == ',') {
      fields.emplace_back();
    } else if (character != '\r') {
      fields.back() += character;
    }
  }
  return fields;
}

std::vector<Row> rows_of(const ServiceExample& example) {
  std::istringstream text(report_csv(example.plan, example.results));
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(fields_of(line));
  EXPECT_THAT(lines, Each(SizeIs(lines.front().size())));
  std::vector<Row> rows;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    Row& row = rows.emplace_back();
    for (std::size_t column = 0; column < lines[i].size(); ++column) row[lines[0][column]] = lines[i][column];
  }
  return rows;
}

// Puts a job with one sample into the plan.
void add_job(ServiceExample& example) {
  Group& group = example.plan.groups.emplace_back();
  group.job = &job_named("io");
  tell(group, {{"tasks", {"7"}}});
  group.cpus = 2;
  group.cells.push_back(example.plan.cells.size());
  Cell& cell = example.plan.cells.emplace_back();
  cell.group = 1;
  cell.model = &model_named("serial");
  cell.name = "io/serial/tasks:7/wait:10ms";
  Sample sample;
  sample.batches = 1;
  sample.wall_ns = 70e6;
  example.results.cells.emplace_back().samples.push_back(sample);
}

TEST(Csv, HasARowOfFiguresForEveryCellOfAService) {
  ServiceExample example({"serial", "threads", "epoll"}, RateMode::fixed, 2000);
  example.add_six(0, 2000, 3500, Limit::rate);
  example.results.cells[0].memory = UnitMemory{.user_bytes = 100, .kernel_bytes = 2000};
  example.results.cells[1].failure = "it died";
  const std::vector<Row> rows = rows_of(example);
  ASSERT_THAT(rows, SizeIs(3));
  Row row = rows[0];
  EXPECT_EQ(row["name"], "echo/serial/connections:4/message:64/rate:2000");
  EXPECT_EQ(row["workload"], "echo");
  EXPECT_EQ(row["connections"], "4");
  EXPECT_EQ(row["message_bytes"], "64");
  EXPECT_EQ(row["offered_rate_per_second"], "2000");
  EXPECT_EQ(row["samples"], "6");
  EXPECT_EQ(row["rate_per_second"], "2000");
  EXPECT_EQ(row["wall_ns"], "1000000");
  EXPECT_EQ(row["cpu_ns"], "3500");
  EXPECT_EQ(row["over_ideal"], "3.5");
  EXPECT_EQ(row["server_cpu_percent"], "50");
  EXPECT_EQ(row["kernel_bytes_per_connection"], "2000");
  EXPECT_EQ(row["connections_served"], "4");
  EXPECT_EQ(row["limit"], "rate");
  EXPECT_EQ(row["invalid_samples"], "0");
  EXPECT_EQ(row["error"], "");
  EXPECT_THAT(row, AllOf(Not(Contains(Key("tasks"))), Not(Contains(Key("speedup_over_serial")))));
  EXPECT_EQ(rows[1].at("error"), "it died");
  EXPECT_EQ(rows[1].at("rate_per_second"), "");
  EXPECT_EQ(rows[2].at("limit"), "");
}

// What was swept is in a column of its own, and a figure can be read back as it was.
TEST(Csv, HasAllThatCellsWereToldAndAllDigits) {
  ServiceExample example({"thread-pool", "fibers"}, RateMode::fixed, 2000);
  example.plan.cells[0].workers = 3;
  example.plan.cells[0].shows_workers = true;
  example.plan.cells[1].stack_bytes = 131'072;
  example.add_six(0, 2000, 3500.125, Limit::rate);
  add_job(example);
  tell(example.plan.groups[1], {{"tasks", {"7"}}, {"wait", {"10ms:20ms"}}});
  const std::vector<Row> rows = rows_of(example);
  EXPECT_EQ(rows[0].at("workers"), "3");
  EXPECT_EQ(rows[0].at("stack_bytes"), "");
  EXPECT_EQ(rows[0].at("cpu_ns"), "3500.125");
  EXPECT_EQ(rows[1].at("workers"), "");
  EXPECT_EQ(rows[1].at("stack_bytes"), "131072");
  EXPECT_EQ(rows[2].at("waits_ns"), "10000000:20000000");
}

TEST(Csv, LeavesEmptyWhatAForeignServerCosts) {
  ServiceExample example({"epoll"});
  std::optional<ForeignServer>& foreign = example.plan.groups[0].foreign;
  foreign.emplace();
  example.add_six(0, 2000, 3500, Limit::latency);
  const auto figures = [&] {
    Row row = rows_of(example)[0];
    return std::vector{row["cpu_ns"], row["server_cpu_percent"], row["voluntary_switches"]};
  };
  EXPECT_THAT(figures(), ElementsAre("", "", ""));
  foreign->pid = 42;
  EXPECT_THAT(figures(), ElementsAre("3500", "50", "0"));
  ServiceSample& service = *example.results.cells[0].samples[2].service;
  service.server_switches_unknown = true;
  EXPECT_THAT(figures(), ElementsAre("3500", "50", ""));
  service.server_cpu_unknown = "process 42 ended in the window";
  EXPECT_THAT(figures(), ElementsAre("", "", ""));
}

TEST(Csv, HasTheKneeOfASearchItsIntervalAndTheRateAboveIt) {
  ServiceExample example({"serial", "epoll"}, RateMode::search, 2000);
  for (const double rate : {1900, 2000, 2000, 2000, 2000, 2100}) {
    example.add(0, rate, 3500, Limit::rate).service->knee = Knee{.rate = rate, .above_rate = 2200};
  }
  Row row = rows_of(example)[0];
  EXPECT_EQ(row["knee_rate_per_second"], "2000");
  EXPECT_EQ(row["knee_low_per_second"], "1900");
  EXPECT_EQ(row["knee_high_per_second"], "2100");
  EXPECT_EQ(row["above_knee_per_second"], "2200");
  EXPECT_EQ(rows_of(example)[1]["above_knee_per_second"], "");
}

TEST(Csv, HasOneHeaderOverJobsAndServices) {
  ServiceExample example({"epoll"});
  example.add_six(0, 10'000, 3500, Limit::server);
  add_job(example);
  const std::vector<Row> rows = rows_of(example);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].at("connections"), "4");
  EXPECT_EQ(rows[0].at("tasks"), "");
  EXPECT_EQ(rows[0].at("peak_memory_bytes"), "");
  EXPECT_EQ(rows[0].at("offered_rate_per_second"), "");  // the closed loop has none
  EXPECT_EQ(rows[1].at("connections"), "");
  EXPECT_EQ(rows[1].at("limit"), "");
  EXPECT_EQ(rows[1].at("tasks"), "7");
  EXPECT_EQ(rows[1].at("waits_ns"), "10000000");
  EXPECT_EQ(rows[1].at("workers"), "");  // serial has none
  EXPECT_EQ(rows[1].at("wall_ns"), "70000000");
}

}  // namespace
}  // namespace bench
