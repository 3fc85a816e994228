// Why: a loop that is told again and again of what nobody waits for spins, and takes the time of all its tasks.
#include "models/loop/job_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

#include "measure/shared_mapping.h"
#include "models/loop/edge_poller.h"
#include "models/loop/poll_poller.h"
#include "models/loop/select_poller.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

std::size_t reports = 0;

// Counts what another one reports.
template <typename Wrapped>
class Counting : public Wrapped {
 public:
  std::span<const Ready> wait(std::int64_t deadline_ns) {
    const std::span<const Ready> found = Wrapped::wait(deadline_ns);
    reports += found.size();
    return found;
  }
};

std::array<int, 2> sockets{};

// Task 0 has waited for its end, and waits for something else when the other end is closed.
Script looks_away_while_the_other_leaves(const Task& task) {
  std::array<std::byte, 4> room{};
  if (task.index == 1) {
    co_yield send_to(sockets[1], room);
    co_yield wait_for(1ms);
    co_yield close_socket(sockets[1]);
    co_return;
  }
  const std::int64_t first = co_yield receive_from(sockets[0], room);
  co_yield wait_for(10ms);
  const std::int64_t last = co_yield receive_from(sockets[0], room);
  co_yield close_socket(sockets[0]);
  task.outcome = first == 4 && last == 0 ? 1 : 0;
}

std::optional<std::string> saw_both(const Batch&, std::span<const std::uint64_t> outcomes) {
  return outcomes[0] == 1 ? std::nullopt : std::optional<std::string>("task 0 has not received what came");
}

constexpr Job looking_away{.name = "looks-away",
                           .summary = "",
                           .parameters = {},
                           .task = looks_away_while_the_other_leaves,
                           .check = saw_both};

template <typename P>
class JobLoopTest : public testing::Test {};

using LoopPollers = testing::Types<SelectPoller, PollPoller, EpollPoller, EdgePoller>;
TYPED_TEST_SUITE(JobLoopTest, LoopPollers);

TYPED_TEST(JobLoopTest, IsToldOnceOfABrokenDescriptorThatNobodyWaitsFor) {
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()), 0);
  reports = 0;
  SharedArray<RunReport> report(1);
  JobRun job(looking_away, {.tasks = 2, .work = 0, .waits = {}}, 1, {.max_batches = 1}, report[0]);
  run_in_loop<Counting<TypeParam>>(job);
  EXPECT_EQ(report[0].job.batches, 1U);
  // The bytes, the end while nobody waits, and the end again.
  EXPECT_LE(reports, 3U);
}

}  // namespace
}  // namespace bench
