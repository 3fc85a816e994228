// Why: what the doctor calls fine is believed, and what it calls bad is mended by hand, as root.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/doctor/checks.h"
#include "harness/doctor/noise.h"
#include "tests/support/subprocess.h"

namespace bench {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A machine of files.
class FakeKernel {
 public:
  void set(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = folder_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }

  Finding finding(const std::string& about) const {
    const std::vector<Finding> findings = look_at_machine(folder_.path());
    const auto found = std::ranges::find(findings, about, &Finding::about);
    return found == findings.end() ? Finding{.about = "absent"} : *found;
  }

 private:
  TempFolder folder_;
};

TEST(Doctor, KnowsWhatSpoilsMeasurementsAndWhatMendsIt) {
  const FakeKernel kernel;
  kernel.set("/proc/sys/net/core/somaxconn", "128");
  kernel.set("/proc/sys/net/ipv4/ip_local_port_range", "60000\t60999");
  kernel.set("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  kernel.set("/sys/devices/system/cpu/intel_pstate/no_turbo", "0");
  kernel.set("/sys/devices/system/cpu/smt/active", "1");
  kernel.set("/proc/loadavg", "400.00 1.00 1.00 1/100 4711");
  kernel.set("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
  kernel.set("/proc/meminfo", "MemTotal: 8 kB\nSwapTotal: 1000000 kB\nSwapFree: 500000 kB");
  kernel.set("/proc/sys/kernel/perf_event_paranoid", "3");
  for (const auto& [about, health, remedy] : std::vector<std::tuple<std::string, Health, std::string>>{
           {"listen queue", Health::warn, "sysctl net.core.somaxconn=4096"},
           {"port range", Health::warn, "sysctl net.ipv4.ip_local_port_range"},
           {"frequency governor", Health::warn, "cpupower frequency-set -g performance"},
           {"turbo", Health::warn, "no_turbo"},
           {"SMT", Health::warn, "smt/control"},
           {"load", Health::bad, "--wait-for-quiet"},
           {"clock source", Health::bad, "current_clocksource"},
           {"swap", Health::warn, "swapoff -a"},
           {"perf events", Health::warn, "sysctl kernel.perf_event_paranoid=2"}}) {
    const Finding finding = kernel.finding(about);
    EXPECT_EQ(finding.health, health) << about;
    EXPECT_THAT(finding.remedy, HasSubstr(remedy));
    EXPECT_NE(finding.why, "") << about;
  }
}

TEST(Doctor, FindsNothingWhereThereIsNothing) {
  const FakeKernel kernel;
  kernel.set("/proc/sys/net/core/somaxconn", "4096");
  kernel.set("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999");
  kernel.set("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance");
  kernel.set("/sys/devices/system/cpu/cpufreq/boost", "0");
  kernel.set("/sys/devices/system/cpu/smt/active", "0");
  kernel.set("/proc/loadavg", "0.00 1.00 1.00 1/100 4711");
  kernel.set("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc");
  kernel.set("/proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB");
  kernel.set("/proc/sys/kernel/perf_event_paranoid", "2");
  for (const char* about : {"listen queue", "port range", "frequency governor", "turbo", "SMT", "load", "clock source",
                            "swap", "perf events"}) {
    const Finding finding = kernel.finding(about);
    EXPECT_EQ(finding.health, Health::ok) << about;
    EXPECT_NE(finding.found, "not told by the kernel") << about;
    EXPECT_THAT(finding.remedy, IsEmpty()) << about;
  }
}

TEST(Doctor, SaysWhatTheKernelDoesNotTell) {
  const FakeKernel kernel;
  for (const char* about : {"listen queue", "frequency governor", "turbo", "steal time", "swap"}) {
    EXPECT_EQ(kernel.finding(about).found, "not told by the kernel") << about;
  }
  kernel.set("/proc/sys/net/core/somaxconn", "many");
  EXPECT_EQ(kernel.finding("listen queue").found, "not told by the kernel");
}

// 1, 2, …, 8: the mean is 4.5, the squares of the distances sum to 42 and the products of neighbours to 26.25.
TEST(NoiseFloor, OfASeriesThatGrows) {
  const NoiseFloor noise = noise_floor({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(noise.runs, 8U);
  EXPECT_DOUBLE_EQ(noise.autocorrelation, 26.25 / 42);
  EXPECT_DOUBLE_EQ(noise.drift, 6.5 / 2.5 - 1);
  EXPECT_DOUBLE_EQ(noise.half_width, 3.5 / 4.5);  // 1 to 8 around 4.5
  EXPECT_EQ(judge_noise("io", noise).health, Health::bad);
}

// -5/6 × …: each is on the other side of the mean than the one before.
TEST(NoiseFloor, OfASeriesThatAlternates) {
  const NoiseFloor noise = noise_floor({99, 101, 99, 101, 99, 101});
  EXPECT_DOUBLE_EQ(noise.autocorrelation, -5.0 / 6);
  EXPECT_NEAR(noise.drift, 0, 0.021);
  EXPECT_DOUBLE_EQ(noise.half_width, 0.01);
  EXPECT_EQ(judge_noise("io", noise).health, Health::ok);
}

TEST(NoiseFloor, WarnsOfAMachineThatChanges) {
  const Finding finding = judge_noise("io", {.runs = 20, .half_width = 0.01, .autocorrelation = 0.8, .drift = 0.05});
  EXPECT_EQ(finding.health, Health::warn);
  EXPECT_THAT(finding.why, HasSubstr("bench ab"));
  EXPECT_EQ(judge_noise("io", {.runs = 20, .half_width = 0.01, .autocorrelation = 0.8, .drift = 0.01}).health,
            Health::ok);
  EXPECT_EQ(judge_noise("io", {.runs = 20, .half_width = 0.05}).health, Health::warn);
}

TEST(NoiseFloor, OfEqualRunsIsNone) {
  const NoiseFloor noise = noise_floor({5, 5, 5, 5, 5, 5});
  EXPECT_EQ(noise.half_width, 0);
  EXPECT_EQ(noise.autocorrelation, 0);
  EXPECT_EQ(noise.drift, 0);
}

TEST(NoiseFloor, NeedsSixRuns) { EXPECT_THROW(noise_floor({1, 2, 3, 4, 5}), std::invalid_argument); }

}  // namespace
}  // namespace bench
