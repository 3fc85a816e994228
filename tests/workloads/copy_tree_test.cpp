// Why: a copy that lacks a file, a mode or a byte must fail its run, and one that fails must leave no half of a file.
#include "workloads/copy_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "models/talk/transfer.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/own_folder.h"
#include "tests/support/test_runs.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Optional;

const Job& copy() { return job_named("copy"); }

class CopiesATree : public testing::Test {
 protected:
  CopiesATree() : batch_(batch_told(copy(), {{"tasks", {"4"}}, {"work", {"80"}}, {"tree", {"30:3"}}})) {
    batch_.scratch = folder_.scratch();
    copy().fill_scratch(batch_);
  }

  std::uint64_t run(std::uint32_t index) const {
    std::uint64_t outcome = 0;
    const Task task{.batch = batch_, .index = index, .outcome = outcome};
    Script script = copy().task(task);
    while (script.advance()) script.operation().result = do_transfer(script.operation().transfer);
    return outcome;
  }

  std::vector<std::uint64_t> run_all() const {
    std::vector<std::uint64_t> outcomes;
    for (std::uint32_t index = 0; index < batch_.tasks; ++index) outcomes.push_back(run(index));
    return outcomes;
  }

  std::optional<std::string> wrong(const std::vector<std::uint64_t>& outcomes) const {
    return copy().check(batch_, outcomes);
  }

  std::string copied(std::uint64_t number) const {
    return batch_.scratch.path + "/to/" + tree_file(batch_, number).path;
  }

  const ScratchFolder folder_;
  Batch batch_;
};

TEST_F(CopiesATree, WithAllItsFilesAndNothingElse) {
  const std::vector<std::uint64_t> outcomes = run_all();
  EXPECT_EQ(wrong(outcomes), std::nullopt);
  for (std::uint32_t index = 0; index < batch_.tasks; ++index) {
    EXPECT_EQ(copy().compute(batch_, index), outcomes[index]) << "as a plain loop";
  }
  EXPECT_EQ(wrong(outcomes), std::nullopt) << "over the files of the copy before";
}

TEST_F(CopiesATree, OfSeveralSizesModesAndLevels) {
  std::set<std::uint64_t> sizes;
  std::set<std::uint32_t> modes;
  std::set<std::ptrdiff_t> levels;
  std::uint64_t bytes = 0;
  constexpr std::uint64_t files = 8 * 11 * 7;
  for (std::uint64_t number = 0; number < files; ++number) {
    const TreeFile file = tree_file(batch_, number);
    sizes.insert(file.bytes);
    modes.insert(file.mode);
    levels.insert(std::ranges::count(file.path, '/'));
    bytes += file.bytes;
  }
  EXPECT_GE(sizes.size(), 20U);
  EXPECT_TRUE(sizes.contains(0));
  EXPECT_THAT(
      modes, AllOf(testing::Contains(0644), testing::Contains(0600), testing::Contains(0755), testing::Contains(0444)));
  EXPECT_THAT(levels, testing::ElementsAre(0, 1, 2));
  EXPECT_NEAR(static_cast<double>(bytes) / files, 80 * 1024, 16);
}

TEST_F(CopiesATree, AnewInEachBatch) {
  run_all();
  copy().fill_scratch(batch_);
  EXPECT_THAT(wrong({run(0), run(1), run(2), run(3)}), std::nullopt);
  copy().fill_scratch(batch_);
  EXPECT_TRUE(fs::is_empty(batch_.scratch.path + "/to"));
}

