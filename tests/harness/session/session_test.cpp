// Why: what is run, how often, and what a failure costs the rest is decided here; so sessions are held against runs
// that are made up, and take no time.
#include "harness/session/session.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

Machine roomy_machine() {
  Machine machine;
  machine.available_memory_bytes = std::int64_t{1} << 36;
  machine.descriptor_limit = 1'000'000;
  return machine;
}

Plan plan_of(const std::vector<const char*>& arguments) {
  std::vector<const char*> whole{"bench", "--seed=7"};
  whole.insert(whole.end(), arguments.begin(), arguments.end());
  const Tables tables{
      .models = all_models(), .jobs = all_jobs(), .services = all_services(), .primitives = all_primitives()};
  return make_plan(parse_options(tables, static_cast<int>(whole.size()), whole.data()), roomy_machine());
}

Plan two_jobs() { return plan_of({"--model=serial,threads", "--workload=io", "--tasks=4"}); }

// In the place of a launcher: runs that end at once and leave what their script says.
class ScriptedRuns {
 public:
  using Script = std::function<void(const RunRequest& request, RunReport& report, RunOutcome& outcome)>;

  ScriptedRuns(const Plan& plan, Script script) : plan_(plan), script_(std::move(script)) {}

  Results session() {
    Progress quiet(false);
    const Runs runs{
        .run = [&](const RunRequest& request, const std::function<Wish()>& wish) { return run(request, wish); },
        .report = report_.get()};
    return run_session(
        plan_, runs, quiet, [&] { return interrupts; }, [&](const Results&) { ++saved; });
  }

  std::vector<RunRequest> of(RunKind kind) const {
    std::vector<RunRequest> found;
    std::ranges::copy_if(requests, std::back_inserter(found), [&](const RunRequest& one) { return one.kind == kind; });
    return found;
  }

  // How many times a cell was measured.
  std::ptrdiff_t runs_of(std::uint32_t cell) const {
    return std::ranges::count_if(
        requests, [&](const RunRequest& request) { return request.kind == RunKind::measure && request.cell == cell; });
  }

  std::vector<RunRequest> requests;
  int interrupts = 0;
  int saved = 0;

 private:
  RunOutcome run(const RunRequest& request, const std::function<Wish()>& wish) {
    requests.push_back(request);
    report_->clear();
    RunOutcome outcome;
    report_->finished = 1;
    script_(request, *report_, outcome);
    outcome.cancelled = wish() == Wish::nothing;
    return outcome;
  }

  const Plan& plan_;
  Script script_;
  std::unique_ptr<RunReport> report_ = std::make_unique<RunReport>();
};

// A run of one batch.
void batch_of_us(RunReport& report, std::int64_t wall_us) {
  report.job.batches = 1;
  report.job.wall_ns = 1000 * wall_us;
  report.units_peak = 3;
}

void steady(const RunRequest& /*request*/, RunReport& report, RunOutcome& /*outcome*/) { batch_of_us(report, 1000); }

// Batches of 1,000 µs and 2,000 µs in turns.
ScriptedRuns::Script unsteady() {
  return [count = 0](const RunRequest&, RunReport& report, RunOutcome&) mutable {
    batch_of_us(report, ++count % 2 == 0 ? 1000 : 2000);
  };
}

std::vector<std::size_t> samples_of(const Results& results) {
  std::vector<std::size_t> counts;
  for (const CellResult& cell : results.cells) counts.push_back(cell.samples.size());
  return counts;
}

// ---- Rounds ----

TEST(Session, EndsWithTheFewestRoundsWhereEveryIntervalIsNarrow) {
  const Plan plan = two_jobs();
  ScriptedRuns runs(plan, steady);
  EXPECT_THAT(samples_of(runs.session()), ElementsAre(8, 8));
}

TEST(Session, GoesOnToTheMostRoundsWhereOneIntervalIsWide) {
  const Plan plan = two_jobs();
  ScriptedRuns runs(plan, [count = 0](const RunRequest& request, RunReport& report, RunOutcome&) mutable {
    batch_of_us(report, request.cell == 0 || ++count % 2 == 0 ? 1000 : 2000);
  });
  // A cell that is narrow enough stays in the rounds, which the ratios are taken within.
  EXPECT_THAT(samples_of(runs.session()), ElementsAre(200, 200));
}

