// Why: a service's rate says something about its model only where the server was the limit, so who is ranked by what,
// and who is not ranked, is held against samples that were made up for it.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "harness/report/report.h"
#include "harness/summary/summary.h"
#include "tests/support/service_example.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string table(const ServiceExample& example) { return report_text(example.plan, example.results, {}); }

void make_invalid(ServiceExample& example, std::size_t cell, std::size_t sample, const std::string& why) {
  Judgement& judgement = example.results.cells[cell].samples[sample].service->judgement;
  judgement.valid = false;
  judgement.why_invalid = why;
}

Knee knee_between(double rate, double above_rate, const std::string& why) {
  Knee knee;
  knee.rate = rate;
  knee.above_rate = above_rate;
  knee.above_why = why;
  return knee;
}

// ---- Who is ranked by what ----

TEST(ServiceVerdict, RanksAClosedLoopByItsRateWhereTheServerIsTheLimit) {
  ServiceExample example({"serial", "threads", "epoll"});
  example.add_six(0, 10'000, 1000, Limit::server);
  example.add_six(1, 20'000, 9000, Limit::server);
  example.add_six(2, 40'000, 5000, Limit::server);
  EXPECT_EQ(example.summary().verdict, "Highest rate: epoll; next is threads, 0.50× the rate.");
}

TEST(ServiceVerdict, NamesAllThatTheDataCannotTellApart) {
  ServiceExample example({"serial", "threads", "epoll"});
  for (int round = 0; round < 6; ++round) {
    example.add(0, 10'000, 1000, Limit::server);
    example.add(1, round % 2 == 0 ? 20'000 : 22'000, 1000, Limit::server);
    example.add(2, round % 2 == 0 ? 22'000 : 20'000, 1000, Limit::server);
  }
  EXPECT_THAT(example.summary().verdict, AllOf(StartsWith("Highest rate: "), HasSubstr("threads"), HasSubstr("epoll"),
                                               HasSubstr("(the data cannot tell them apart); next is serial")));
}

TEST(ServiceVerdict, NeverRanksWhatTheGeneratorLimitedAndSaysWhatToDo) {
  ServiceExample example({"serial", "threads", "epoll"});
  example.add_six(0, 10'000, 1000, Limit::server);
  example.add_six(1, 20'000, 1000, Limit::server);
  example.add_six(2, 90'000, 1000, Limit::generator);
  for (std::size_t i = 0; i < 6; ++i) make_invalid(example, 2, i, "the load generator was the limit");
  EXPECT_THAT(example.summary().verdict,
              AllOf(StartsWith("Highest rate: threads; next is serial"),
                    HasSubstr("Not ranked: epoll (invalid: the load generator was the limit)."),
                    HasSubstr("--rate=common ranks them by CPU per request")));
}

TEST(ServiceVerdict, LeavesOutARunThatMayNotBeBelievedAndRanksTheCell) {
  ServiceExample example({"serial", "threads", "epoll"});
  example.add_six(0, 10'000, 1000, Limit::server);
  example.add_six(1, 20'000, 1000, Limit::server);
  example.add_six(2, 90'000, 1000, Limit::server);
  example.add(2, 500'000, 1, Limit::server);
  make_invalid(example, 2, 6, "1 wrong replies");
  const GroupSummary summary = example.summary();
  EXPECT_THAT(summary.verdict, StartsWith("Highest rate: epoll"));
  EXPECT_EQ(summary.cells[2].runs.invalid, 1U);
  EXPECT_EQ(summary.cells[2].runs.why_invalid, "1 wrong replies");
  EXPECT_EQ(summary.cells[2].service->rate.high, 90'000);
}

TEST(ServiceVerdict, NeverRanksACellMostOfWhoseRunsAreInvalid) {
  ServiceExample example({"serial", "threads", "epoll"});
  example.add_six(0, 10'000, 1000, Limit::server);
  example.add_six(1, 20'000, 1000, Limit::server);
  example.add_six(2, 90'000, 1000, Limit::server);
  for (const std::size_t run : {0U, 1U, 3U, 4U}) make_invalid(example, 2, run, "1 wrong replies");
  EXPECT_THAT(example.summary().verdict,
              AllOf(StartsWith("Highest rate: threads"), HasSubstr("epoll (invalid: 1 wrong replies)")));
}

TEST(ServiceVerdict, NeverRanksWhatStarvesFailsOrWaits) {
  ServiceExample example({"serial", "processes", "threads", "coroutines", "epoll", "thread-pool"});
  example.add_six(0, 90'000, 1000, Limit::starved);
  example.add_six(1, 90'000, 1000, Limit::errors);
  example.add_six(2, 90'000, 1000, Limit::latency);
  example.add_six(3, 90'000, 1000, Limit::server);
  example.add_six(4, 10'000, 1000, Limit::server);
  example.add_six(5, 90'000, 1000, Limit::starved);
  example.results.cells[3].failure = "the server died";
  EXPECT_THAT(
      example.summary().verdict,
      StartsWith(
          "Not ranked: serial, thread-pool (starved); processes (errors); threads (latency); coroutines (failed)."));
}

// With the reason stands what would change it.
TEST(ServiceVerdict, NamesTheCureOfAPoolThatStarves) {
  ServiceExample example({"thread-pool", "epoll"});
  example.add_six(0, 90'000, 1000, Limit::starved);
  example.add_six(1, 90'000, 1000, Limit::server);
  example.plan.cells[0].workers = 2;
  for (Sample& sample : example.results.cells[0].samples) sample.service->load.active_served = 2;
  EXPECT_THAT(example.summary().verdict,
              HasSubstr("(starved: each of its 2 workers keeps one connection; --workers=4 serves all)."));
}

TEST(ServiceVerdict, SurvivesABusyServerThatAnswersOnlyAfterTheWindow) {
  ServiceExample example({"serial", "threads", "epoll"});
  for (std::size_t cell = 0; cell < 3; ++cell) example.add_six(cell, cell == 0 ? 0 : 1000, 1e9, Limit::server);
  EXPECT_THAT(example.summary().verdict, HasSubstr("Not ranked: serial (server)"));
}

TEST(ServiceVerdict, RanksACommonRateByCpuPerRequestAndSaysAtWhichRate) {
  ServiceExample example({"threads", "coroutines", "epoll"}, RateMode::common, 8000);
  example.add_six(0, 8000, 9000, Limit::rate);
  example.add_six(1, 8000, 6000, Limit::rate);
  example.add_six(2, 7000, 1000, Limit::server);  // cheap, but it did not do the work
  EXPECT_EQ(example.summary().verdict,
            "Least CPU per request at 8,000 requests/s: coroutines; next is threads, 1.50× the CPU. "
            "Not ranked: epoll (server).");
}

TEST(ServiceVerdict, RanksASearchByItsKnee) {
  ServiceExample example({"threads", "coroutines", "epoll"}, RateMode::search, 8000);
  for (std::size_t cell = 0; cell < 3; ++cell) {
    example.add_six(cell, 8000, 1000, Limit::rate);
    const double knees[] = {10'000, 0, 25'000};
    for (Sample& sample : example.results.cells[cell].samples) sample.service->knee = knee_between(knees[cell], 0, {});
  }
  EXPECT_EQ(example.summary().verdict,
            "Highest rate: epoll; next is threads, 0.40× the rate. "
            "Not ranked: coroutines (keeps its promise at no rate).");
}

TEST(ServiceVerdict, ClaimsNothingFromFewerThanSixRounds) {
  ServiceExample example({"threads", "epoll"});
  for (int round = 0; round < 5; ++round) {
    example.add(0, 10'000, 1000, Limit::server);
    example.add(1, 20'000, 1000, Limit::server);
  }
  EXPECT_EQ(example.summary().verdict, "Highest rate: epoll, but fewer than 6 rounds cannot tell models apart.");
}

TEST(ServiceVerdict, OfOneModelSaysWhatItReaches) {
  ServiceExample example({"epoll"});
  example.add_six(0, 10'000, 1000, Limit::latency);
  EXPECT_EQ(example.summary().verdict,
            "epoll answers 10,000 requests/s, half of them within 1.00 ms and 99% within 1.00 ms, at 1.00 µs of the "
            "server's CPU each.");
  example.plan.groups[0].foreign.emplace();  // nobody knows what that one costs
  EXPECT_EQ(example.summary().verdict,
            "epoll answers 10,000 requests/s, half of them within 1.00 ms and 99% within 1.00 ms.");
  for (std::size_t run = 0; run < 6; ++run) make_invalid(example, 0, run, "2 wrong replies");
  EXPECT_THAT(example.summary().verdict, IsEmpty());
}

// ---- What a cell's samples come to ----

TEST(ServiceSummary, HoldsTheServersCpuAgainstTheBareSystemCalls) {
  ServiceExample example({"epoll"});
  example.add_six(0, 10'000, 3500, Limit::latency);
  const GroupSummary summary = example.summary();
  EXPECT_NEAR(summary.cells[0].over_ideal.value().effect, 3.5, 1e-9);
  EXPECT_EQ(summary.ideal_ns, 1000);
}

TEST(ServiceSummary, TakesTheCommonestLimitAndTheFewestConnections) {
  ServiceExample example({"epoll"});
  example.add_six(0, 10'000, 1000, Limit::latency);
  auto& samples = example.results.cells[0].samples;
  for (const std::size_t i : {1U, 2U, 3U, 4U}) samples[i].service->judgement.limit = Limit::server;
  samples[2].service->load.active_served = 3;
  samples[4].service->load.connections_established = 2;
  const ServiceSummary service = *example.summary().cells[0].service;
  EXPECT_EQ(service.limit, Limit::server);
  EXPECT_EQ(service.connections_served, 3U);
  EXPECT_EQ(service.connections_established, 2U);
  EXPECT_EQ(service.connections_asked, 4U);
}

TEST(ServiceSummary, KeepsTheKneeNextToTheMedian) {
  ServiceExample example({"epoll"}, RateMode::search, 1000);
  for (const double rate : {1000.0, 3000.0, 2000.0}) {
    example.add(0, 1000, 1000, Limit::rate).service->knee = knee_between(rate, rate + 50, {});
  }
  const ServiceSummary service = *example.summary().cells[0].service;
  EXPECT_EQ(service.knee_rate->median, 2000);
  EXPECT_EQ(service.knee->above_rate, 2050);
}

// ---- What people read of it ----

TEST(ServiceTable, ShowsTheRateItsCostAndWhatLimitedIt) {
  ServiceExample example({"serial", "epoll"});
  example.add_six(0, 10'000, 3500, Limit::starved);
  example.add_six(1, 40'000, 5000, Limit::server);
  for (Sample& sample : example.results.cells[0].samples) sample.service->load.active_served = 1;
  const std::string text = table(example);
  EXPECT_THAT(text, HasSubstr("example · ideal 1.00 µs CPU/request · 6 rounds\n"));
  EXPECT_THAT(text, HasSubstr("model   rate/s"));
  const std::string serial = text.substr(text.find("\nserial") + 1, text.find("\nepoll") - text.find("\nserial") - 1);
  EXPECT_THAT(serial, AllOf(HasSubstr("10,000"), HasSubstr("±0.0%"), HasSubstr("3.50 µs"), HasSubstr("3.50×"),
                            HasSubstr("50%"), HasSubstr("25%"), HasSubstr("1/4"), HasSubstr("starved")));
  EXPECT_THAT(text, Not(HasSubstr("INVALID")));
  EXPECT_THAT(text, Not(HasSubstr("errors:")));
  EXPECT_THAT(text, HasSubstr("rate/s: requests answered per second"));  // the legend of services
  EXPECT_THAT(text, Not(HasSubstr("time: one batch")));                  // not that of jobs
}

TEST(ServiceTable, SaysWhatWentWrong) {
  ServiceExample example({"epoll"});
  example.add_six(0, 10'000, 1000, Limit::errors);
  for (Sample& sample : example.results.cells[0].samples) {
    sample.service->load.errors[static_cast<std::size_t>(LoadError::wrong_reply)] = 2;
    sample.service->load.errors[static_cast<std::size_t>(LoadError::reset)] = 1;
    sample.service->load.connections_established = 3;
    sample.service->load.requests_unfinished = 7;
    sample.service->error_text = "byte 3 is wrong";
  }
  for (std::size_t run = 0; run < 6; ++run) make_invalid(example, 0, run, "2 wrong replies");
  const std::string text = table(example);
  EXPECT_THAT(text, ContainsRegex("4/4 +invalid\n"));
  EXPECT_THAT(text, HasSubstr("3 of 4 connections established; 42 requests never answered; "
                              "errors since the first connect: 6 reset, 12 wrong replies (byte 3 is wrong)\n"
                              "  Invalid (2 wrong replies): epoll (6 of 6 runs)\n"));
}

// A server that somebody else runs, in a process that was given.
ServiceExample foreign_example() {
  ServiceExample example({"epoll"});
  example.plan.groups[0].foreign.emplace().pid = 42;
  example.add_six(0, 10'000, 3500, Limit::latency);
  for (Sample& sample : example.results.cells[0].samples) sample.ideal_cpu_ns = 0;
  return example;
}

TEST(ServiceTable, SaysWhyTheCpuOfAServerIsUnknown) {
  ServiceExample example = foreign_example();
  EXPECT_THAT(table(example), AllOf(HasSubstr("3.50 µs"), Not(HasSubstr("unknown"))));
  ServiceSample& last = *example.results.cells[0].samples.back().service;
  last.server_cpu_unknown = "process 42 ended in the window";
  const std::string text = table(example);
  EXPECT_THAT(text, ContainsRegex("1.00 ms +25%  +4/4  latency or server"));
  EXPECT_THAT(text, HasSubstr("Warning: CPU of the server unknown: process 42 ended in the window.\n"));
}

TEST(ServiceTable, SaysWhoAloneMetTheRate) {
  ServiceExample example({"threads", "epoll"}, RateMode::fixed, 8000);
  example.add_six(0, 5000, 3500, Limit::server);
  example.add_six(1, 8000, 3500, Limit::rate);
  EXPECT_THAT(table(example), HasSubstr("\nOnly epoll met 8,000 requests/s. Not ranked: threads (server).\n"));
}

// 3 of 100 requests were not answered: what is known of the slowest 3% is their age.
TEST(ServiceTable, MarksPercentilesThatAreAges) {
  ServiceExample example({"epoll"}, RateMode::fixed, 100);
  for (int round = 0; round < 6; ++round) {
    Sample& sample = example.add(0, 97, 3500, Limit::errors);
    sample.service->load.requests_unfinished = 2;
    sample.service->load.requests_timed_out = sample.service->load.requests_failed = 1;
    sample.latency_ns = {1e6, 2e6, 3e8, 4e8};
  }
  EXPECT_THAT(table(example), ContainsRegex("1.00 ms +≥300 ms +≥400 ms"));
  EXPECT_THAT(table(example), HasSubstr("≥ where it is the age of requests that were not answered"));
  EXPECT_FALSE(is_lower_bound(*summarize(example.plan, example.results)[0].cells[0].service, 50));
}

TEST(ServiceTable, SaysWhyAServerUsesMoreThanItsCpus) {
  ServiceExample example({"epoll"});
  example.add_six(0, 10'000, 3500, Limit::server);
  EXPECT_THAT(table(example), Not(HasSubstr("more CPUs than")));
  for (Sample& sample : example.results.cells[0].samples) sample.service->server_busy = 1.3;
  EXPECT_THAT(table(example), HasSubstr("epoll  the server used more CPUs than its model runs on: "));
}

TEST(ServiceTable, LeavesOutSwitchesThatAreUnknown) {
  ServiceExample example = foreign_example();
  example.results.cells[0].samples.front().service->server_switches_unknown = true;
  const std::string text = table(example);
  EXPECT_THAT(text, AllOf(ContainsRegex("3.50 µs +50%"), Not(HasSubstr("0.00+0.00"))));
  EXPECT_THAT(text, Not(HasSubstr("Warning: CPU")));
}

TEST(ServiceTable, ShowsKneesMemoryAndClasses) {
  ServiceExample example({"threads", "epoll"}, RateMode::search, 8000);
  for (std::size_t cell = 0; cell < 2; ++cell) {
    example.add_six(cell, 8000, 1000, Limit::rate);
    for (Sample& sample : example.results.cells[cell].samples) {
      sample.service->knee = knee_between(cell == 0 ? 0 : 8000, 8400, "p99 12.0 ms");
    }
  }
  example.results.cells[1].memory = UnitMemory{.user_bytes = 2048, .kernel_bytes = 10'240};
  for (Sample& sample : example.results.cells[1].samples) {
    sample.service->classes = {{{.unfinished = 2, .failed = 1}, {1e6, 2e6, 3e6, 4e6}}, {{}, {5e6, 6e6, 7e6, 8e6}}};
  }
  example.results.cells[1].samples[0].service->knee->rate = 7600;
  const std::string text = table(example);
  EXPECT_THAT(text,
              HasSubstr("keeps its promise at no rate that was tried (95% 0 to 0); at 8,400 not (p99 12.0 ms)\n"));
  EXPECT_THAT(text, HasSubstr("keeps its promise up to 8,000 requests/s (95% 7,600 to 8,000); "
                              "at 8,400 not (p99 12.0 ms); "
                              "p99 of light 3.00 ms, of heavy 7.00 ms; "
                              "memory per connection 2.00 KiB user + 10.0 KiB kernel\n"));
}

TEST(ServiceTable, SaysWhyAKneeWasNotFound) {
  ServiceExample example({"threads", "epoll"}, RateMode::search, 8000);
  for (std::size_t cell = 0; cell < 2; ++cell) {
    Sample& sample = example.add(cell, 8000, 1000, Limit::rate);
    sample.service->knee = knee_between(cell == 0 ? 0 : 8000, 0, {});
    sample.service->knee->why_not_found = "the load generator was the limit in 3 of 3 tries at 8,400/s";
    make_invalid(example, cell, 0, "no knee found: " + sample.service->knee->why_not_found);
  }
  const std::string text = table(example);
  EXPECT_THAT(text, HasSubstr("threads  is known to keep its promise at no rate\n"));
  EXPECT_THAT(text, HasSubstr("epoll    keeps its promise at 8,000 requests/s\n"));
  EXPECT_THAT(text, HasSubstr("  Invalid (no knee found: the load generator was the limit in 3 of 3 tries at 8,400/s): "
                              "threads (1 of 1 runs), epoll (1 of 1 runs)\n"));
  EXPECT_THAT(text, ContainsRegex("4/4 +invalid\n"));
}

TEST(ServiceTable, ShowsCellsThatFailedOrWereSkipped) {
  ServiceExample example({"serial", "threads", "epoll"});
  example.results.cells[0].failure = "the server died";
  example.plan.cells[1].skipped = "needs more threads";
  const std::string text = table(example);
  EXPECT_THAT(text, HasSubstr("failed: the server died\n"));
  EXPECT_THAT(text, HasSubstr("skipped: needs more threads\n"));
  EXPECT_THAT(text, HasSubstr("epoll    not run\n"));
}

}  // namespace
}  // namespace bench
