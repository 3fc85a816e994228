// Why: absolute figures of two machines compare nothing; what is said of the models' order on each has to hold up.
#include "harness/compare/machines.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/result_document.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int rounds = 12;

std::vector<double> about(double time_ns) {
  std::vector<double> times_ns;
  for (int round = 0; round < rounds; ++round) times_ns.push_back(time_ns * (1 + 0.001 * (round % 3)));
  return times_ns;
}

ReadResult machine_with(const std::string& label, double serial_ns, double threads_ns, double epoll_ns) {
  ResultDocument document;
  document.job("io/serial", about(serial_ns)).job("io/threads", about(threads_ns)).job("io/epoll", about(epoll_ns));
  document.machine()["cpu_model"] = label;
  document.machine()["load_ns"] = 95.0;
  return parse_result(document.text(), label, label);
}

TEST(Machines, HoldsEachModelAgainstOneOfTheSameMachine) {
  const Machines machines =
      compare_machines({machine_with("a", 8e6, 4e6, 2e6), machine_with("b", 1e6, 0.5e6, 1e6)}, "");
  ASSERT_EQ(machines.groups.size(), 1U);
  const GroupOnMachines& group = machines.groups.front();
  EXPECT_EQ(group.reference, "serial");
  ASSERT_EQ(group.models.size(), 3U);
  EXPECT_NEAR(group.models[1].over_reference[0]->effect, 0.5, 0.01);
  EXPECT_NEAR(group.models[1].over_reference[1]->effect, 0.5, 0.01);
  EXPECT_NEAR(group.models[2].over_reference[0]->effect, 0.25, 0.01);
  EXPECT_THAT(group.models[1].places, ElementsAre(2, 1));
  EXPECT_THAT(machines.differences, ElementsAre(ElementsAre(HasSubstr("CPU"))));
}

TEST(Machines, SaysWhoseOrderChanges) {
  const Machines machines = compare_machines({machine_with("a", 8e6, 4e6, 2e6), machine_with("b", 8e6, 2e6, 4e6)}, "");
  ASSERT_EQ(machines.groups.front().crossings.size(), 1U);
  EXPECT_EQ(machines.groups.front().crossings.front().less, "epoll");
  EXPECT_EQ(machines.groups.front().crossings.front().more, "threads");
  EXPECT_THAT(machines_text(machines, Format::console, false), HasSubstr("epoll costs less than threads on a"));
  const Machines alike = compare_machines({machine_with("a", 8e6, 4e6, 2e6), machine_with("b", 4e6, 2e6, 1e6)}, "");
  EXPECT_THAT(alike.groups.front().crossings, IsEmpty());
}

TEST(Machines, TakesAnotherReferenceThatIsNamed) {
  const Machines machines =
      compare_machines({machine_with("a", 8e6, 4e6, 2e6), machine_with("b", 8e6, 4e6, 2e6)}, "epoll");
  EXPECT_EQ(machines.groups.front().reference, "epoll");
  EXPECT_NEAR(machines.groups.front().models[0].over_reference[1]->effect, 4, 0.01);
}

TEST(Machines, ShowsWhatTheMachinesThemselvesAreLike) {
  const Machines machines = compare_machines({machine_with("a", 8e6, 4e6, 2e6), machine_with("b", 8e6, 4e6, 2e6)}, "");
  EXPECT_THAT(machines_text(machines, Format::console, false), HasSubstr("load from memory   95.0 ns  95.0 ns"));
  EXPECT_EQ(machines_json(machines)["rulers"][1]["load_ns"], 95.0);
  EXPECT_EQ(machines_json(machines)["rulers"][1]["switch_ns"], 0.0);  // not known
}

}  // namespace
}  // namespace bench
