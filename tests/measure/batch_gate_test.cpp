// Why: a gate that lets a copy through twice, or not at all, runs a batch with tasks missing or hangs the run.
#include "measure/batch_gate.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "measure/shared_mapping.h"

namespace bench {
namespace {

constexpr std::uint32_t copies = 3;
constexpr std::uint32_t batches = 50;

bool is_readable(int fd) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) == 1;
}

// What a copy does: a piece of work for each batch, until there is none.
void work(BatchGate& gate, std::uint32_t copy, std::atomic<std::uint32_t>& done) {
  for (bool has_batch = false; gate.pass(copy, has_batch); has_batch = true) done.fetch_add(1);
}

TEST(BatchGate, IsDoneOnceEveryCopyHasEndedItsBatch) {
  BatchGate gate(2);
  gate.open();
  EXPECT_TRUE(gate.pass(0, false));
  EXPECT_TRUE(gate.pass(1, false));
  EXPECT_FALSE(is_readable(gate.done_fd()));
  gate.close();
  EXPECT_FALSE(gate.pass(0, true)) << "no batch comes any more";
  EXPECT_FALSE(is_readable(gate.done_fd())) << "a copy has not ended its batch yet";
  EXPECT_FALSE(gate.pass(1, true));
  EXPECT_TRUE(is_readable(gate.done_fd()));
  gate.take_done();
  EXPECT_FALSE(is_readable(gate.done_fd()));
}

TEST(BatchGate, TellsEveryCopyThatNoBatchComes) {
  BatchGate gate(copies);
  gate.close();
  for (std::uint32_t copy = 0; copy < copies; ++copy) EXPECT_FALSE(gate.pass(copy, false));
  EXPECT_FALSE(is_readable(gate.done_fd())) << "there was no batch to be ended";
}

TEST(BatchGate, LeavesTheTurnOfOneCopyToIt) {
  BatchGate gate(2);
  gate.open();
  EXPECT_TRUE(gate.pass(0, false));
  std::atomic<std::uint32_t> done{0};
  std::jthread fast([&] {
    gate.pass(0, true);  // until the next batch, although the turn of the other is still to be had
    done = 1;
  });
  EXPECT_TRUE(gate.pass(1, false));
  EXPECT_EQ(done, 0U);
  gate.close();
  EXPECT_FALSE(gate.pass(1, true));
  fast.join();
  EXPECT_TRUE(is_readable(gate.done_fd()));
}

TEST(BatchGate, HoldsThreadsBetweenBatches) {
  BatchGate gate(copies);
  std::atomic<std::uint32_t> done{0};
  std::vector<std::jthread> threads;
  for (std::uint32_t copy = 0; copy < copies; ++copy) threads.emplace_back([&, copy] { work(gate, copy, done); });
  for (std::uint32_t batch = 1; batch <= batches; ++batch) {
    gate.open();
    gate.take_done();  // sleeps until then
    ASSERT_EQ(done, batch * copies);
  }
  gate.close();
  threads.clear();
  EXPECT_EQ(done, batches * copies);
}

TEST(BatchGate, HoldsProcessesBetweenBatches) {
  BatchGate gate(copies);
  const SharedArray<std::atomic<std::uint32_t>> done(1);
  std::vector<pid_t> children;
  for (std::uint32_t copy = 0; copy < copies; ++copy) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(60);  // whatever becomes of the test
      work(gate, copy, done[0]);
      _exit(0);
    }
    children.push_back(child);
  }
  for (std::uint32_t batch = 1; batch <= batches; ++batch) {
    gate.open();
    gate.take_done();
    EXPECT_EQ(done[0], batch * copies);
  }
  gate.close();
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(done[0], batches * copies);
}

}  // namespace
}  // namespace bench
