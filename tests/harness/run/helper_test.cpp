// Why: a job whose helper server fails sees but what follows from it, and the reader has to hear why.
#include "harness/run/helper.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "models/talk/transfer.h"
#include "workloads/script.h"

namespace bench {
namespace {

constexpr Service failing{
    .name = "fails",
    .summary = "",
    .parameters = {},
    .open = [](const ServiceContext&) -> std::unique_ptr<Session> { throw std::runtime_error("deliberate"); },
    .exchange = nullptr};

// What a launcher and a run do about it.
[[noreturn]] void launch(RunReport& report) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t run = fork();
  if (run == 0) {
    setpgid(0, 0);
    report.process_group = getpid();
    const Helper helper(failing, report);
    Transfer connecting = connect_to(helper.port());
    do_transfer(connecting);
    while (true) pause();  // until the helper ends the run
  }
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  _exit(0);
}

TEST(Helper, FailsTheRunWithItsOwnReason) {
  SharedArray<RunReport> report(1);
  const pid_t launcher = fork();
  ASSERT_GE(launcher, 0);
  if (launcher == 0) launch(report[0]);
  ASSERT_EQ(waitpid(launcher, nullptr, 0), launcher);
  EXPECT_EQ(report[0].failure.reason(), "the helper server: a unit threw: deliberate");
}

}  // namespace
}  // namespace bench
