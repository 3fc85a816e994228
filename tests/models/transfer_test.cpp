// Why: a model may watch a descriptor, which is the script's: one that changes it, keeps it, or takes the next of that
// number for it, hangs a script or spoils what another one does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

#include "tests/support/short_child.h"
#include "tests/support/test_runs.h"
#include "workloads/job.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

std::optional<std::string> all_left_one(const Batch&, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, [](std::uint32_t) { return std::uint64_t{1}; });
}

constexpr Job row(std::string_view name, decltype(Job::task) task) {
  return {.name = name, .summary = "", .parameters = {}, .task = task, .check = all_left_one};
}

class Transfers : public testing::TestWithParam<const Model*> {
 protected:
  static void expect_to_end_well(const Job& job) {
    TestRuns runs({{.model = GetParam(), .job = &job, .parameters = {.tasks = 5, .work = 0, .waits = {}}}});
    const Ended ended = runs.run(RunKind::memory);
    EXPECT_EQ(ended.reason, "");
  }
};

// ---- A descriptor that is waited for ----

Script waits_for_children(const Task& task) {
  for (int time = 0; time < 2; ++time) {
    const int child = start_short_child();
    const int flags = fcntl(child, F_GETFL);
    const std::int64_t status = co_yield end_of(child);
    if (status != short_child_status) co_return;
    if (fcntl(child, F_GETFL) != flags) co_return;
    co_yield wait_for(100us);
    if (fcntl(child, F_GETFL) != flags) co_return;
    const std::int64_t closed = co_yield close_socket(child);
    if (closed != 0) co_return;
  }
  task.outcome = 1;
}

constexpr Job children = row("waits-for-children", waits_for_children);

TEST_P(Transfers, LeaveADescriptorAsItIs) { expect_to_end_well(children); }

// ---- A pipe, which has to be waited for ----

// Comes in two pieces, so that it has to be waited for twice, and once more for its end.
int start_child_that_writes(int out) {
  const pid_t child = fork();
  if (child == 0) {
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 3'000'000};
    for (const std::string_view piece : {"some", "thing"}) {
      nanosleep(&moment, nullptr);
      if (write(out, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) _exit(1);
    }
    nanosleep(&moment, nullptr);
    _exit(0);
  }
  return static_cast<int>(syscall(SYS_pidfd_open, child, 0));
}

Script reads_a_pipe(const Task& task) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) co_return;
  const int flags = fcntl(ends[0], F_GETFL);
  const int child = start_child_that_writes(ends[1]);
  close(ends[1]);
  std::string text;
  std::array<std::byte, 3> room{};
  for (std::int64_t size = 1; size != 0;) {
    size = co_yield read_from(ends[0], room);
    if (size < 0) co_return;
    text.append(reinterpret_cast<const char*>(room.data()), static_cast<std::size_t>(size));
    if (fcntl(ends[0], F_GETFL) != flags) co_return;
  }
  co_yield close_socket(ends[0]);
  const std::int64_t of_none = co_yield read_from(-1, room);
  const std::int64_t status = co_yield end_of(child);
  co_yield close_socket(child);
  if (text == "something" && status == 0 && of_none == -EBADF) task.outcome = 1;
}

constexpr Job pipes = row("reads-a-pipe", reads_a_pipe);

TEST_P(Transfers, ReadAPipeToItsEnd) { expect_to_end_well(pipes); }

// ---- A descriptor that is closed since its connection was refused ----

// A port that is taken, and nobody listens there.
class DeafPort {
 public:
  DeafPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  std::uint16_t number() const { return number_; }

 private:
  UniqueFd socket_;
  std::uint16_t number_ = 0;
};

std::uint16_t deaf_port = 0;

// The child's pidfd gets the number that the socket had.
Script is_refused_and_goes_on(const Task& task) {
  for (int time = 0; time < 3; ++time) {
    const std::int64_t refused = co_yield connect_to(deaf_port);
    if (refused != -ECONNREFUSED) co_return;
    const int child = start_short_child();
    const std::int64_t status = co_yield end_of(child);
    if (status != short_child_status) co_return;
    co_yield close_socket(child);
  }
  task.outcome = 1;
}

constexpr Job refused = row("is-refused-and-goes-on", is_refused_and_goes_on);

TEST_P(Transfers, GoOnAfterARefusedConnection) {
  const DeafPort port;
  deaf_port = port.number();
  expect_to_end_well(refused);
}

INSTANTIATE_TEST_SUITE_P(Table, Transfers, testing::ValuesIn(every_model_and_some_hybrids()),
                         [](const auto& instance) { return test_name(instance.param->name); });

}  // namespace
}  // namespace bench
