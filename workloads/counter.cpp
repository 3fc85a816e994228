// `counter`: every task takes one from a number that all share, as the notes' exercise on lost updates: it reads the
// number, lets a time pass, and writes back one less. Where nobody holds others off, those that are under way at once
// have all read the same number, and all but one of their updates are lost.
//
//   --locked=no    nothing holds others off: of N tasks at once, N - 1 updates are lost
//   --locked=yes   a lock around reading, waiting and writing: nothing is lost, and the waits follow each other
//   --locked=wide  the lock is held over the task's computation too, which then is done by one task at a time
#include <string>

#include "workloads/job.h"
#include "workloads/locked.h"
#include "workloads/service.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("100"),
    work_parameter("1000", 1'000'000'000, "steps of a task's computation, about a nanosecond each"),
    wait_parameter("1ms"),
    {.name = "locked",
     .kind = ParameterKind::choice,
     .standard = "yes",
     .meaning = "who may update at once: no (everyone), yes (one task), wide (and one computes)",
     .choices = {"no", "yes", "wide"}},
});

struct Shared {
  Mutex mutex;
  Locked locked;
  std::atomic<std::int64_t> left;  // atomic as others read and write it meanwhile; the update is not
};

constexpr std::uint64_t steps_per_checkpoint = 2048;

Script task(const Task& task) {
  Shared& shared = task.shared<Shared>();
  if (shared.locked == Locked::wide) {
    const bool held = co_yield lock(shared.mutex);
    if (!held) co_return;
  }
  for (std::uint64_t left = task.work(); left != 0;) {
    const std::uint64_t steps = std::min(left, steps_per_checkpoint);
    service_compute(steps);
    left -= steps;
    co_yield checkpoint();
  }
  if (shared.locked == Locked::narrow) {
    const bool held = co_yield lock(shared.mutex);
    if (!held) co_return;
  }
  const std::int64_t seen = shared.left.load(std::memory_order_relaxed);
  co_yield wait_for(task.wait());
  shared.left.store(seen - 1, std::memory_order_relaxed);
  if (shared.locked != Locked::no) shared.mutex.unlock();
  task.outcome = task.index + std::uint64_t{1};
}

std::uint64_t compute(const Batch& batch, std::uint32_t index) {
  service_compute(batch.work);
  return index + std::uint64_t{1};
}

std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  if (auto wrong = compare_outcomes(outcomes, [](std::uint32_t index) { return index + std::uint64_t{1}; }))
    return wrong;
  const Shared& shared = batch.shared<Shared>();
  const std::int64_t left = shared.left.load();
  const bool all_lost_but_one = shared.locked == Locked::no && left >= 0 && left < std::int64_t{batch.tasks};
  if (left == 0 || all_lost_but_one) return std::nullopt;
  return "wrong count: " + std::to_string(left) + " left of " + std::to_string(batch.tasks);
}

std::size_t state_bytes(const Batch& /*batch*/) { return sizeof(Shared); }

void prepare(const Batch& batch) {
  Shared& shared = *new (batch.state) Shared();
  shared.locked = locked_of(batch);
  shared.left = batch.tasks;
}

void count(const Batch& batch, std::span<const std::uint64_t> /*outcomes*/, std::span<std::uint64_t> counts) {
  counts[0] = static_cast<std::uint64_t>(batch.shared<Shared>().left.load());  // checked: not below 0
}

double estimate_ns(const Batch& batch) { return static_cast<double>(batch.work); }

std::chrono::nanoseconds in_turn(const Batch& batch) {
  const Locked locked = locked_of(batch);
  if (locked == Locked::no) return std::chrono::nanoseconds(0);
  const std::chrono::nanoseconds computing(locked == Locked::wide ? batch.work * batch.tasks : 0);
  return batch.total_wait() + computing;
}

constexpr std::array<std::string_view, 1> tallies{"updates lost"};

}  // namespace

extern constinit const Job counter_job{
    .name = "counter",
    .summary = "updates a number that all share, with a wait between reading and writing it",
    .parameters = parameters,
    .task = task,
    .compute = compute,
    .check = check,
    .tallies = tallies,
    .count = count,
    .estimate_ns = estimate_ns,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .in_turn = in_turn,
};

}  // namespace bench
