#include "harness/ranks/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/load/url.h"
#include "workloads/service.h"

namespace bench {
namespace {

using testing::HasSubstr;

class Handshake : public testing::Test {
 protected:
  Handshake() {
    plan.cells.emplace_back().name = "echo/epoll/connections:100";
    machine.host = "A";
    first = hello_of(options, plan, machine, 0);
    machine.host = "B";
    other = hello_of(options, plan, machine, 1);
  }

  std::string refusals() const { return refusals_of({first, other}); }

  Options options;
  Plan plan;
  Machine machine;
  nlohmann::json first;
  nlohmann::json other;
};

TEST_F(Handshake, TwoOfOneBuildAndPlanFit) { EXPECT_EQ(refusals(), ""); }

TEST_F(Handshake, NamesTheHostAndWhatDiffers) {
  other["revision"] = "0123456";
  EXPECT_THAT(refusals(),
              HasSubstr("rank 1 on host B cannot take part: its revision is '0123456', that of rank 0 on host A"));
  other = first;
  other["schema"] = 1;
  EXPECT_THAT(refusals(), HasSubstr("schema of results is '1'"));
  other = first;
  other["compiler"] = "another";
  EXPECT_THAT(refusals(), HasSubstr("its compiler is 'another'"));
}

TEST_F(Handshake, AnotherBuildOfTheSameSourcesIsRefused) {
  other["program"] = "0123456789abcdef";
  EXPECT_THAT(refusals(), HasSubstr("another build of the same sources"));
}

TEST_F(Handshake, OtherOptionsAreRefused) {
  plan.cells[0].name = "echo/epoll/connections:200";
  other = hello_of(options, plan, machine, 1);
  EXPECT_THAT(refusals(), HasSubstr("rank 1 on host B cannot take part: it was given other options than rank 0"));
  plan.cells[0].name = "echo/epoll/connections:100";
  plan.services.client.duration = std::chrono::seconds(1);
  other = hello_of(options, plan, machine, 1);
  EXPECT_THAT(refusals(), HasSubstr("other options"));
}

TEST_F(Handshake, WhatAloneDecidesWhoDoesWhatIsAnOptionToo) {
  options.over.server_rank = 1;
  other = hello_of(options, plan, machine, 1);
  EXPECT_THAT(refusals(), HasSubstr("other options"));
  options.over.server_rank = 0;
  options.load.emplace().headers = {"Accept: text/html"};
  first = hello_of(options, plan, machine, 0);
  options.load->headers = {"Accept: text/plain"};
  other = hello_of(options, plan, machine, 1);
  EXPECT_THAT(refusals(), HasSubstr("other options"));
}

TEST_F(Handshake, MachinesMayHaveOtherNumbersOfCpus) {
  plan.cells[0].name = "echo/thread-pool/connections:100/workers:2/stack:9";
  first = hello_of(options, plan, machine, 0);
  plan.cells[0].name = "echo/thread-pool/connections:100/workers:64/stack:9";
  other = hello_of(options, plan, machine, 1);
  EXPECT_EQ(refusals(), "");
  plan.cells[0].name = "echo/thread-pool/connections:100/workers:2/stack:7";
  other = hello_of(options, plan, machine, 1);
  EXPECT_THAT(refusals(), HasSubstr("other options"));
}

TEST_F(Handshake, WhatANewerOrOlderVersionDoesNotSayIsUnknown) {
  other = nlohmann::json::parse(R"({"host": "B", "version": "0.0.1"})");
  EXPECT_THAT(refusals(), HasSubstr("its version is '0.0.1'"));
  other = nlohmann::json();
  EXPECT_THAT(refusals(), HasSubstr("rank 1 on host unknown cannot take part: its version is 'unknown'"));
}

TEST_F(Handshake, SaysWhichServerIsOnTheMachineItself) {
  plan.groups.emplace_back();
  const auto said = [&](const char* url) {
    plan.groups[0].foreign.emplace().target = parse_url(url, all_services()).target;
    return hello_of(options, plan, machine, 1).at("local_target");
  };
  EXPECT_EQ(said("http://127.0.0.1:80/"), "127.0.0.1:80");
  EXPECT_EQ(said("http://127.1.2.3:80/"), "127.1.2.3:80");
  EXPECT_EQ(said("http://0.0.0.0:80/"), "0.0.0.0:80");
  EXPECT_EQ(said("http://[::1]:80/"), "[::1]:80");
  EXPECT_EQ(said("http://[::ffff:127.0.0.1]:80/"), "[::ffff:127.0.0.1]:80");
  EXPECT_EQ(said("http://10.0.0.9:80/"), "");
  plan.groups[0].foreign->target = parse_url("http://x/", all_services(), "/run/x").target;
  EXPECT_EQ(hello_of(options, plan, machine, 1).at("local_target"), "/run/x");
}

TEST_F(Handshake, SaysWhichCellsDoNotFit) {
  plan.cells[0].skipped = "needs 10 threads";
  EXPECT_EQ(hello_of(options, plan, machine, 1).at("skipped").at("0"), "needs 10 threads");
}

}  // namespace
}  // namespace bench
