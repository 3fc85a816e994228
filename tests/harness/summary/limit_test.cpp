// Why: what a row is believed to say, and whether it is ranked at all, is decided here.
#include "harness/summary/limit.h"

#include <gmock/gmock.h>

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// A closed loop in which neither side is busy.
LoadFigures closed_loop() {
  return {.window_ns = 1e9,
          .completed = 1000,
          .mean_in_flight = 5,
          .asked = 10,
          .established = 10,
          .served = 10,
          .at_end = 10,
          .latency_p50_ns = 5e6,
          .latency_p99_ns = 10e6,
          .send_lag_p99_ns = 1000,
          .generator_idle = 0.8,
          .server_busy = 0.3};
}

// An open loop whose rate was met.
LoadFigures open_loop() {
  LoadFigures figures = closed_loop();
  figures.offered_rate = 1000;
  return figures;
}

TEST(Judge, SaysLatencyWhereNeitherSideIsBusy) {
  const Judgement judgement = judge(closed_loop());
  EXPECT_EQ(judgement.limit, Limit::latency);
  EXPECT_TRUE(judgement.valid);
  EXPECT_THAT(judgement.why_invalid, IsEmpty());
}

TEST(Judge, SaysServerWhereItUsesItsCpus) {
  LoadFigures figures = closed_loop();
  figures.server_busy = 0.9;
  EXPECT_EQ(judge(figures).limit, Limit::server);
  EXPECT_TRUE(judge(figures).valid);
  figures.server_busy = 0.89;
  EXPECT_EQ(judge(figures).limit, Limit::latency);
}

TEST(Judge, SaysGeneratorWhereItHardlySleepsAndBelievesNothing) {
  LoadFigures figures = closed_loop();
  figures.server_busy = 1;  // both are busy: the load may have been what was slow
  figures.generator_idle = 0.09;
  EXPECT_EQ(judge(figures).limit, Limit::generator);
  EXPECT_FALSE(judge(figures).valid);
  EXPECT_EQ(judge(figures).why_invalid, generator_was_busy);
  figures.generator_idle = 0.1;
  EXPECT_EQ(judge(figures).limit, Limit::server);
}

TEST(Judge, SaysGeneratorWhereAnOpenLoopIsLate) {
  LoadFigures figures = open_loop();
  figures.send_lag_p99_ns = 5.1e6;  // of latencies of 10 ms
  EXPECT_EQ(judge(figures).limit, Limit::generator);
  EXPECT_FALSE(judge(figures).valid);
  figures.send_lag_p99_ns = 4.9e6;
  EXPECT_EQ(judge(figures).limit, Limit::rate);
  figures.latency_p99_ns = 100'000;
  figures.send_lag_p99_ns = 0.9e6;  // less than a millisecond is never late: so long sleeps a machine that idles
  EXPECT_EQ(judge(figures).limit, Limit::rate);
  figures.send_lag_p99_ns = 1.1e6;
  EXPECT_EQ(judge(figures).limit, Limit::generator);
}

TEST(Judge, SaysGeneratorWhereItsWorkersWaitForEachOtherThoughTheRateIsMet) {
  LoadFigures figures = open_loop();
  figures.workers_share = true;
  figures.generator_idle = 0.14;
  EXPECT_EQ(judge(figures).limit, Limit::generator);
  figures.generator_idle = 0.16;
  EXPECT_EQ(judge(figures).limit, Limit::rate);
  figures.workers_share = false;
  figures.generator_idle = 0.02;
  EXPECT_EQ(judge(figures).limit, Limit::rate);
}

TEST(Judge, SaysRateWhereAnOpenLoopGotWhatItAskedFor) {
  LoadFigures figures = open_loop();
  figures.server_busy = 0.95;  // busy, but it keeps up
  figures.waiting = 5;         // as many as always
  EXPECT_EQ(judge(figures).limit, Limit::rate);
  EXPECT_TRUE(judge(figures).valid);
  figures.waiting = 20;  // 1 + 1% of 1000 + 1.5 · 5 are 18.5
  EXPECT_EQ(judge(figures).limit, Limit::server);
  figures.server_busy = 0.5;
  EXPECT_EQ(judge(figures).limit, Limit::latency);
}

