#include "harness/ranks/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "harness/text/addresses.h"
#include "tests/support/test_server.h"
#include "workloads/service.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Roles, TheFirstRankServesAndTheOthersLoad) {
  const Roles roles = choose_roles({.mpi = true}, false, 3);
  EXPECT_THAT(roles.servers, ElementsAre(0));
  EXPECT_THAT(roles.generators, ElementsAre(1, 2));
}

TEST(Roles, AnotherRankMayServeAndSeveral) {
  const Roles roles = choose_roles({.mpi = true, .server_rank = 1, .servers = 2}, false, 4);
  EXPECT_THAT(roles.servers, ElementsAre(1, 2));
  EXPECT_THAT(roles.generators, ElementsAre(0, 3));
}

TEST(Roles, AllLoadAServerThatIsNotOurs) {
  const Roles roles = choose_roles({.mpi = true}, true, 2);
  EXPECT_THAT(roles.servers, IsEmpty());
  EXPECT_THAT(roles.generators, ElementsAre(0, 1));
}

TEST(Roles, RefusesTooFewRanks) {
  EXPECT_THROW(choose_roles({.mpi = true}, false, 1), std::runtime_error);
  EXPECT_THROW(choose_roles({.mpi = true, .servers = 2}, false, 2), std::runtime_error);
  EXPECT_THROW(choose_roles({.mpi = true, .server_rank = 3}, false, 3), std::runtime_error);
  EXPECT_THROW(choose_roles({.mpi = true}, true, 1000), std::runtime_error);
}

class RolesInAPlan : public testing::Test {
 protected:
  RolesInAPlan() {
    Group& group = plan.groups.emplace_back();
    group.service = &*all_services().begin();
    group.load.connections = 10;
    group.title = "echo";
    group.cells = {0};
    plan.cells.emplace_back().label = "epoll";
    plan.seed = 7;
  }

  Plan plan;
  Roles roles = choose_roles({.mpi = true}, false, 3);
  std::vector<RankMachine> machines{
      {"A", 28'000, {""}, {"10.0.0.1"}, ""}, {"B", 28'000, {""}, {}, ""}, {"C", 28'000, {""}, {}, ""}};
};

TEST_F(RolesInAPlan, EachRankHasItsPart) {
  EXPECT_EQ(part_of_rank(roles, plan, 0, 0, machines).part, RunPart::server);
  const PartRequest last = part_of_rank(roles, plan, 0, 2, machines);
  EXPECT_EQ(last.part, RunPart::load);
  EXPECT_EQ(last.generator, 1U);
  EXPECT_EQ(last.generators, 2U);
  EXPECT_EQ(last.seed, 7U);
}

TEST_F(RolesInAPlan, AServerListensWhereAllReachIt) {
  EXPECT_EQ(text_of(part_of_rank(roles, plan, 0, 0, machines).server), "10.0.0.1");
  machines[0].addresses.insert("10.1.0.1");
  EXPECT_EQ(text_of(part_of_rank(roles, plan, 0, 0, machines).server), "0.0.0.0");
}

TEST_F(RolesInAPlan, DatagramsAreAnsweredFromOneAddress) {
  machines[0].addresses.insert("10.1.0.1");
  fit_to_ranks(plan, roles, machines);
  EXPECT_FALSE(plan.cells[0].skipped) << "of TCP each connection has its own";
  plan.groups[0].service = &service_named("udp-echo");
  fit_to_ranks(plan, roles, machines);
  ASSERT_TRUE(plan.cells[0].skipped);
  EXPECT_THAT(*plan.cells[0].skipped, HasSubstr("reach host A at 10.0.0.1 and 10.1.0.1"));
}

TEST_F(RolesInAPlan, AServerThatIsAnotherOnEachMachineIsRefused) {
  EXPECT_EQ(why_not_there(machines), "");
  machines[1].local_target = "A:80";  // by its own list of hosts
  EXPECT_THAT(why_not_there(machines), HasSubstr("A:80 is host B itself"));
  for (RankMachine& machine : machines) machine.host = "B";
  EXPECT_EQ(why_not_there(machines), "") << "several ranks on one machine";
}

TEST_F(RolesInAPlan, TheTitleSaysWhoDoesWhat) {
  fit_to_ranks(plan, roles, machines);
  EXPECT_EQ(plan.groups[0].title, "echo · served by A, load from B and C");
  EXPECT_FALSE(plan.cells[0].skipped);
}

TEST_F(RolesInAPlan, WhatDoesNotFitOnTheServersMachineIsSkipped) {
  plan.cells[0].skipped = "does not fit here, where nothing is served";
  roles = choose_roles({.mpi = true, .server_rank = 1}, false, 3);
  fit_to_ranks(plan, roles, machines);
  EXPECT_FALSE(plan.cells[0].skipped);
  machines[1].skipped[0] = "needs 10 threads";
  fit_to_ranks(plan, roles, machines);
  EXPECT_EQ(plan.cells[0].skipped, "host B: needs 10 threads");
}

TEST_F(RolesInAPlan, AShareThatPortsDoNotSufficeForIsSkipped) {
  plan.groups[0].load.connections = 20'001;
  machines[2].ports = 10'000;
  fit_to_ranks(plan, roles, machines);
  EXPECT_FALSE(plan.cells[0].skipped) << "the odd one is B's";
  machines[1].ports = 10'000;
  fit_to_ranks(plan, roles, machines);
  ASSERT_TRUE(plan.cells[0].skipped);
  EXPECT_THAT(*plan.cells[0].skipped, HasSubstr("host B has 10,000 ports for its 10,001 connections"));
}

TEST_F(RolesInAPlan, EachGeneratorNeedsAConnection) {
  plan.groups[0].load.connections = 1;
  fit_to_ranks(plan, roles, machines);
  EXPECT_EQ(plan.cells[0].skipped, "1 connections are too few for 2 load generators");
}

}  // namespace
}  // namespace bench