TEST(Session, BeginsNoFurtherRoundWhenThePlansTimeIsUp) {
  Plan plan = two_jobs();
  plan.max_time_ns = 0;
  ScriptedRuns runs(plan, unsteady());
  EXPECT_THAT(samples_of(runs.session()), ElementsAre(8, 8));
}

TEST(Session, RunsAsManyRoundsAsAreAskedFor) {
  const Plan plan = plan_of({"--model=serial", "--workload=io", "--repetitions=3"});
  ScriptedRuns runs(plan, unsteady());
  const Results results = runs.session();
  ASSERT_THAT(samples_of(results), ElementsAre(3));
  for (std::uint32_t round = 0; round < 3; ++round) EXPECT_EQ(results.cells[0].samples[round].round, round);
  EXPECT_FALSE(results.interrupted);
}

// A batch of a microsecond is too short to be believed.
TEST(Session, RunsAFewMoreRoundsWhereSomeRunsMayNotBeBelieved) {
  const auto first_is_short = [count = 0](const RunRequest&, RunReport& report, RunOutcome&) mutable {
    batch_of_us(report, ++count == 1 ? 1 : 1000);
  };
  Plan plan = plan_of({"--model=serial", "--workload=io"});
  EXPECT_THAT(samples_of(ScriptedRuns(plan, first_is_short).session()), ElementsAre(9));  // eight are valid
  plan.max_time_ns = 0;
  EXPECT_THAT(samples_of(ScriptedRuns(plan, first_is_short).session()), ElementsAre(8));  // for want of time
  const Plan counted = plan_of({"--model=serial", "--workload=io", "--repetitions=3"});
  EXPECT_THAT(samples_of(ScriptedRuns(counted, first_is_short).session()), ElementsAre(3));
}

TEST(Session, RunsEachCellOnceInARound) {
  const Plan plan = plan_of({"--model=serial,threads,epoll", "--workload=io", "--repetitions=2"});
  ScriptedRuns runs(plan, [](const RunRequest&, RunReport& report, RunOutcome&) {
    batch_of_us(report, 1000);
    report.surroundings.before.spin_ns = 4000;
  });
  const Results results = runs.session();
  std::vector<std::uint32_t> first;
  for (std::size_t i = 0; i < 3; ++i) first.push_back(runs.of(RunKind::measure)[i].cell);
  EXPECT_THAT(first, testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_EQ(results.cells[2].samples[1].round, 1U);
  EXPECT_EQ(results.cells[2].samples[1].surroundings.before.spin_ns, 4000);
}

TEST(Session, RunsTheCellsOfAGroupNextToEachOther) {
  const Plan plan = plan_of({"--model=serial,threads", "--workload=cpu,io", "--tasks=1,2", "--repetitions=2"});
  ScriptedRuns runs(plan, steady);
  runs.session();
  std::vector<std::size_t> groups;
  for (const RunRequest& request : runs.of(RunKind::measure)) groups.push_back(plan.cells[request.cell].group);
  EXPECT_THAT(groups, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3));
}

TEST(Session, SpendsTheTimeThatIsLeftWhereIntervalsAreWidest) {
  const Plan plan = plan_of({"--model=serial", "--workload=io", "--tasks=1,2,3"});
  // The second group swings widely, the third a little, and the first not at all.
  ScriptedRuns runs(plan, [count = 0](const RunRequest& request, RunReport& report, RunOutcome&) mutable {
    batch_of_us(report, 1000 + ((++count / 3) % 2) * (request.cell == 1 ? 1000 : request.cell == 2 ? 100 : 0));
  });
  EXPECT_THAT(samples_of(runs.session()), ElementsAre(8, 200, 200));
  std::vector<std::uint32_t> later;
  for (const RunRequest& request : runs.of(RunKind::measure)) later.push_back(request.cell);
  EXPECT_EQ(later[24], 1U);  // after eight rounds of each
}

