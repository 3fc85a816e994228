// Why: under a quota a program has less CPU time than the CPUs that it sees; where the quota is written depends on the
// version of control groups and on how they are mounted, so trees of files stand here for the machines that have each.
#include "harness/plan/cpu_quota.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/subprocess.h"

namespace bench {
namespace {

using testing::ElementsAre;

// A machine's files, below a folder that goes with it.
class Files {
 public:
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string root() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

// A machine with version 2 alone, where the process is in `group` and the mount shows the group `shown`.
class Unified : public Files {
 public:
  explicit Unified(const std::string& group, const std::string& shown = "/") {
    write("/proc/self/cgroup", "0::" + group + "\n");
    write("/proc/self/mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n31 22 0:26 " + shown +
                                      " /sys/fs/cgroup rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
};

TEST(CpuQuota, IsNothingWithoutControlGroups) {
  EXPECT_FALSE(read_cpu_quota(Files().root()));
  EXPECT_FALSE(read_cpu_quota(Unified("/a").root()));
}

TEST(CpuQuota, OfVersion2IsQuotaOverPeriod) {
  const Unified files("/a/b");
  files.write("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  files.write("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
  const auto quota = read_cpu_quota(files.root());
  ASSERT_TRUE(quota);
  EXPECT_EQ(quota->cpus, 1.5);
  EXPECT_EQ(quota->name, "/sys/fs/cgroup/a/b/cpu.max = 150000 100000");
  EXPECT_EQ(quota->remedy, "echo max > /sys/fs/cgroup/a/b/cpu.max");
  EXPECT_THAT(quota->statistics, ElementsAre("/sys/fs/cgroup/a/b/cpu.stat"));
}

TEST(CpuQuota, IsTheSmallestOnTheWayUp) {
  const Unified files("/a/b/c");
  files.write("/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  files.write("/sys/fs/cgroup/a/b/cpu.max", "25000 50000\n");
  files.write("/sys/fs/cgroup/cpu.max", "200000 100000\n");  // of a container, which sees its own group as the root
  const auto quota = read_cpu_quota(files.root());
  ASSERT_TRUE(quota);
  EXPECT_EQ(quota->cpus, 0.5);
  EXPECT_THAT(quota->statistics,
              ElementsAre("/sys/fs/cgroup/a/b/c/cpu.stat", "/sys/fs/cgroup/a/b/cpu.stat", "/sys/fs/cgroup/cpu.stat"));
}

TEST(CpuQuota, IsFoundWhereTheMountShowsAGroupInside) {
  const Unified files("/docker/x/inner", "/docker/x");
  files.write("/sys/fs/cgroup/inner/cpu.max", "300000 100000\n");
  files.write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(read_cpu_quota(files.root())->cpus, 1);
  // Groups outside of what is mounted are not seen, but the mounted one may bound them all.
  const Unified outside("/../other", "/");
  outside.write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(read_cpu_quota(outside.root())->cpus, 1);
}

TEST(CpuQuota, OfVersion1HasItsPeriodInAFileOfItsOwn) {
  Files files;
  files.write("/proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/a b\n3:cpuset:/\n0::/user\n");
  files.write("/proc/self/mountinfo",
              "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
              "33 31 0:30 / /sys/fs/cg\\040roup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
              "34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  files.write("/sys/fs/cg roup/cpu/a b/cpu.cfs_quota_us", "-1\n");
  files.write("/sys/fs/cg roup/cpu/a b/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(read_cpu_quota(files.root()));
  files.write("/sys/fs/cg roup/cpu/a b/cpu.cfs_quota_us", "50000\n");
  const auto quota = read_cpu_quota(files.root());
  ASSERT_TRUE(quota);
  EXPECT_EQ(quota->cpus, 0.5);
  EXPECT_EQ(quota->remedy, "echo -1 > /sys/fs/cg roup/cpu/a b/cpu.cfs_quota_us");
}

TEST(CpuQuota, CountsAHierarchyThatIsMountedTwiceOnce) {
  const Unified files("/");
  files.write("/proc/self/mountinfo",
              "31 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 22 0:26 / /sys/fs/cgroup rw - cgroup2 x rw\n");
  files.write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_THAT(read_cpu_quota(files.root())->statistics, ElementsAre("/sys/fs/cgroup/cpu.stat"));
}

TEST(CpuQuota, KnowsHowOftenAllItsGroupsWereStopped) {
  const Files files;
  files.write("/a/cpu.stat",
              "usage_usec 900\nuser_usec 1\nsystem_usec 2\nnr_periods 10\nnr_throttled 4\nthrottled_usec 250\n");
  files.write("/cpu.stat", "nr_periods 7\nnr_throttled 3\nthrottled_time 1000\n");  // of version 1, in ns
  const CpuQuota quota{.statistics = {"/a/cpu.stat", "/cpu.stat", "/gone/cpu.stat"}};
  const CpuThrottling throttling = read_throttling(quota, files.root());
  EXPECT_EQ(throttling.times, 7);
  EXPECT_EQ(throttling.ns, 251'000);
}

TEST(CpuQuota, IsShownInTitles) {
  EXPECT_EQ(quota_in_title(std::nullopt), "");
  EXPECT_EQ(quota_in_title(CpuQuota{.cpus = 1}), ", quota 1.00");
}

}  // namespace
}  // namespace bench
