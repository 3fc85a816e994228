// Why: a run that leaves its files behind fills the disk, and one that removes those of another run breaks it. A run's
// folder must be gone however the run has ended.
#include "harness/run/scratch_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/support/faulty_tables.h"
#include "tests/support/own_folder.h"
#include "tests/support/test_runs.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

void write_file(const std::string& path) { std::ofstream(path) << "text"; }

TEST(ScratchFolder, IsThisUsersAloneAndEmpty) {
  const OwnTemporaryFolder own;
  const ScratchFolder folder;
  struct stat status {};
  ASSERT_EQ(stat(folder.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  EXPECT_THAT(folder.path(), testing::StartsWith(own.path() + "/bench-"));
  EXPECT_THAT(names_in(folder.scratch().path), IsEmpty());
}

TEST(ScratchFolder, GoesWithAllThatIsInIt) {
  const OwnTemporaryFolder own;
  {
    const ScratchFolder folder;
    fs::create_directories(folder.scratch().path + "/a/b/c");
    write_file(folder.scratch().path + "/a/b/file");
    fs::create_symlink(own.path(), folder.scratch().path + "/link");  // what it leads to stays
    write_file(own.path() + "/beside");
  }
  EXPECT_THAT(names_in(own.path()), testing::ElementsAre("beside"));
}

TEST(ScratchFolder, StaysWhenAForkedProcessForgetsIt) {
  const OwnTemporaryFolder own;
  ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    folder.remove();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_THAT(names_in(own.path()), SizeIs(1));
}

TEST(ScratchFolder, SaysPathReasonAndRemedyWhereThereCanBeNone) {
  const OwnTemporaryFolder own;
  const std::string missing = own.path() + "/missing";
  setenv("TMPDIR", missing.c_str(), 1);
  try {
    const ScratchFolder folder;
    FAIL() << "made " << folder.path();
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(missing), HasSubstr("$TMPDIR"), HasSubstr("No such file or directory")));
  }
}

// As after kill -9 of the whole tree; a child of the one that made the folder keeps it.
TEST(ScratchFolder, RemovesThoseWhoseProcessesHaveAllEnded) {
  const OwnTemporaryFolder own;
  const pid_t maker = fork();
  if (maker == 0) {
    const ScratchFolder forsaken;
    write_file(forsaken.scratch().path + "/file");
    kill(getpid(), SIGKILL);
  }
  waitpid(maker, nullptr, 0);
  fs::create_directory(own.path() + "/bench-abcdef");  // a folder of the user's
  write_file(own.path() + "/bench-fedcba");
  const ScratchFolder alive;
  EXPECT_THAT(names_in(own.path()), SizeIs(3));
  {
    const ScratchFolder another;
    EXPECT_TRUE(fs::exists(alive.scratch().path)) << "one that is in use";
  }
  EXPECT_TRUE(fs::exists(own.path() + "/bench-abcdef"));
  EXPECT_TRUE(fs::exists(own.path() + "/bench-fedcba"));
}

TEST(ScratchFolder, StaysWhileAChildOfItsMakerLives) {
  const OwnTemporaryFolder own;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t maker = fork();
  if (maker == 0) {
    const ScratchFolder folder;
    if (fork() == 0) {
      char byte = 0;
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);  // until the test lets go
    }
    kill(getpid(), SIGKILL);
  }
  close(ends[0]);
  waitpid(maker, nullptr, 0);
  remove_forsaken_folders();
  EXPECT_THAT(names_in(own.path()), SizeIs(1));
  close(ends[1]);
  for (int tries = 0; tries < 2000 && !names_in(own.path()).empty(); ++tries) {
    usleep(10'000);
    remove_forsaken_folders();
  }
  EXPECT_THAT(names_in(own.path()), IsEmpty());
}