TEST(Session, LeavesOutWhatIsSkipped) {
  Plan plan = two_jobs();
  plan.cells[0].skipped = "no room";
  ScriptedRuns runs(plan, steady);
  EXPECT_THAT(samples_of(runs.session()), ElementsAre(0, 8));
}

TEST(Session, SavesWhatThereIsBeforeItEnds) {
  const Plan plan = two_jobs();
  ScriptedRuns runs(plan, steady);
  runs.session();
  EXPECT_GE(runs.saved, 1);
}

// ---- Failures ----

TEST(Session, DropsACellThatFailsAndGoesOnWithTheOthers) {
  const Plan plan = two_jobs();
  std::map<std::uint32_t, int> runs_of_cell;
  ScriptedRuns runs(plan, [&](const RunRequest& request, RunReport& report, RunOutcome&) {
    batch_of_us(report, 1000);
    if (request.kind == RunKind::measure && request.cell == 1 && ++runs_of_cell[1] == 3) {
      report.failure.set("wrong outcome");
    }
  });
  const Results results = runs.session();
  EXPECT_THAT(samples_of(results), ElementsAre(8, 2));
  EXPECT_EQ(runs.runs_of(1), 3);
  EXPECT_EQ(results.cells[1].failure, "wrong outcome");
  EXPECT_FALSE(results.cells[0].failure);
}

TEST(Session, SaysHowARunHasFailed) {
  const std::vector<std::pair<ScriptedRuns::Script, std::string>> failures{
      {[](const RunRequest&, RunReport&, RunOutcome& outcome) { outcome.timed_out = true; }, "did not end within"},
      {[](const RunRequest&, RunReport&, RunOutcome& outcome) { outcome.status = SIGKILL; }, "killed by signal 9"},
      {[](const RunRequest&, RunReport& report, RunOutcome&) { report.finished = 0; }, "ended before its run"},
      {[](const RunRequest&, RunReport&, RunOutcome& outcome) { outcome.left_behind = 2; }, "left 2 processes behind"},
  };
  const Plan plan = two_jobs();
  for (const auto& [script, reason] : failures) {
    ScriptedRuns runs(plan, script);
    const Results results = runs.session();
    for (const CellResult& cell : results.cells) EXPECT_THAT(cell.failure.value_or(""), HasSubstr(reason));
    EXPECT_THAT(runs.of(RunKind::measure), SizeIs(2));  // with nothing left there is no second round
  }
}

// ---- Memory ----

TEST(Session, MeasuresTheMemoryOfAJobOnceAfterTheFirstRound) {
  const Plan plan = two_jobs();
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome& outcome) {
    batch_of_us(report, 1000);
    if (request.kind == RunKind::memory) outcome.peak_memory_bytes = 4096 * (request.cell + 1);
  });
  const Results results = runs.session();
  ASSERT_THAT(runs.of(RunKind::memory), SizeIs(2));
  EXPECT_EQ(runs.of(RunKind::memory)[0].units_hint, 3);
  EXPECT_EQ(results.cells[0].peak_memory_bytes, 4096);
  EXPECT_EQ(results.cells[1].peak_memory_bytes, 8192);
  EXPECT_EQ(runs.requests[2].kind, RunKind::memory);  // behind the two cells
}

TEST(Session, DropsACellWhoseMemoryRunFails) {
  const Plan plan = two_jobs();
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    batch_of_us(report, 1000);
    if (request.kind == RunKind::memory && request.cell == 0) report.failure.set("no room");
  });
  const Results results = runs.session();
  EXPECT_EQ(results.cells[0].failure, "in its memory run: no room");
  EXPECT_THAT(samples_of(results), ElementsAre(1, 8));
}

TEST(Session, MeasuresPrimitivesWithoutAMemoryRun) {
  const Plan plan = plan_of({"--model=threads", "--workload=spawn", "--repetitions=2"});
  ScriptedRuns runs(plan, [](const RunRequest&, RunReport& report, RunOutcome&) {
    report.primitive.operations = 10;
    report.primitive.wall_ns = 500;
  });
  const Results results = runs.session();
  EXPECT_THAT(runs.of(RunKind::memory), IsEmpty());
  ASSERT_THAT(results.cells.front().samples, SizeIs(2));
  EXPECT_EQ(results.cells.front().samples.front().wall_ns, 50);
}

