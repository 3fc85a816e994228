// Why: what runs beside a measurement has to be what it is said to be: the program alone, with nothing of ours, and
// gone when its owner is.
#include "workloads/child_program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "models/talk/transfer.h"
#include "tests/support/children.h"
#include "workloads/script.h"

namespace bench {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class ChildPrograms : public testing::TestWithParam<MadeBy> {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    out_ = UniqueFd(ends[0]);
    in_ = UniqueFd(ends[1]);
  }

  int start(const ProgramCall& call, const char* argument = nullptr) {
    return program_.start(GetParam(), call, argument, in_.get());
  }

  // All that the program prints.
  std::string output() {
    in_.reset();
    std::string text;
    std::array<char, 4096> room{};
    for (ssize_t size = 1; size > 0;) {
      size = read(out_.get(), room.data(), room.size());
      if (size > 0) text.append(room.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

  // Its exit status, or 128 and its signal.
  std::int64_t end() {
    Transfer waiting = end_of(program_.pidfd());
    const std::int64_t status = do_transfer(waiting);
    UniqueFd(program_.release()).reset();
    return status;
  }

  ChildProgram program_;

 private:
  UniqueFd out_;
  UniqueFd in_;
};

std::string name_of(const testing::TestParamInfo<MadeBy>& instance) {
  constexpr std::array names{"fork", "vfork", "posix_spawn"};
  return names.at(static_cast<std::size_t>(instance.param));
}

INSTANTIATE_TEST_SUITE_P(Ways, ChildPrograms, testing::Values(MadeBy::fork, MadeBy::vfork, MadeBy::posix_spawn),
                         name_of);

TEST_P(ChildPrograms, GetTheirArgumentAsItIs) {
  ASSERT_EQ(start({"/usr/bin/printf", "%s,"}, "$(true) ; * %d -n 'x'"), 0);
  EXPECT_EQ(output(), "$(true) ; * %d -n 'x',");
  EXPECT_EQ(end(), 0);
}

TEST_P(ChildPrograms, HaveNoDescriptorButTheirThree) {
  const auto given = static_cast<std::ptrdiff_t>(descriptors_for_programs());
  ASSERT_EQ(start({"/bin/ls", "-1"}, "/proc/self/fd"), 0);
  const std::string names = output();
  EXPECT_EQ(std::ranges::count(names, '\n'), 4 + given) << names;  // the fourth is that of the folder
  EXPECT_EQ(end(), 0);
}

TEST_P(ChildPrograms, FindAnEmptyInput) {
  ASSERT_EQ(start({"/bin/cat"}), 0);
  EXPECT_EQ(output(), "");
  EXPECT_EQ(end(), 0);
}

TEST_P(ChildPrograms, FindOneVariableAlone) {
  ASSERT_EQ(start({"/usr/bin/env"}), 0);
  EXPECT_EQ(output(), "LC_ALL=C\n");
  EXPECT_EQ(end(), 0);
}

TEST_P(ChildPrograms, PrintTheirErrorsToTheSamePlace) {
  ASSERT_EQ(start({"/bin/sh", "-c", "echo wrong >&2; exit 7"}), 0);
  EXPECT_EQ(output(), "wrong\n");
  EXPECT_EQ(end(), 7);
}

// A run ignores SIGPIPE, and a unit may hold a signal back.
TEST_P(ChildPrograms, IgnoreAndBlockNoSignal) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  sigset_t held;
  sigset_t mask;
  sigemptyset(&held);
  sigaddset(&held, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &held, &mask);
  const int error = start({"/bin/grep", "-E", "^Sig(Ign|Blk)"}, "/proc/self/status");
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &mask, &after);
  signal(SIGPIPE, before);
  ASSERT_EQ(error, 0);
  // But for the two that glibc keeps for itself, 32 and 33, which its posix_spawn ignores.
  EXPECT_THAT(output(), MatchesRegex("SigBlk:\t0000000000000000\nSigIgn:\t0000000[01][08]0000000\n"));
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(sigismember(&after, SIGTERM), 1);
  EXPECT_EQ(sigismember(&after, SIGUSR1), 0);
}

TEST_P(ChildPrograms, ThatCannotBeRunAreToldByTheirErrno) {
  EXPECT_EQ(start({"/nonexistent/program"}), ENOENT);
  EXPECT_EQ(start({"/etc"}), EACCES);
  EXPECT_EQ(start({"/etc/passwd/program"}), ENOTDIR);
  EXPECT_FALSE(program_.is_running());
  EXPECT_TRUE(is_childless());
}

TEST_P(ChildPrograms, AreNotLeftBehindWhereDescriptorsRunOut) {
  const int next = dup(STDOUT_FILENO);
  close(next);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const int error = start({"/bin/sleep", "1000"});
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(error, EMFILE);
  EXPECT_FALSE(program_.is_running());
  EXPECT_TRUE(is_childless());
}

TEST_P(ChildPrograms, EndWhenTheyAreKilled) {
  ASSERT_EQ(start({"/bin/sleep", "1000"}), 0);
  program_.kill();
  EXPECT_EQ(end(), 128 + SIGKILL);
}

TEST_P(ChildPrograms, GoWithTheirOwner) {
  for (const bool watched : {false, true}) {
    {
      ChildProgram owned;
      const UniqueFd output(open("/dev/null", O_WRONLY | O_CLOEXEC));
      ASSERT_EQ(owned.start(GetParam(), {"/bin/sleep", "1000"}, nullptr, output.get()), 0);
      if (watched) fcntl(owned.pidfd(), F_SETFL, O_NONBLOCK);  // as some loops do
      EXPECT_FALSE(is_childless());
    }
    EXPECT_TRUE(is_childless());
  }
}

// Its owner has no chance to end it.
TEST_P(ChildPrograms, DieWithTheProcessThatStartedThem) {
  if (GetParam() == MadeBy::posix_spawn) GTEST_SKIP() << "nothing of ours runs in the child";
  const pid_t parent = fork();
  if (parent == 0) {
    if (start({"/bin/sleep", "1000"}) != 0) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(output(), "");  // ends only when nobody has the pipe's other end
}

TEST(StartFailure, NamesTheProgramAndTheRemedy) {
  EXPECT_THAT(start_failure("/bin/true", EAGAIN).what(), StartsWith("start /bin/true (see `ulimit -u`): "));
  EXPECT_THAT(start_failure("/bin/true", EMFILE).what(), HasSubstr("ulimit -n"));
  EXPECT_EQ(std::string(start_failure("/bin/x", ENOENT).what()), "start /bin/x: No such file or directory");
}

}  // namespace
}  // namespace bench