// A server that waits 50 ms for each of 1,000 requests/s has 50 of them under way at any time, at the end too.
TEST(Judge, SaysRateWhereLongLatenciesAreAllThatWaits) {
  LoadFigures figures = open_loop();
  figures.completed = 2000;
  figures.mean_in_flight = 50;
  figures.waiting = 50;
  EXPECT_EQ(judge(figures).limit, Limit::rate);
}

// One that can do 90% of what is offered: 200 of 2,000 wait at the end, 100 on average.
TEST(Judge, SaysServerWhereAQueueGrows) {
  LoadFigures figures = open_loop();
  figures.completed = 2000;
  figures.server_busy = 1;
  figures.mean_in_flight = 100;
  figures.waiting = 200;
  EXPECT_EQ(judge(figures).limit, Limit::server);
}

TEST(Judge, SaysStarvedWhereAConnectionNeverGotAReply) {
  LoadFigures figures = closed_loop();
  figures.served = 9;
  figures.unfinished = 1;
  figures.server_busy = 1;
  EXPECT_EQ(judge(figures).limit, Limit::starved);
  EXPECT_TRUE(judge(figures).valid);  // it is what happened
}

TEST(Judge, SaysStarvedWhereAConnectionWasNeverEstablished) {
  LoadFigures figures = closed_loop();
  figures.established = figures.served = 9;
  EXPECT_EQ(judge(figures).limit, Limit::starved);
}

TEST(Judge, SaysStarvedInAnOpenLoopOnlyWhereRequestsStayedUnanswered) {
  LoadFigures figures = open_loop();
  figures.asked = figures.established = 2000;  // more than there were requests
  figures.served = 1000;
  EXPECT_EQ(judge(figures).limit, Limit::rate);
  figures.unfinished = 1;
  EXPECT_EQ(judge(figures).limit, Limit::starved);
}

TEST(Judge, SaysErrorsFromOneFailureInAThousandRequests) {
  LoadFigures figures = closed_loop();
  figures.completed = 9990;
  figures.failed = 10;
  EXPECT_EQ(judge(figures).limit, Limit::latency);
  figures.failed = 11;
  EXPECT_EQ(judge(figures).limit, Limit::errors);
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Judge, SaysStarvedWhereAllThatIsWrongIsThatAConnectionWaitedForever) {
  LoadFigures figures = closed_loop();
  figures.served = 9;
  figures.failed = figures.timed_out = 100;
  EXPECT_EQ(judge(figures).limit, Limit::starved);
  figures.at_end = 0;  // all are being made anew just then
  EXPECT_EQ(judge(figures).limit, Limit::starved);
  figures.served = 10;
  EXPECT_EQ(judge(figures).limit, Limit::errors);
}

TEST(Judge, BelievesNothingAfterAWrongReply) {
  LoadFigures figures = closed_loop();
  figures.completed = 1'000'000;
  figures.wrong_replies = 1;
  EXPECT_EQ(judge(figures).limit, Limit::errors);
  EXPECT_FALSE(judge(figures).valid);
  EXPECT_THAT(judge(figures).why_invalid, HasSubstr("1 wrong repl"));
}

TEST(Judge, BelievesNothingThatBreaksLittlesLaw) {
  for (const double ratio : {0.89, 1.11, 0.0, 5.0}) {
    LoadFigures figures = closed_loop();
    figures.littles_law_ratio = ratio;
    EXPECT_FALSE(judge(figures).valid) << ratio;
    EXPECT_THAT(judge(figures).why_invalid, HasSubstr("Little's law"));
    EXPECT_EQ(judge(figures).limit, Limit::latency);
  }
  for (const double ratio : {0.91, 1.09}) {
    LoadFigures figures = closed_loop();
    figures.littles_law_ratio = ratio;
    EXPECT_TRUE(judge(figures).valid) << ratio;
  }
}