// ---- Services ----

// A window of a second, or longer where that is asked for, of a server that answers at most `capacity` requests/s: in a
// millisecond up to `knee`, above it in a tenth of a second.
void serve(const RunRequest& request, RunReport& report, std::uint64_t capacity, double knee = 1e9) {
  ServiceMeasurement& measured = report.service;
  const std::int64_t window_ns = std::max<std::int64_t>(request.duration_ns, 1'000'000'000);
  const auto bearable = static_cast<double>(capacity);
  const double rate = request.rate == 0 ? bearable : std::min(request.rate, bearable);
  const auto answered = static_cast<std::uint64_t>(std::llround(rate * static_cast<double>(window_ns) / 1e9));
  measured.load.workers = 1;
  measured.load.wall_ns = measured.to_stop_ns = window_ns;
  measured.generator_cpus = 1;
  measured.load.replies_by_slice.fill(answered / window_slices);
  measured.load.idle_ns = window_ns / 2;
  measured.load.requests_completed = answered;
  report.server.accepted = measured.load.connections_begun = 4;
  measured.load.active_asked = measured.load.active_established = measured.load.active_served = 4;
  measured.load.connections_asked = measured.load.connections_established = 4;
  measured.littles_law_ratio = 1;
  measured.bare_request_ns = 1000;
  measured.usage.cpu_ns = measured.usage_to_stop.cpu_ns = window_ns / 2;
  measured.latency.record(request.rate > knee ? 100'000'000 : 1'000'000, answered);
  report.units_peak = 1;
}

std::vector<double> rates_of(const std::vector<RunRequest>& requests) {
  std::vector<double> rates;
  for (const RunRequest& request : requests) rates.push_back(request.rate);
  return rates;
}

TEST(ServiceSession, RunsTheClosedLoopAndFixedRates) {
  const Plan closed = plan_of({"--model=epoll", "--workload=echo", "--repetitions=1"});
  const auto answers = [](const RunRequest& request, RunReport& report, RunOutcome&) { serve(request, report, 5000); };
  ScriptedRuns runs(closed, answers);
  const Results results = runs.session();
  EXPECT_THAT(rates_of(runs.of(RunKind::measure)), ElementsAre(0));
  EXPECT_EQ(results.cells[0].samples.front().service->rate, 5000);
  const Plan fixed = plan_of({"--model=epoll", "--workload=echo", "--rate=500,700", "--repetitions=1"});
  ScriptedRuns more(fixed, answers);
  more.session();
  EXPECT_THAT(rates_of(more.of(RunKind::measure)), testing::UnorderedElementsAre(500, 700));
}

TEST(ServiceSession, OffersARateThatEveryModelCanBear) {
  const Plan plan = plan_of({"--model=epoll,threads", "--workload=echo", "--rate=common", "--repetitions=2"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, request.cell == 0 ? 90'000 : 44'444);
  });
  const Results results = runs.session();
  EXPECT_THAT(results.common_rates, ElementsAre(26'000));  // 0.6 of the slower one, to two digits
  // A short probe of each in the closed loop, then two rounds.
  EXPECT_THAT(rates_of(runs.of(RunKind::measure)), ElementsAre(0, 0, 26'000, 26'000, 26'000, 26'000));
  EXPECT_EQ(runs.of(RunKind::measure)[0].duration_ns, 105'000'000);  // 100 connections in the closed loop
  EXPECT_EQ(runs.of(RunKind::measure)[2].duration_ns, 100'000'000);
  EXPECT_THAT(samples_of(results), ElementsAre(2, 2));  // a probe is no sample
}

TEST(ServiceSession, CountsAModelThatStarvesConnectionsOnlyIfEveryModelDoes) {
  const Plan plan = plan_of({"--model=serial,epoll", "--workload=echo", "--rate=common", "--repetitions=1"});
  const auto starved = [](RunReport& report) {
    report.service.load.active_served = 1;
    report.service.load.requests_unfinished = 3;
  };
  ScriptedRuns one(plan, [&](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, request.cell == 0 ? 100 : 10'000);
    if (request.cell == 0) starved(report);
  });
  EXPECT_THAT(one.session().common_rates, ElementsAre(6000));
  ScriptedRuns both(plan, [&](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, request.cell == 0 ? 100 : 10'000);
    starved(report);
  });
  EXPECT_THAT(both.session().common_rates, ElementsAre(60));
}

TEST(ServiceSession, OffersTheSameRateAlongASweepOfConnections) {
  const Plan plan = plan_of(
      {"--model=epoll,threads", "--workload=echo", "--connections=1,10,50,100", "--rate=common", "--repetitions=1"});
  ScriptedRuns runs(plan, [&](const RunRequest& request, RunReport& report, RunOutcome&) {
    const bool slowest = plan.group_of(plan.cells[request.cell]).load.connections == 100 && request.cell % 2 == 1;
    serve(request, report, request.cell < 2 ? 5'000 : slowest ? 10'000 : 90'000);
  });
  const Results results = runs.session();
  EXPECT_THAT(results.common_rates, ElementsAre(3000, 6000, 6000, 6000));  // one connection is another matter
  EXPECT_THAT(runs.of(RunKind::measure), SizeIs(2 + 4 + 8));  // probes: of one, of the fewest and the most; one round
}

TEST(ServiceSession, RunsACellThatStarvesConnectionsTwiceAndNoMore) {
  const Plan plan = plan_of({"--model=serial,epoll", "--workload=echo", "--rate=500", "--repetitions=8"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, 500);
    if (request.cell != 0) return;
    report.service.load.active_served = 1;
    report.service.load.requests_unfinished = 3;
  });
  EXPECT_THAT(samples_of(runs.session()), ElementsAre(2, 8));
  ScriptedRuns refused(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, 500);
    if (request.cell != 0) return;
    report.service.load.active_served = 1;
    report.service.load.connections_broken = 100;
  });
  EXPECT_THAT(samples_of(refused.session()), ElementsAre(2, 8));
}