TEST_F(CopiesATree, AndNoticesWhatIsWrongWithIt) {
  const std::vector<std::uint64_t> outcomes = run_all();
  const auto verdict_after = [&](const std::function<void()>& change) {
    copy().fill_scratch(batch_);
    run_all();
    change();
    return wrong(outcomes);
  };
  EXPECT_EQ(verdict_after([] {}), std::nullopt);
  EXPECT_THAT(verdict_after([&] { fs::remove(copied(7)); }), Optional(HasSubstr(copied(7) + " was not copied")));
  EXPECT_THAT(verdict_after([&] { std::ofstream(copied(7) + "x") << "x"; }),
              Optional(HasSubstr("is no file of the tree")));
  EXPECT_THAT(verdict_after([&] { fs::create_symlink("/", copied(7) + "x"); }),
              Optional(HasSubstr("is no file of the tree")));
  EXPECT_THAT(verdict_after([&] { fs::permissions(copied(7), fs::perms(0640)); }),
              Optional(HasSubstr("has mode 0640, expected 0644")));
  EXPECT_THAT(verdict_after([&] { fs::resize_file(copied(7), 5); }), Optional(HasSubstr("has 5 bytes, expected")));
  EXPECT_THAT(verdict_after([&] {
                std::fstream file(copied(7), std::ios::in | std::ios::out);
                file.seekp(70'000);
                file << "X";
              }),
              Optional(AllOf(HasSubstr(copied(7)), HasSubstr("has wrong bytes"))));
  EXPECT_THAT(verdict_after([&] {
                fs::remove(copied(8));
                fs::copy_file(copied(16), copied(8));
              }),
              Optional(HasSubstr(copied(8))));
}

TEST_F(CopiesATree, AndNoticesWrongOutcomes) {
  std::vector<std::uint64_t> outcomes = run_all();
  outcomes[2] += 1;
  EXPECT_THAT(wrong(outcomes), Optional(HasSubstr("task 2 ")));
  outcomes[2] = outcomes[3];
  EXPECT_THAT(wrong(outcomes), Optional(HasSubstr("task 2 ")));
}

TEST_F(CopiesATree, WithFewerFilesThanTasks) {
  batch_ = batch_told(copy(), {{"tasks", {"4"}}, {"work", {"1"}}, {"tree", {"2"}}});
  const ScratchFolder other;
  batch_.scratch = other.scratch();
  copy().fill_scratch(batch_);
  const std::vector<std::uint64_t> outcomes = run_all();
  EXPECT_EQ(wrong(outcomes), std::nullopt);
  EXPECT_EQ(std::set(outcomes.begin(), outcomes.end()).size(), 4U);
}

// Files may grow to 100,000 bytes, as on a disk that is full after that.
TEST_F(CopiesATree, AndLeavesNoHalfOfAFileThatFails) {
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  const auto kept = signal(SIGXFSZ, SIG_IGN);
  const rlimit few{.rlim_cur = 100'000, .rlim_max = usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &few), 0);
  std::string reason;
  std::uint32_t failing = 0;
  for (; failing < batch_.tasks && reason.empty(); ++failing) {
    try {
      run(failing);
    } catch (const std::system_error& error) {
      reason = error.what();
    }
  }
  setrlimit(RLIMIT_FSIZE, &usual);
  signal(SIGXFSZ, kept);
  EXPECT_THAT(reason, AllOf(HasSubstr("write " + batch_.scratch.path + "/to/"), HasSubstr("$TMPDIR"),
                            HasSubstr("File too large")));
  std::size_t whole = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(batch_.scratch.path + "/to")) {
    if (entry.is_directory()) continue;
    ++whole;
    EXPECT_NE(entry.path().extension(), ".partial") << entry.path();
    EXPECT_LE(entry.file_size(), 100'000U);
  }
  EXPECT_LT(whole, tree_files(batch_));
}

TEST_F(CopiesATree, AndSaysWhereItMayNotWrite) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  fs::permissions(batch_.scratch.path + "/to", fs::perms(0500));
  std::string reason;
  try {
    run(0);
  } catch (const std::exception& error) {
    reason = error.what();
  }
  fs::permissions(batch_.scratch.path + "/to", fs::perms(0700));
  EXPECT_THAT(reason, AllOf(HasSubstr(batch_.scratch.path + "/to/"), HasSubstr("Permission denied")));
}

}  // namespace
}  // namespace bench
