// Why: what a container may use is written in files whose place depends on the version of control groups and on what is
// mounted where.
#include "harness/plan/control_groups.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ControlGroups : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = folder_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::vector<std::string> folders(std::string_view controller) const {
    std::vector<std::string> found;
    for (const ControlGroup& group : control_groups(controller, folder_.path())) found.push_back(group.folder);
    return found;
  }

 private:
  TempFolder folder_;
};

TEST_F(ControlGroups, OfVersion1AreThoseOfTheController) {
  write("/proc/self/cgroup", "7:memory:/a/b\n6:pids:/c\n5:cpu,cpuacct:/d\n");
  write("/proc/self/mountinfo",
        "33 32 0:30 / /cg/memory rw - cgroup cgroup rw,memory\n34 32 0:31 / /cg/pids rw - cgroup cgroup rw,pids\n");
  EXPECT_THAT(folders("memory"), ElementsAre("/cg/memory/a/b", "/cg/memory/a", "/cg/memory"));
  EXPECT_THAT(folders("pids"), ElementsAre("/cg/pids/c", "/cg/pids"));
  EXPECT_THAT(folders("cpu"), IsEmpty());  // mounted nowhere
}

// In a container with a namespace of its own, whose group is the root of what it sees and has limits all the same.
TEST_F(ControlGroups, OfVersion2BeginAtTheRootOfANamespace) {
  write("/proc/self/cgroup", "0::/\n");
  write("/proc/self/mountinfo", "31 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  EXPECT_THAT(folders("pids"), ElementsAre("/sys/fs/cgroup"));
}

TEST_F(ControlGroups, AreNoneWithoutProc) { EXPECT_THAT(folders("memory"), IsEmpty()); }

}  // namespace
}  // namespace bench