TEST(ServiceSession, FindsNoCommonRateBelowOneRequestASecond) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=common", "--repetitions=1"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) { serve(request, report, 0); });
  EXPECT_THAT(runs.session().common_rates, ElementsAre(1));
}

TEST(ServiceSession, DropsACellWhoseProbeFailsAndAsksTheOthers) {
  const Plan plan = plan_of({"--model=serial,epoll", "--workload=echo", "--rate=common", "--repetitions=1"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, request.cell == 0 ? 100 : 10'000);
    if (request.cell == 0) report.failure.set("it died");
  });
  const Results results = runs.session();
  EXPECT_THAT(results.common_rates, ElementsAre(6000));
  EXPECT_EQ(results.cells[0].failure, "it died");
  EXPECT_THAT(samples_of(results), ElementsAre(0, 1));
}

// A server that uses a third of its CPU, beside a load that would leave it no more of it.
TEST(ServiceSession, AServerOnAnotherMachineSharesNoCpuWithTheLoad) {
  const Plan plan = plan_of(
      {"--model=epoll", "--workload=echo", "--rate=1000", "--server-cpus=0", "--client-cpus=0", "--repetitions=1"});
  for (const std::uint32_t generators : {0U, 2U}) {
    ScriptedRuns runs(plan, [&](const RunRequest& request, RunReport& report, RunOutcome&) {
      serve(request, report, 500);
      report.service.load.backlog_at_end = 500;  // it does not keep up
      ServiceMeasurement& measured = report.service;
      measured.server_cpus = 1;
      measured.to_stop_ns = measured.load.wall_ns;
      measured.usage_to_stop.cpu_ns = measured.load.wall_ns * 29 / 100;
      measured.load.cpu_ns = measured.load.wall_ns * 7 / 10;
      report.generator_count = generators;
    });
    const Results results = runs.session();
    ASSERT_THAT(samples_of(results), ElementsAre(1));
    const Limit limit = results.cells[0].samples.front().service->judgement.limit;
    EXPECT_EQ(limit == Limit::server, generators == 0) << limit_name(limit);
  }
}