TEST(Judge, BelievesNothingWithoutAnAnswer) {
  LoadFigures silent = closed_loop();
  silent.completed = silent.served = 0;
  silent.unfinished = 10;
  EXPECT_EQ(judge(silent).limit, Limit::starved);
  EXPECT_EQ(judge(silent).why_invalid, "no request was answered");
  silent.failed = 10;
  EXPECT_EQ(judge(silent).limit, Limit::errors);
  EXPECT_FALSE(judge(silent).valid);
}

// A rate of 0 would stand beside latencies of all requests.
TEST(Judge, BelievesNoRateOfAWindowShorterThanItsReplies) {
  LoadFigures figures = closed_loop();
  figures.completed = figures.drained = 10;
  EXPECT_EQ(judge(figures).limit, Limit::latency);
  EXPECT_EQ(judge(figures).why_invalid, "no reply came within the window of 1.00 s; --duration makes it longer");
  figures.drained = 9;
  EXPECT_TRUE(judge(figures).valid);
  figures.drained = 10;
  figures.offered_rate = 10;  // is met, and its latencies are those of all requests
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Judge, TellsAnOpenLoopWithoutRequestsFromASilentServer) {
  LoadFigures figures = open_loop();
  figures.completed = figures.served = 0;
  EXPECT_EQ(judge(figures).why_invalid, "no request was due");
  EXPECT_EQ(judge(figures).limit, Limit::rate);
  figures.unfinished = 3;
  EXPECT_EQ(judge(figures).why_invalid, "no request was answered");
  EXPECT_EQ(judge(figures).limit, Limit::starved);
}

// ---- Rows whose parts cannot all be true ----

TEST(Judge, BelievesNoRateOfARequestThatWasNeverAnswered) {
  LoadFigures figures = open_loop();
  figures.completed = 362;
  figures.unfinished = 138;
  figures.mean_in_flight = 1000;  // by their ages
  EXPECT_EQ(judge(figures).limit, Limit::errors);
  EXPECT_EQ(judge(figures).why_invalid, "138 of 500 requests were never answered");
  EXPECT_EQ(judge(figures).doubt, Doubt::unanswered);
  figures.server_busy = 1;  // more was offered than it can do
  EXPECT_EQ(judge(figures).limit, Limit::server);
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Judge, BelievesNoServerWithoutAConnectionAtTheEnd) {
  LoadFigures figures = closed_loop();
  figures.completed = 400'000;
  figures.failed = 128;  // less than one in a thousand
  figures.at_end = 0;
  EXPECT_EQ(judge(figures).limit, Limit::errors);
  EXPECT_EQ(judge(figures).why_invalid, "no connection stood at the end of the window");
  figures.at_end = 1;
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Judge, BelievesNothingWithALongSilenceInIt) {
  LoadFigures figures = closed_loop();
  figures.silence_ns = 0.3e9;
  EXPECT_EQ(judge(figures).why_invalid, "no reply came for 300 ms of 1.00 s");
  figures.silence_ns = 0.09e9;  // too short to matter
  EXPECT_TRUE(judge(figures).valid);
  figures.silence_ns = 0.3e9;
  figures.latency_p99_ns = 0.1e9;  // it is in the latencies
  EXPECT_TRUE(judge(figures).valid);
  figures.silent_at_end_ns = 0.3e9;  // but after the last reply there are none
  EXPECT_EQ(judge(figures).why_invalid, "no reply came in the last 300 ms of 1.00 s");
  figures.completed = 20;  // so few that this is to be expected
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Judge, BelievesNothingWhereTheGeneratorWasKeptOffItsCpu) {
  LoadFigures figures = open_loop();
  figures.kept_off = 0.25;
  EXPECT_EQ(judge(figures).doubt, Doubt::kept_off);
  figures.send_lag_p99_ns = 200e6;
  EXPECT_EQ(judge(figures).limit, Limit::rate);  // the generator was not the limit
  EXPECT_EQ(judge(figures).why_invalid, "something kept the load generator from its CPU for 25% of the window");
  figures.others_busy = 0.3;
  EXPECT_EQ(judge(figures).why_invalid, "other processes kept the load generator from its CPU for 25% of the window");
  figures.workers_share = true;  // they wait for each other
  EXPECT_EQ(judge(figures).limit, Limit::generator);
  figures.send_lag_p99_ns = 1000;
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Judge, TakesWorkersThatShareACpuForSaturatedSooner) {
  LoadFigures figures = closed_loop();
  figures.generator_idle = 0.12;
  EXPECT_EQ(judge(figures).limit, Limit::latency);
  figures.workers_share = true;
  EXPECT_EQ(judge(figures).limit, Limit::generator);
}

