// Why: `bench ab` runs other builds; their errors have to reach its user, and an interrupt has to reach them.
#include "harness/run/program.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <system_error>

#include "measure/clock.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

bool for_ever() { return true; }

ProgramEnd shell(const std::string& script, const std::function<bool()>& go_on = for_ever) {
  return run_to_end({"sh", "-c", script}, "", go_on);
}

TEST(Program, TellsHowItEndedAndWhatItSaid) {
  const ProgramEnd end = shell("echo shown >&1; echo said >&2; exit 7");
  EXPECT_EQ(end.status, 7);
  EXPECT_EQ(end.said, "said\n");
  EXPECT_FALSE(end.cancelled);
  EXPECT_EQ(shell("kill -9 $$").status, 128 + SIGKILL);
}

TEST(Program, RunsInTheFolderThatIsNamed) {
  const TempFolder folder;
  EXPECT_EQ(run_to_end({"sh", "-c", "pwd >&2"}, folder.path(), for_ever).said, folder.path() + "\n");
}

TEST(Program, KeepsTheEndOfMuchThatIsSaid) {
  const ProgramEnd end = shell("head -c 300000 /dev/zero | tr '\\0' x >&2; echo end >&2");
  EXPECT_EQ(end.said.size(), 64U * 1024);
  EXPECT_TRUE(end.said.ends_with("xend\n"));
}

// Also where this program ignores interrupts, as one that a shell has started in the background.
TEST(Program, IsInterruptedWhereItIsNotToGoOn) {
  const auto before = signal(SIGINT, SIG_IGN);
  const ProgramEnd end = shell("trap 'trap \"\" INT; echo interrupted >&2; exit 3' INT; while :; do sleep 0.05; done",
                               [asked = 0]() mutable { return ++asked < 5; });
  signal(SIGINT, before);
  EXPECT_TRUE(end.cancelled);
  EXPECT_EQ(end.said, "interrupted\n");
  EXPECT_EQ(end.status, 3);
}

TEST(Program, DiesOfAPipeThatNobodyReads) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  const ProgramEnd end = shell("sh -c 'kill -PIPE $$; echo lives >&2'");
  signal(SIGPIPE, before);
  EXPECT_EQ(end.status, 128 + SIGPIPE);
  EXPECT_EQ(end.said, "");
}

TEST(Program, EndsThoughItClosesItsErrors) { EXPECT_EQ(shell("exec 2>&-; sleep 0.3; exit 5").status, 5); }

TEST(Program, CannotBeStartedWhereThereIsNone) {
  EXPECT_THROW(run_to_end({"/nowhere/bench"}, "", for_ever), std::system_error);
  EXPECT_THROW(run_to_end({"sh", "-c", "exit"}, "/nowhere", for_ever), std::system_error);
}

}  // namespace
}  // namespace bench