TEST(ServiceSession, SearchesTheHighestRateThatKeepsThePromise) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=search", "--slo=p99<10ms", "--repetitions=1"});
  ScriptedRuns runs(
      plan, [](const RunRequest& request, RunReport& report, RunOutcome&) { serve(request, report, 50'000, 20'000); });
  const Results results = runs.session();
  ASSERT_THAT(samples_of(results), ElementsAre(1));  // of the whole search
  const ServiceSample& found = *results.cells[0].samples.front().service;
  ASSERT_TRUE(found.knee);
  EXPECT_THAT(found.knee->rate, AllOf(Le(20'000), Ge(20'000 / 1.06)));
  EXPECT_GT(found.knee->above_rate, 20'000);
  EXPECT_EQ(found.offered_rate, found.knee->rate);
  EXPECT_EQ(runs.of(RunKind::measure).front().rate, 0);  // the probe
  EXPECT_EQ(runs.of(RunKind::measure).size(), found.knee->tries + 1);
}

TEST(ServiceSession, LengthensTriesUntilThePercentileHasItsRequests) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=search", "--repetitions=1"});
  ScriptedRuns runs(
      plan, [](const RunRequest& request, RunReport& report, RunOutcome&) { serve(request, report, 300, 200); });
  const Results results = runs.session();
  const ServiceSample& found = *results.cells[0].samples.front().service;
  EXPECT_THAT(found.knee->rate, AllOf(Le(200), Ge(200 / 1.06)));
  EXPECT_GE(found.knee->requests, 1000U);
  EXPECT_TRUE(found.judgement.valid);
  for (const RunRequest& request : runs.of(RunKind::measure)) {
    if (request.rate == 0) continue;
    EXPECT_NEAR(static_cast<double>(request.duration_ns) / 1e9 * request.rate, 1100, 1);
  }
}

TEST(ServiceSession, IsInvalidWhereTheKneeIsNotTheServers) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=search", "--repetitions=1"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, 50'000);
    if (request.rate > 20'000) report.service.send_lag.record(500'000'000, 10'000);
  });
  const Results results = runs.session();
  const ServiceSample& found = *results.cells[0].samples.front().service;
  EXPECT_THAT(found.knee->rate, AllOf(Le(20'000), Ge(20'000 / 1.06)));
  EXPECT_EQ(found.offered_rate, found.knee->rate);
  EXPECT_FALSE(found.judgement.valid);
  EXPECT_THAT(
      found.judgement.why_invalid,
      HasSubstr("no knee found: the load generator was the limit: it sent requests too late in 3 of 3 tries at "));
}

TEST(ServiceSession, KeepsTheLowestRateWhereNoneKeepsThePromise) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=search", "--repetitions=1"});
  ScriptedRuns runs(
      plan, [](const RunRequest& request, RunReport& report, RunOutcome&) { serve(request, report, 50'000, 1e-3); });
  const Results results = runs.session();
  const ServiceSample& found = *results.cells[0].samples.front().service;
  EXPECT_EQ(found.knee->rate, 0);
  EXPECT_TRUE(found.judgement.valid);  // it is the server's doing
  EXPECT_EQ(found.offered_rate, std::ranges::min(rates_of(runs.of(RunKind::measure)), {},
                                                 [](double rate) { return rate > 0 ? rate : 1e18; }));
}

TEST(ServiceSession, KeepsWhatASearchThatFailedHasFound) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=search", "--repetitions=3"});
  ScriptedRuns runs(plan, [count = 0](const RunRequest& request, RunReport& report, RunOutcome&) mutable {
    serve(request, report, 50'000, 20'000);
    if (++count == 4) report.failure.set("it died");
  });
  const Results results = runs.session();
  EXPECT_THAT(runs.of(RunKind::measure), SizeIs(4));
  EXPECT_EQ(results.cells[0].failure, "it died");
  ASSERT_THAT(samples_of(results), ElementsAre(1));
  EXPECT_EQ(results.cells[0].samples.front().service->judgement.why_invalid, "no knee found: the search was cut short");
}

TEST(ServiceSession, MeasuresMemoryAsASlopeWhereThatIsAskedFor) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--connections=10,20", "--memory", "--repetitions=1"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, 5000);
    report.service.open_at_barrier = static_cast<std::int32_t>(request.connections);
    report.service.user_bytes = 7000 + 100 * std::int64_t{request.connections};
    report.service.kernel_bytes = 2000 * std::int64_t{request.connections};
  });
  const Results results = runs.session();
  std::vector<std::uint32_t> counts;
  for (const RunRequest& request : runs.of(RunKind::memory)) counts.push_back(request.connections);
  EXPECT_THAT(counts, ElementsAre(1000, 2000, 3000));  // the same for both cells
  for (const CellResult& cell : results.cells) {
    ASSERT_TRUE(cell.memory);
    EXPECT_NEAR(cell.memory->user_bytes, 100, 1e-6);
    EXPECT_NEAR(cell.memory->kernel_bytes, 2000, 1e-6);
  }
}

