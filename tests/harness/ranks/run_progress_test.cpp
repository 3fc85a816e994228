#include "harness/ranks/run_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bench {
namespace {

Word reached(RunStep step, std::uint32_t port = 0) {
  return {.kind = Word::Kind::reached, .step = static_cast<std::uint32_t>(step), .port = port};
}

Word ended(std::string_view reason = {}, RunOutcome outcome = {}) {
  Word word{.kind = Word::Kind::ended, .outcome = outcome};
  copy_text(reason, word.reason);
  return word;
}

const std::vector<std::string> hosts{"A", "B", "C"};
constexpr auto listening = static_cast<std::uint32_t>(RunStep::listening);

TEST(RunProgress, OpensAStepOnceAllHaveComeToIt) {
  RunProgress progress({1, 2, 0}, 3);
  EXPECT_EQ(progress.open_next(), std::nullopt);
  progress.take(0, reached(RunStep::listening, 4711));
  progress.take(1, reached(RunStep::listening));
  EXPECT_EQ(progress.open_next(), std::nullopt);
  progress.take(2, reached(RunStep::listening));
  EXPECT_EQ(progress.open_next(), listening);
  EXPECT_EQ(progress.open_next(), std::nullopt) << "once";
  EXPECT_EQ(progress.port(), 4711U);
}

TEST(RunProgress, AddsUpHowFarAllAreWithTheirConnections) {
  RunProgress progress({0, 1, 2}, 3);
  Word far{.kind = Word::Kind::connecting, .established = 3};
  progress.take(1, far);
  far.errors[1] = 2;
  progress.take(2, far);
  progress.take(2, far);  // as before
  Connecting whole{};
  progress.tell(whole);
  EXPECT_EQ(whole.established.load(), 6U);
  EXPECT_EQ(whole.errors[1].load(), 2U);
  EXPECT_EQ(progress.open_next(), std::nullopt);
}

TEST(RunProgress, WhoHasEndedWellHoldsNobodyUp) {
  RunProgress progress({0, 1}, 3);
  progress.take(0, ended());
  progress.take(1, reached(RunStep::drained));
  EXPECT_EQ(progress.open_next(), static_cast<std::uint32_t>(RunStep::drained));
  EXPECT_FALSE(progress.all_ended());
  progress.take(1, ended());
  EXPECT_TRUE(progress.all_ended());
  EXPECT_EQ(progress.failure(hosts), "");
}

TEST(RunProgress, OpensNothingMoreOnceAPartHasFailed) {
  RunProgress progress({0, 1, 2}, 3);
  progress.take(1, ended("no descriptors"));
  progress.take(0, reached(RunStep::listening));
  progress.take(2, reached(RunStep::listening));
  EXPECT_TRUE(progress.has_failed());
  EXPECT_EQ(progress.open_next(), std::nullopt);
}

TEST(RunProgress, TheFirstReasonIsThatOfTheWholeAndNamesItsHost) {
  RunProgress progress({0, 1, 2}, 3);
  progress.take(2, ended("no descriptors"));
  progress.take(0, ended("was interrupted", {.cancelled = true}));
  progress.take(1, ended("was interrupted", {.cancelled = true}));
  EXPECT_EQ(progress.failure(hosts), "rank 2 on host C: no descriptors");
  EXPECT_FALSE(progress.outcome().cancelled) << "not by the user";
}

TEST(RunProgress, ARunThatTheUserEndsIsCancelled) {
  RunProgress progress({0, 1}, 3);
  progress.take(1, ended("was interrupted", {.cancelled = true}));
  progress.take(0, ended("was interrupted", {.cancelled = true}));
  EXPECT_TRUE(progress.outcome().cancelled);
}

TEST(RunProgress, SaysWhoKeptTheOthersWaiting) {
  RunProgress progress({0, 1, 2}, 3);
  for (const std::uint32_t rank : {0U, 1U, 2U}) progress.take(rank, reached(RunStep::listening));
  ASSERT_EQ(progress.open_next(), listening);
  progress.take(0, reached(RunStep::connected));
  progress.take(1, reached(RunStep::connected));
  progress.take(0, ended("did not end within 10 s", {.timed_out = true}));
  EXPECT_EQ(progress.failure(hosts),
            "rank 0 on host A: did not end within 10 s; the others waited for rank 2 on host C to be connected");
}

}  // namespace
}  // namespace bench