TEST(ScratchFolder, IsMadeByManyAtOnce) {
  const OwnTemporaryFolder own;
  std::vector<pid_t> makers;
  for (int i = 0; i < 8; ++i) {
    const pid_t maker = fork();
    if (maker == 0) {
      for (int round = 0; round < 50; ++round) {
        const ScratchFolder folder;
        write_file(folder.scratch().path + "/file");
        if (!fs::exists(folder.scratch().path + "/file")) _exit(1);
      }
      _exit(0);
    }
    makers.push_back(maker);
  }
  for (const pid_t maker : makers) {
    int status = 0;
    waitpid(maker, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(names_in(own.path()), IsEmpty());
}

// ---- Of runs ----

bool always(const Batch&) { return true; }

void fill(const Batch& batch) {
  fs::remove_all(batch.scratch.path + "/filled");
  write_file(batch.scratch.path + "/filled");
}

// Leaves a file in the folder, which has to be there and filled.
void leave(const Task& task) {
  if (!fs::exists(task.batch.scratch.path + "/filled")) throw std::runtime_error("the folder was not filled");
  write_file(task.batch.scratch.path + "/" + std::to_string(task.index));
}

Script ends(const Task& task) {
  leave(task);
  task.outcome = task.index;
  co_return;
}

Script throws(const Task& task) {
  leave(task);
  throw std::runtime_error("deliberate");
  co_return;
}

Script is_killed(const Task& task) {
  leave(task);
  kill(getpid(), SIGKILL);
  co_return;
}

Script hangs(const Task& task) {
  leave(task);
  while (true) {
    co_yield wait_for(1s);
  }
}

std::optional<std::string> accept(const Batch& batch, std::span<const std::uint64_t>) {
  return fs::exists(batch.scratch.path + "/0") ? std::nullopt : std::optional<std::string>("no file is left");
}

std::optional<std::string> refuse(const Batch&, std::span<const std::uint64_t>) { return "deliberately wrong"; }

Job job_that(Script (*task)(const Task&), decltype(Job::check) check = accept) {
  return {.name = "leaves-a-file",
          .summary = "",
          .parameters = {},
          .task = task,
          .check = check,
          .needs_scratch = always,
          .fill_scratch = fill};
}

TestCell cell_of(std::string_view model, const Job& job) {
  return {.model = &model_named(model), .job = &job, .parameters = {.tasks = 3, .work = 0, .waits = {}}};
}

class ScratchOfRuns : public testing::TestWithParam<std::string_view> {
 protected:
  // How such a run ends; nothing is left of its folder.
  std::string end_of(const Job& job, std::chrono::nanoseconds time_limit = generous) {
    const OwnTemporaryFolder own;
    TestRuns runs({cell_of(GetParam(), job)});
    Ended ended = runs.run(RunKind::measure, 0, time_limit);
    EXPECT_THAT(names_in(own.path()), IsEmpty());
    return ended.reason;
  }
};
INSTANTIATE_TEST_SUITE_P(Models, ScratchOfRuns,
                         testing::Values("serial", "threads", "processes", "process-pool", "epoll", "coroutines"),
                         [](const auto& instance) { return test_name(instance.param); });

TEST_P(ScratchOfRuns, IsFilledAndGoneAtTheEnd) { EXPECT_EQ(end_of(job_that(ends)), ""); }

TEST_P(ScratchOfRuns, IsGoneAfterAFailedCheck) {
  EXPECT_THAT(end_of(job_that(ends, refuse)), HasSubstr("deliberately wrong"));
}

TEST_P(ScratchOfRuns, IsGoneAfterATaskThatThrew) { EXPECT_THAT(end_of(job_that(throws)), HasSubstr("deliberate")); }

TEST_P(ScratchOfRuns, IsGoneAfterAUnitThatWasKilled) { EXPECT_NE(end_of(job_that(is_killed)), ""); }

TEST_P(ScratchOfRuns, IsGoneAfterARunThatHung) {
  EXPECT_THAT(end_of(job_that(hangs), 300ms), HasSubstr("did not end"));
}

TEST_P(ScratchOfRuns, IsGoneAfterARunThatWasCancelled) {
  const OwnTemporaryFolder own;
  const Job job = job_that(hangs);
  TestRuns runs({cell_of(GetParam(), job)});
  const RunRequest request{.time_limit_ns = std::chrono::nanoseconds(generous).count()};
  const RunOutcome outcome = runs.launcher().run(request, [] { return Wish::nothing; });
  EXPECT_TRUE(outcome.cancelled);
  EXPECT_THAT(names_in(own.path()), IsEmpty());
}

TEST(ScratchOfARun, ThatCannotBeMadeFailsIt) {
  const OwnTemporaryFolder own;
  const std::string missing = own.path() + "/missing";
  setenv("TMPDIR", missing.c_str(), 1);
  const Job job = job_that(ends);
  TestRuns runs({cell_of("threads", job)});
  EXPECT_THAT(runs.run(RunKind::measure).reason, AllOf(HasSubstr(missing), HasSubstr("$TMPDIR")));
}

// A launcher that is killed with its runs can remove nothing; the next run does.
TEST(ScratchOfARun, IsRemovedByTheNextWhereTheLauncherWasKilled) {
  const OwnTemporaryFolder own;
  const Job hanging = job_that(hangs);
  const Job ending = job_that(ends);
  {
    TestRuns runs({cell_of("processes", hanging)});
    const RunRequest request{.time_limit_ns = std::chrono::nanoseconds(generous).count()};
    EXPECT_THROW(runs.launcher().run(request,
                                     [&] {
                                       if (!names_in(own.path()).empty()) kill(runs.process(), SIGKILL);
                                       return Wish::all;
                                     }),
                 std::runtime_error);
  }
  EXPECT_THAT(names_in(own.path()), SizeIs(1));
  for (int tries = 0; tries < 100 && !names_in(own.path()).empty(); ++tries) {  // its processes are dying
    usleep(10'000);
    TestRuns runs({cell_of("serial", ending)});
    EXPECT_EQ(runs.run(RunKind::measure).reason, "");
  }
  EXPECT_THAT(names_in(own.path()), IsEmpty());
}

}  // namespace
}  // namespace bench
