// Why: results that took an hour must not be lost to a name, a crash or another program.
#include "harness/report/result_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/options/options.h"
#include "tests/support/subprocess.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::UnorderedElementsAre;

std::string refusal_to_write(const std::string& path, Taken taken) {
  try {
    const ResultFile file(path, taken);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "(accepted)";
}

TEST(ResultFile, IsWrittenAsAWholeAndLeavesNothingElse) {
  const TempFolder folder;
  const std::string path = folder.file("r.json");
  ResultFile file(path, Taken::refuse);
  EXPECT_THAT(folder.entries(), IsEmpty());  // nothing before there is something to say
  file.write({{"number", 1}});
  EXPECT_EQ(nlohmann::json::parse(read_text(path))["number"], 1);
  file.write({{"number", 2}});
  EXPECT_EQ(nlohmann::json::parse(read_text(path))["number"], 2);
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
  EXPECT_EQ(file.path(), path);
}

TEST(ResultFile, KeepsTheOldDocumentForWhoeverHasItOpen) {
  const TempFolder folder;
  const std::string path = folder.file("r.json");
  ResultFile file(path, Taken::refuse);
  file.write({{"number", 1}});
  std::ifstream reader(path);
  file.write({{"number", 2}});
  EXPECT_EQ(nlohmann::json::parse(reader)["number"], 1);
}

TEST(ResultFile, OverwritesOnlyWithForce) {
  const TempFolder folder;
  const std::string path = folder.file("r.json");
  std::ofstream(path) << "precious";
  EXPECT_THAT(refusal_to_write(path, Taken::refuse),
              AllOf(HasSubstr(path), HasSubstr("exists already"), HasSubstr("--force")));
  EXPECT_EQ(read_text(path), "precious");
  ResultFile file(path, Taken::replace);
  EXPECT_EQ(read_text(path), "precious");  // until there is something to put in its place
  file.write({{"number", 1}});
  EXPECT_EQ(nlohmann::json::parse(read_text(path))["number"], 1);
}

TEST(ResultFile, RefusesWhatCannotBeWritten) {
  const TempFolder folder;
  EXPECT_THAT(refusal_to_write(folder.path(), Taken::replace), HasSubstr("is a folder"));
  EXPECT_THAT(refusal_to_write(folder.file("none/r.json"), Taken::refuse),
              AllOf(HasSubstr("the folder"), HasSubstr("does not exist")));
  EXPECT_THAT(refusal_to_write("/proc/r.json", Taken::refuse), HasSubstr("cannot be written"));
  EXPECT_THAT(refusal_to_write(folder.file(std::string(300, 'x')), Taken::refuse), HasSubstr("cannot be written"));
}

TEST(ResultFile, FollowsALinkToWhatIsYetToBeMade) {
  const TempFolder folder;
  std::filesystem::create_symlink("later.json", folder.file("second"));
  std::filesystem::create_symlink(folder.file("second"), folder.file("first"));
  ResultFile(folder.file("first"), Taken::refuse).write({{"number", 1}});
  EXPECT_EQ(nlohmann::json::parse(read_text(folder.file("later.json")))["number"], 1);
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("first")));
  std::filesystem::create_symlink("loop", folder.file("loop"));
  EXPECT_THAT(refusal_to_write(folder.file("loop"), Taken::replace), HasSubstr("lead to each other"));
}

TEST(ResultFile, KeepsNothingInDevNull) {
  ResultFile("/dev/null", Taken::refuse).write({{"number", 1}});
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

// Renaming over a device would replace it for everyone.
TEST(ResultFile, RefusesToReplaceADeviceOrAPipe) {
  const TempFolder folder;
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal_to_write(pipe, Taken::replace), HasSubstr("is no regular file"));
  EXPECT_THAT(refusal_to_write("/dev/full", Taken::replace), HasSubstr("is no regular file"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  // A link that names no path: a pipe's descriptor.
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd from(ends[0]);
  const UniqueFd to(ends[1]);
  EXPECT_THAT(refusal_to_write(fmt::format("/proc/self/fd/{}", to.get()), Taken::replace),
              HasSubstr("is no regular file"));
}

TEST(DefaultResultPath, NamesTimeHostAndRevisionInTheFolderOfResults) {
  const TempFolder folder;
  Machine machine;
  machine.host = "here";
  ASSERT_EQ(setenv("BENCH_RESULTS", folder.file("new").c_str(), 1), 0);
  const std::string path = default_result_path(machine);
  EXPECT_THAT(path, MatchesRegex(folder.path() + "/new/[0-9]{8}T[0-9]{6}Z-here-([0-9a-f]+(-dirty)?|unknown)\\.json"));
  EXPECT_TRUE(std::filesystem::is_directory(folder.file("new")));
  unsetenv("BENCH_RESULTS");
}

TEST(DefaultResultPath, LeavesAHostsNameInTheFolder) {
  const TempFolder folder;
  Machine machine;
  machine.host = "rack/../7";
  ASSERT_EQ(setenv("BENCH_RESULTS", folder.path().c_str(), 1), 0);
  EXPECT_THAT(default_result_path(machine), HasSubstr("Z-rack_.._7-"));
  unsetenv("BENCH_RESULTS");
}

TEST(DefaultResultPath, SaysWhyTheFolderCannotBeMade) {
  ASSERT_EQ(setenv("BENCH_RESULTS", "/proc/none", 1), 0);
  try {
    default_result_path({});
    ADD_FAILURE() << "a folder in /proc";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("/proc/none"), HasSubstr("No such file"), HasSubstr("BENCH_RESULTS")));
  }
  unsetenv("BENCH_RESULTS");
}

// Both have looked before either has written.
TEST(ResultFile, IsOneProgramsAlone) {
  const TempFolder folder;
  const std::string path = folder.file("r.json");
  ResultFile one(path, Taken::refuse);
  ResultFile other(path, Taken::refuse);
  one.write({{"number", 1}});
  EXPECT_THROW(other.write({{"number", 2}}), UsageError);
  EXPECT_EQ(nlohmann::json::parse(read_text(path))["number"], 1);
  EXPECT_THAT(folder.entries(), ElementsAre("r.json"));
}

TEST(ResultFile, TakesTheNextNumberWhereTheNameIsOurs) {
  const TempFolder folder;
  ResultFile one(folder.file("r.json"), Taken::number);
  ResultFile other(folder.file("r.json"), Taken::number);
  ResultFile third(folder.file("r.json"), Taken::number);
  one.write({{"number", 1}});
  other.write({{"number", 2}});
  third.write({{"number", 3}});
  other.write({{"number", 22}});
  EXPECT_EQ(third.path(), folder.file("r-3.json"));
  EXPECT_THAT(folder.entries(), UnorderedElementsAre("r.json", "r-2.json", "r-3.json"));
  EXPECT_EQ(nlohmann::json::parse(read_text(folder.file("r.json")))["number"], 1);
  EXPECT_EQ(nlohmann::json::parse(read_text(folder.file("r-2.json")))["number"], 22);
}

}  // namespace
}  // namespace bench
