#include "harness/report/paper_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "workloads/service.h"

namespace bench {
namespace {

using testing::HasSubstr;

constexpr Model epoll{.name = "epoll",
                      .summary = {},
                      .unit = UnitKind::thread,
                      .units = HowMany::one,
                      .in_flight = HowMany::tasks,
                      .run = nullptr};
constexpr Model threads_model{.name = "threads",
                              .summary = {},
                              .unit = UnitKind::thread,
                              .units = HowMany::tasks,
                              .in_flight = HowMany::tasks,
                              .run = nullptr};

Plan plan_of(std::uint32_t connections, double rate) {
  Plan plan;
  Group& group = plan.groups.emplace_back();
  group.service = &*all_services().begin();
  group.load.connections = connections;
  group.load.rate = rate;
  group.title = "echo";
  for (const Model* model : {&epoll, &threads_model}) {
    group.cells.push_back(plan.cells.size());
    Cell& cell = plan.cells.emplace_back();
    cell.model = model;
    cell.label = model->name;
  }
  return plan;
}

// 1,000 requests that took so much CPU each.
Sample sample_of(double server_ns, std::int64_t generator_ns) {
  Sample sample;
  sample.wall_ns = 100'000;
  sample.cpu_ns = server_ns;
  LoadCounts& load = sample.service.emplace().load;
  load.requests_completed = 1000;
  load.cpu_ns = 1000 * generator_ns;
  load.received_bytes = load.sent_bytes = 1000 * 100;
  return sample;
}

class PaperPlan : public testing::Test {
 protected:
  PaperPlan() {
    results.cells.resize(2);
    results.cells[0].samples = {sample_of(10'000, 4'000), sample_of(14'000, 6'000), sample_of(12'000, 5'000)};
    machine.cpus = 4;
    machine.memory_bytes = std::int64_t{8} << 30;
    machine.ports = 28'000;
  }

  std::string text(std::uint32_t hosts) const { return paper_plan_text(target, measured, results, machine, hosts); }

  Machine machine;
  Plan measured = plan_of(100, 10'000);
  Plan target = plan_of(1'000'000, 5'000'000);
  Results results;
};

TEST_F(PaperPlan, FiguresAreMediansOfRunsThatMayBeBelieved) {
  Sample invalid = sample_of(1, 1);
  invalid.service->judgement = {.valid = false, .why_invalid = "kept off"};
  results.cells[0].samples.push_back(invalid);
  results.cells[0].memory = {.user_bytes = 1000, .kernel_bytes = 3000};
  const CostFigures figures = cost_figures(measured, results, target, target.cells[0]);
  EXPECT_EQ(figures.runs, 3U);
  EXPECT_DOUBLE_EQ(figures.server_cpu_ns, 12'000);
  EXPECT_DOUBLE_EQ(figures.generator_cpu_ns, 5'000);
  EXPECT_DOUBLE_EQ(figures.bytes, 200);
  EXPECT_DOUBLE_EQ(figures.server_connection_bytes, 4'000);
}

// By hand: 4 CPUs at 70% make 0.7 × 4 / 5 µs = 560,000/s, of which 5,000,000/s take 8.93, so 9; 1,000,000 connections
// take 35.7 machines of 28,000 ports, so 36; the server's 5,000,000/s × 12 µs are 60 CPUs, 85.7 at 70%; 200 bytes are 8
// Gbit/s.
TEST_F(PaperPlan, SaysHowManyGeneratorsAndCpusATargetTakes) {
  const std::string plan = text(10);
  EXPECT_THAT(plan,
              HasSubstr("make 560,000/s when 70% busy: 9 for 5.00 M/s; 28,000 ports each: 36 for 1.00 M connections"));
  EXPECT_THAT(plan, HasSubstr("36 needed, 9 there: 27 too few"));
  EXPECT_THAT(
      plan,
      HasSubstr("epoll as the server: 12.0 µs of CPU a request, so 85.7 CPUs that are 70% busy; this machine has 4"));
  EXPECT_THAT(plan, HasSubstr("threads as the server: was not measured"));
  EXPECT_THAT(plan, HasSubstr("8.00 Gbit/s"));
  EXPECT_THAT(plan, HasSubstr("This assumes"));
  EXPECT_THAT(text(37), HasSubstr("36 needed, 36 there: enough"));
}

TEST_F(PaperPlan, OtherRequestsSayNothing) {
  measured.groups[0].load.pipeline = 8;
  EXPECT_THROW(text(10), std::runtime_error);
  measured = plan_of(100, 10'000);
  measured.services.client.requests_per_connection = 1;
  EXPECT_THROW(text(10), std::runtime_error);
}

TEST_F(PaperPlan, APoolWithOtherWorkersIsAnotherServer) {
  target.cells[0].shows_workers = measured.cells[0].shows_workers = true;
  measured.cells[0].workers = 2;
  target.cells[0].workers = 8;
  EXPECT_THAT(text(10), HasSubstr("epoll as the server: was not measured"));
  target.cells[0].workers = 2;
  EXPECT_THAT(text(10), HasSubstr("epoll as the server: 12.0 µs"));
}

}  // namespace
}  // namespace bench
