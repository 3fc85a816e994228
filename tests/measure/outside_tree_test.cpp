// Why: what a server that is not ours has used is a difference of two readings of its tree, between which processes
// end; a figure that misses what these have used looks like any other.
#include "measure/outside_tree.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "measure/proc_files.h"

namespace bench {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t ms = 1'000'000;

ProcessReading process(pid_t pid, pid_t parent, std::int64_t cpu_ns, std::int64_t reaped_ns = 0) {
  return {.pid = pid,
          .parent = parent,
          .started = 1000 + pid,
          .usage = {.cpu_ns = cpu_ns, .voluntary_switches = 5},
          .reaped_ns = reaped_ns,
          .reaped_faults = reaped_ns / ms,
          .threads = {pid}};
}

TEST(OutsideTree, AddsUpWhatEachHasUsedAndReaped) {
  const TreeReading before{process(1, 0, 100 * ms), process(2, 1, 50 * ms)};
  TreeReading after{process(1, 0, 130 * ms), process(2, 1, 70 * ms), process(3, 1, 4 * ms)};
  after[1].usage.voluntary_switches = 8;
  const WindowUsage window = usage_between(1, before, after);
  EXPECT_THAT(window.unknown, IsEmpty());
  EXPECT_EQ(window.usage.cpu_ns, 54 * ms);
  EXPECT_TRUE(window.are_switches_known);
  EXPECT_EQ(window.usage.voluntary_switches, 8);
}

// A supervisor above a server that forks for each connection: what those used lies with the process between.
TEST(OutsideTree, CountsWhatADescendantHasReaped) {
  const TreeReading before{process(1, 0, 0), process(2, 1, 100 * ms, 60 * ms)};
  const TreeReading after{process(1, 0, 0), process(2, 1, 1000 * ms, 700 * ms)};
  const WindowUsage window = usage_between(1, before, after);
  EXPECT_THAT(window.unknown, IsEmpty());
  EXPECT_EQ(window.usage.cpu_ns, 900 * ms);
  EXPECT_FALSE(window.are_switches_known);  // of the reaped
  EXPECT_EQ(window.usage.voluntary_switches, 0);
}

TEST(OutsideTree, FindsWhatAnEndedProcessUsedWithTheOneThatReapedIt) {
  const TreeReading before{process(1, 0, 100 * ms), process(2, 1, 300 * ms), process(3, 2, 200 * ms)};
  // 2 reaped 3, then 1 reaped 2; meanwhile they used 100 ms more.
  const TreeReading after{process(1, 0, 700 * ms, 600 * ms)};
  const WindowUsage window = usage_between(1, before, after);
  EXPECT_THAT(window.unknown, IsEmpty());
  EXPECT_EQ(window.usage.cpu_ns, 100 * ms);
}

TEST(OutsideTree, IsUnknownWhereNobodyReapedAnEndedProcess) {
  const TreeReading before{process(1, 0, 100 * ms), process(2, 1, 300 * ms)};
  const TreeReading after{process(1, 0, 900 * ms)};
  const WindowUsage window = usage_between(1, before, after);
  EXPECT_THAT(window.unknown, HasSubstr("process 2 ended in the window, and process 1 did not reap it"));
  EXPECT_EQ(window.usage.cpu_ns, 0);
}

TEST(OutsideTree, IsUnknownOnceItsRootHasEndedOrIsAnother) {
  const TreeReading before{process(1, 0, 100 * ms)};
  EXPECT_EQ(usage_between(1, before, {}).unknown, "process 1 ended in the window");
  TreeReading another = before;
  another.front().started += 7;
  EXPECT_EQ(usage_between(1, before, another).unknown, "process 1 ended in the window");
  EXPECT_EQ(usage_between(1, {}, {}).unknown, "process 1 had ended before the window");
}

TEST(OutsideTree, IsUnknownWhereAParentIgnoresTheEndOfItsChildren) {
  TreeReading before{process(1, 0, 100 * ms)};
  before.front().ignores_children = true;
  EXPECT_THAT(usage_between(1, before, before).unknown, IsEmpty());  // it has none
  TreeReading after = before;
  after.push_back(process(2, 1, 0));
  EXPECT_THAT(usage_between(1, before, after).unknown, HasSubstr("process 1 ignores SIGCHLD"));
  EXPECT_THAT(usage_between(1, after, before).unknown, HasSubstr("process 1 ignores SIGCHLD"));
}

TEST(OutsideTree, IsNeverNegative) {
  const std::int64_t tick = tick_ns();
  const TreeReading before{process(1, 0, 0), process(2, 1, tick - 1)};
  const TreeReading after{process(1, 0, 0)};  // 2 was reaped, and used less than ticks tell
  const WindowUsage window = usage_between(1, before, after);
  EXPECT_THAT(window.unknown, HasSubstr("ticks"));
  EXPECT_EQ(window.usage.cpu_ns, 0);
}

TEST(OutsideTree, KnowsNoSwitchesOfThreadsThatEnded) {
  TreeReading before{process(1, 0, 100 * ms)};
  before.front().threads = {1, 7};
  const TreeReading after{process(1, 0, 120 * ms)};
  const WindowUsage window = usage_between(1, before, after);
  EXPECT_EQ(window.usage.cpu_ns, 20 * ms);
  EXPECT_FALSE(window.are_switches_known);
}

// A child that does as it is told, a letter at a time, and says when it is done.
class Puppet {
 public:
  explicit Puppet(void (*act)(char order)) {
    std::array<int, 2> orders{};
    std::array<int, 2> answers{};
    if (pipe(orders.data()) != 0 || pipe(answers.data()) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      close(orders[1]);
      for (char order = 0; read(orders[0], &order, 1) == 1;) {
        act(order);
        if (write(answers[1], &order, 1) != 1) break;
      }
      _exit(0);
    }
    close(orders[0]);
    close(answers[1]);
    orders_ = orders[1];
    answers_ = answers[0];
  }
  ~Puppet() {
    close(orders_);
    close(answers_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;

  void tell(char order) const {
    ASSERT_EQ(write(orders_, &order, 1), 1);
    ASSERT_EQ(read(answers_, &order, 1), 1);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int orders_ = -1;
  int answers_ = -1;
};

void compute(std::int64_t duration_ns) {
  timespec used{};
  do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  while (used.tv_sec * 1'000'000'000 + used.tv_nsec < duration_ns);
}

// 'f': forks a child that uses 60 ms and ends; 'r': the same, and reaps it; 'i': ignores SIGCHLD from now on.
void act(char order) {
  if (order == 'i') signal(SIGCHLD, SIG_IGN);
  if (order != 'f' && order != 'r') return;
  const pid_t child = fork();
  if (child == 0) {
    compute(60 * ms);
    _exit(0);
  }
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, order == 'r' ? WEXITED : WEXITED | WNOWAIT);
}

TEST(OutsideTree, SeesWhatARealProcessReaped) {
  const Puppet puppet(act);
  const TreeReading before = read_tree(puppet.pid());
  ASSERT_THAT(before, SizeIs(1));
  puppet.tell('r');
  puppet.tell('f');  // and one that is not reaped yet
  const TreeReading after = read_tree(puppet.pid(), before);
  EXPECT_THAT(after, SizeIs(2));
  const WindowUsage window = usage_between(puppet.pid(), before, after);
  EXPECT_THAT(window.unknown, IsEmpty());
  EXPECT_GE(window.usage.cpu_ns, 120 * ms - 2 * tick_ns());
  EXPECT_FALSE(window.are_switches_known);
}

TEST(OutsideTree, IsEmptyOfAZombie) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_THAT(read_tree(child), IsEmpty());
  waitpid(child, nullptr, 0);
  EXPECT_THAT(read_tree(child), IsEmpty());
}

TEST(OutsideTree, SeesWhoIgnoresItsChildren) {
  const Puppet puppet(act);
  EXPECT_FALSE(read_tree(puppet.pid()).front().ignores_children);
  puppet.tell('i');
  EXPECT_TRUE(read_tree(puppet.pid()).front().ignores_children);
}

TEST(OutsideTree, KeepsAProcessThatHasFoundAnotherParent) {
  const Puppet puppet(act);
  TreeReading earlier = read_tree(getpid());  // has the puppet, which is no descendant of itself
  std::erase_if(earlier, [&](const ProcessReading& each) { return each.pid != puppet.pid(); });
  const Puppet root(act);
  EXPECT_THAT(read_tree(root.pid(), earlier), SizeIs(2));
  earlier.front().started += 1;
  EXPECT_THAT(read_tree(root.pid(), earlier), SizeIs(1));
}

TEST(ProcFiles, ReadsAProcessWhoseNameHasBracketsAndSpaces) {
  const auto stat = parse_process_stat(
      "42 (a) b (c)) Z 7 1 1 0 -1 4194560 11 12 13 14 15 16 3 4 20 0 1 0 12345 1000 200 18446744073709551615 1 1");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'Z');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->minor_faults, 11);
  EXPECT_EQ(stat->children_minor_faults, 12);
  EXPECT_EQ(stat->major_faults, 13);
  EXPECT_EQ(stat->children_major_faults, 14);
  EXPECT_EQ(stat->children_cpu_ns, 7 * tick_ns());
  EXPECT_EQ(stat->threads, 1);
  EXPECT_EQ(stat->started, 12345);
  EXPECT_TRUE(stat->has_ended());
}

TEST(ProcFiles, RefusesWhatIsNoStat) {
  EXPECT_FALSE(parse_process_stat(""));
  EXPECT_FALSE(parse_process_stat("42 (a) R 7"));
  EXPECT_FALSE(read_process_stat(-1));
}

TEST(ProcFiles, KnowsThisProcess) { EXPECT_TRUE(proc_knows_this_process()); }

}  // namespace
}  // namespace bench