TEST(Judge, BelievesNoServerThatUsesLessThanItsSystemCallsTake) {
  LoadFigures figures = open_loop();
  figures.over_ideal = 0.01;
  EXPECT_THAT(judge(figures).why_invalid, HasSubstr("0.01 × the CPU time of its bare system calls"));
  figures.over_ideal = 0.6;
  EXPECT_TRUE(judge(figures).valid);
}

TEST(Silence, IsTheLongestRunOfSlicesWithoutAReply) {
  std::array<std::uint64_t, window_slices> replies;
  replies.fill(3);
  EXPECT_EQ(silence_ns(replies, 1e9), 0);
  for (std::size_t slice = 10; slice < 15; ++slice) replies[slice] = 0;
  replies[window_slices - 1] = replies[window_slices - 2] = 0;
  EXPECT_DOUBLE_EQ(silence_ns(replies, 1e9), 0.1e9);
  EXPECT_DOUBLE_EQ(silent_at_end_ns(replies, 1e9), 0.04e9);
  EXPECT_EQ(silence_ns({}, 1e9), 1e9);
}

TEST(Judge, PutsWhatWentWrongBeforeWhoWasBusy) {
  LoadFigures figures = closed_loop();
  figures.failed = 500;
  figures.unfinished = 5;
  figures.served = 5;
  figures.generator_idle = 0;
  figures.server_busy = 1;
  EXPECT_EQ(judge(figures).limit, Limit::errors);
  figures.failed = 0;
  EXPECT_EQ(judge(figures).limit, Limit::starved);
  figures.served = 10;
  EXPECT_EQ(judge(figures).limit, Limit::generator);
}

TEST(LimitName, IsWhatResultFilesSay) {
  EXPECT_EQ(limit_name(Limit::server), "server");
  EXPECT_EQ(limit_name(Limit::generator), "generator");
  EXPECT_EQ(limit_name(Limit::latency), "latency");
  EXPECT_EQ(limit_name(Limit::rate), "rate");
  EXPECT_EQ(limit_name(Limit::starved), "starved");
  EXPECT_EQ(limit_name(Limit::errors), "errors");
}

TEST(Judge, HoldsTheServersCountsAgainstTheLoads) {
  LoadFigures figures = closed_loop();
  figures.counted = {.what = "connections", .accepted = 12, .answered = 10, .begun = 12};
  EXPECT_TRUE(judge(figures).valid);
  figures.counted->accepted = 13;
  EXPECT_EQ(judge(figures).why_invalid, "the server took 13 connections, and the load made 12: others use it");
  figures.counted->accepted = 9;
  EXPECT_EQ(judge(figures).why_invalid,
            "10 connections got replies, and the server took 9: another server answers at its address");
  figures.counted = {.what = "datagrams", .accepted = 1'000'000, .answered = 1000, .begun = std::nullopt};
  EXPECT_TRUE(judge(figures).valid);
}

}  // namespace
}  // namespace bench
