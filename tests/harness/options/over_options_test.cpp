// What is told of several machines, before any of them is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "harness/options/options.h"
#include "harness/plan/plan.h"
#include "tests/support/command_line.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(OverOptions, OneMachineUnlessToldOtherwise) {
  EXPECT_FALSE(parse({"--workload=echo"}).over.mpi);
  EXPECT_TRUE(parse({"run", "--workload=echo", "--over=mpi"}).over.mpi);
  EXPECT_TRUE(parse({"load", "http://127.0.0.1:1/", "--over=mpi"}).over.mpi);
}

TEST(OverOptions, SaysWhoServes) {
  const OverOptions over =
      parse({"--workload=echo", "--over=mpi", "--server-rank=2", "--server-address=10.0.0.1"}).over;
  EXPECT_EQ(over.server_rank, 2U);
  EXPECT_EQ(over.server_address, "10.0.0.1");
  EXPECT_EQ(parse({"--workload=echo", "--over=mpi", "--servers=3"}).over.servers, 3U);
}

TEST(OverOptions, WhatCannotBeIsRefused) {
  EXPECT_THAT(refusal({"--workload=echo", "--over=ssh"}), HasSubstr("--over=ssh"));
  EXPECT_THAT(refusal({"--workload=cpu", "--over=mpi"}), HasSubstr("jobs and primitives run on one"));
  EXPECT_THAT(refusal({"--over=mpi"}), HasSubstr("jobs and primitives run on one")) << "by default, all jobs";
  EXPECT_THAT(refusal({"--workload=echo", "--memory", "--over=mpi"}),
              HasSubstr("--memory: is measured on one machine"));
  EXPECT_THAT(refusal({"--workload=echo", "--servers=2"}), HasSubstr("give --over=mpi"));
  EXPECT_THAT(refusal({"--workload=echo", "--over=mpi", "--servers=2", "--server-address=10.0.0.1"}),
              HasSubstr("--servers asks for more servers"));
  EXPECT_THAT(refusal({"--workload=echo", "--over=mpi", "--servers=0"}), HasSubstr("--servers=0"));
  EXPECT_THAT(refusal({"--workload=echo", "--over=mpi", "--server-address=host"}), HasSubstr("numeric IPv4"));
  EXPECT_THAT(refusal({"load", "http://127.0.0.1:1/", "--over=mpi", "--server-pid=1"}), HasSubstr("--server-pid"));
  EXPECT_THAT(refusal({"serve", "--model=epoll", "--workload=echo", "--over=mpi"}), HasSubstr("does not take it"));
}

TEST(OverOptions, APlanOnPaperNeedsFigures) {
  const OverOptions over = parse({"--workload=echo", "--dry-run", "--hosts=9", "--figures=a.json"}).over;
  EXPECT_EQ(over.hosts, 9U);
  EXPECT_EQ(over.figures, "a.json");
  EXPECT_THAT(refusal({"--workload=echo", "--hosts=9"}), HasSubstr("give --dry-run and --figures=RESULT"));
  EXPECT_THAT(refusal({"--workload=echo", "--dry-run", "--hosts=9"}), HasSubstr("--figures=RESULT"));
  EXPECT_THAT(refusal({"--workload=echo", "--figures=a.json"}), HasSubstr("--hosts=N"));
}

std::vector<std::string> labels_and_names(const Plan& plan) {
  std::vector<std::string> texts;
  for (const Cell& cell : plan.cells) texts.push_back(cell.label + " " + cell.name);
  return texts;
}

TEST(OverOptions, EachServerHasItsRowsAndTheNetworkBesides) {
  const Plan one = make_plan(parse({"--workload=echo", "--model=epoll", "--over=mpi"}), read_machine());
  EXPECT_THAT(labels_and_names(one), ElementsAre("network echo/network/connections:100/message:64",
                                                 "epoll echo/epoll/connections:100/message:64"));
  const Plan two = make_plan(parse({"--workload=echo", "--model=epoll", "--over=mpi", "--servers=2"}), read_machine());
  EXPECT_THAT(labels_and_names(two), ElementsAre("network echo/network/connections:100/message:64/server:0",
                                                 "epoll echo/epoll/connections:100/message:64/server:0",
                                                 "network echo/network/connections:100/message:64/server:1",
                                                 "epoll echo/epoll/connections:100/message:64/server:1"));
  EXPECT_EQ(two.cells[3].server, 1U);
}

TEST(OverOptions, BothSidesHaveAllCpusOfTheirMachine) {
  const Plan plan = make_plan(parse({"--workload=echo", "--model=epoll", "--over=mpi"}), read_machine());
  EXPECT_EQ(plan.cpu_split.server, plan.cpu_split.client);
}

}  // namespace
}  // namespace bench