TEST(ServiceSession, KnowsNoMemoryWhereTheServerHasNotAllConnections) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--memory", "--repetitions=1"});
  ScriptedRuns runs(plan, [](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, 5000);
    report.service.open_at_barrier = static_cast<std::int32_t>(request.connections) - 1;
  });
  const Results results = runs.session();
  EXPECT_THAT(runs.of(RunKind::memory), SizeIs(1));
  EXPECT_FALSE(results.cells[0].memory);
  EXPECT_FALSE(results.cells[0].failure);
}

// ---- Interrupts ----

TEST(Session, FinishesTheCurrentRunWhenItIsInterrupted) {
  const Plan plan = two_jobs();
  ScriptedRuns interrupted(plan, [&](const RunRequest&, RunReport& report, RunOutcome&) {
    batch_of_us(report, 1000);
    interrupted.interrupts = 1;
  });
  const Results results = interrupted.session();
  EXPECT_TRUE(results.interrupted);
  EXPECT_THAT(interrupted.of(RunKind::measure), SizeIs(1));
  EXPECT_EQ(results.cells[0].samples.size() + results.cells[1].samples.size(), 1U);
}

TEST(Session, EndsTheCurrentRunWhenItIsInterruptedTwiceWhichIsNoFailure) {
  const Plan plan = two_jobs();
  ScriptedRuns runs(plan, [&](const RunRequest&, RunReport& report, RunOutcome&) {
    batch_of_us(report, 1000);
    runs.interrupts = 2;
  });
  const Results results = runs.session();
  EXPECT_TRUE(results.interrupted);
  EXPECT_THAT(samples_of(results), ElementsAre(0, 0));
  for (const CellResult& cell : results.cells) EXPECT_FALSE(cell.failure);
}

// A load that is asked to end before its window has begun leaves nothing, which takes nothing from what there is.
TEST(Session, KeepsFinishedRoundsOfACellWhoseNextRunIsCutShort) {
  const Plan plan = plan_of({"--model=epoll", "--workload=echo", "--rate=500", "--repetitions=8"});
  ScriptedRuns runs(plan, [&](const RunRequest& request, RunReport& report, RunOutcome&) {
    serve(request, report, 500);
    if (runs.of(RunKind::measure).size() < 3) return;
    runs.interrupts = 1;
    report.cut_short.store(1);
    report.failure.set("was interrupted while it warmed up");
  });
  const Results results = runs.session();
  EXPECT_TRUE(results.interrupted);
  EXPECT_FALSE(results.cells[0].failure);
  EXPECT_THAT(samples_of(results), ElementsAre(2));
}

// ---- The seed ----

TEST(Session, TakesCellsInAnOrderThatTheSeedRepeats) {
  Plan plan = plan_of({"--model=serial,threads,epoll,coroutines,fibers", "--workload=io", "--repetitions=3"});
  const auto order = [&](std::uint64_t seed) {
    plan.seed = seed;
    ScriptedRuns runs(plan, steady);
    runs.session();
    std::vector<std::uint32_t> cells;
    for (const RunRequest& request : runs.of(RunKind::measure)) cells.push_back(request.cell);
    return cells;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

}  // namespace
}  // namespace bench
