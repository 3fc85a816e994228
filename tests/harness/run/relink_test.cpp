// Why: a build is a level of its own in comparisons, which takes programs that differ in their layout alone.
#include "harness/run/relink.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/support/subprocess.h"

namespace bench {
namespace {

using testing::HasSubstr;

const std::string line = ": && c++ -O2 a.o -o bench b.o  c.o d.o e.o f.o x.a -lfmt && :";

TEST(Relink, ShufflesObjectFilesAndNothingElse) {
  const std::string one = shuffled_link(line, 1, "/tmp/out");
  EXPECT_EQ(one, shuffled_link(line, 1, "/tmp/out"));
  EXPECT_NE(one, shuffled_link(line, 2, "/tmp/out"));
  EXPECT_THAT(one, HasSubstr(" -o /tmp/out "));
  EXPECT_TRUE(one.starts_with(": && c++ -O2 "));
  EXPECT_TRUE(one.ends_with(" x.a -lfmt && :"));
  for (const char* object : {"a.o", "b.o", "c.o", "d.o", "e.o", "f.o"}) EXPECT_THAT(one, HasSubstr(object));
  EXPECT_THROW(shuffled_link("ninja: error: unknown target", 1, "out"), std::invalid_argument);
}

TEST(Relink, NeedsABuildFolder) {
  const TempFolder folder;
  EXPECT_THROW(relink(folder.file("bench"), 1, folder.file("out"), [] { return true; }), std::runtime_error);
}

// A build folder of three objects.
TEST(Relink, LinksAProgramThatDoesTheSame) {
  const TempFolder folder;
  std::ofstream(folder.file("main.cpp")) << "int a(); int b(); int main() { return a() + b(); }\n";
  std::ofstream(folder.file("a.cpp")) << "int a() { return 3; }\n";
  std::ofstream(folder.file("b.cpp")) << "int b() { return 4; }\n";
  std::ofstream(folder.file("build.ninja")) << "rule cc\n command = c++ -c $in -o $out\n"
                                               "rule link\n command = : && c++ $in -o $out && :\n"
                                               "build main.o: cc main.cpp\nbuild a.o: cc a.cpp\nbuild b.o: cc b.cpp\n"
                                               "build bench: link main.o a.o b.o\n";
  ASSERT_EQ(run_program({"/usr/bin/env", "ninja", "-C", folder.path()}).exit_status, 0);
  relink(folder.file("bench"), 3, folder.file("again"), [] { return true; });
  EXPECT_EQ(run_program({folder.file("again")}).exit_status, 7);
}

}  // namespace
}  // namespace bench
