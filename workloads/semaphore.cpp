// `semaphore`: the notes' exercise of a semaphore that admits k: each task takes one of `--permits`, lets a time pass
// and gives it back, so that N tasks of equal waits take ⌈N/k⌉ rounds of a wait, which the ideal is. How many were
// inside at once is counted by the tasks themselves, in a place that the semaphore does not know.
#include <fmt/format.h>

#include <algorithm>

#include "workloads/job.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("20"),
    {.name = "permits", .standard = "4", .meaning = "tasks that are let in at once", .most = max_tasks},
    wait_parameter("5ms"),
});

struct Shared {
  explicit Shared(std::uint32_t permits) : semaphore(permits) {}
  Semaphore semaphore;
  std::atomic<std::uint32_t> inside{0};
  std::atomic<std::uint32_t> most_inside{0};
};

std::uint32_t permits_of(const Batch& batch) { return static_cast<std::uint32_t>(batch.parameters.number("permits")); }

Script task(const Task& task) {
  Shared& shared = task.shared<Shared>();
  const bool admitted = co_yield acquire(shared.semaphore);
  if (!admitted) co_return;
  const std::uint32_t inside = shared.inside.fetch_add(1) + 1;
  std::uint32_t most = shared.most_inside.load();
  while (inside > most && !shared.most_inside.compare_exchange_weak(most, inside)) {
  }
  co_yield wait_for(task.wait());
  shared.inside.fetch_sub(1);
  shared.semaphore.release();
  task.outcome = task.index + std::uint64_t{1};
}

std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  if (auto wrong = compare_outcomes(outcomes, [](std::uint32_t index) { return index + std::uint64_t{1}; }))
    return wrong;
  const Shared& shared = batch.shared<Shared>();
  const std::uint32_t most = shared.most_inside.load();
  if (most >= 1 && most <= permits_of(batch) && shared.inside.load() == 0) return std::nullopt;
  return fmt::format("wrong admission: a semaphore of {} let {} tasks in at once, and {} never left", permits_of(batch),
                     most, shared.inside.load());
}

void count(const Batch& batch, std::span<const std::uint64_t> /*outcomes*/, std::span<std::uint64_t> counts) {
  counts[0] = batch.shared<Shared>().most_inside.load();
}

std::size_t state_bytes(const Batch& /*batch*/) { return sizeof(Shared); }
void prepare(const Batch& batch) { new (batch.state) Shared(permits_of(batch)); }

// Each of the rounds takes the shortest wait at least, and all waits go through so many permits.
std::chrono::nanoseconds in_turn(const Batch& batch) {
  if (batch.waits.empty()) return std::chrono::nanoseconds(0);
  const std::uint32_t permits = permits_of(batch);
  const std::uint32_t rounds = (batch.tasks - 1) / permits + 1;
  return std::max(rounds * *std::ranges::min_element(batch.waits), batch.total_wait() / permits);
}

constexpr std::array<std::string_view, 1> tallies{"inside at once"};

}  // namespace

extern constinit const Job semaphore_job{
    .name = "semaphore",
    .summary = "lets k tasks in at once, which wait inside: N tasks take N/k rounds",
    .parameters = parameters,
    .task = task,
    .check = check,
    .tallies = tallies,
    .count = count,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .in_turn = in_turn,
};

}  // namespace bench
