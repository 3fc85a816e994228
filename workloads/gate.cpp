// `gate`: all tasks but one wait at a gate, and the last one opens it when all the others are there and a time has
// passed: one set wakes all of them. The notes' exercise on events.
#include "workloads/job.h"
#include "workloads/sync.h"

namespace bench {
namespace {

struct Shared {
  Semaphore arrived{0};
  Event gate;
  std::atomic<std::uint64_t> word;  // what the opener leaves before it opens
};

// What the opener leaves, which nobody can know before.
constexpr std::uint64_t word_of(std::uint32_t tasks) { return tasks * 0x9E37'79B9'7F4A'7C15U + 1; }

Script task(const Task& task) {
  Shared& shared = task.shared<Shared>();
  if (task.index + 1 != task.tasks()) {
    shared.arrived.release();
    const bool open = co_yield until_set(shared.gate);
    if (open) task.outcome = shared.word.load(std::memory_order_relaxed) + task.index;
    co_return;
  }
  for (std::uint32_t others = task.index; others != 0; --others) {
    const bool came = co_yield acquire(shared.arrived);
    if (!came) co_return;
  }
  co_yield wait_for(task.wait());
  shared.word.store(word_of(task.tasks()), std::memory_order_relaxed);
  shared.gate.set();
  task.outcome = word_of(task.tasks()) + task.index;
}

std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, [&](std::uint32_t index) { return word_of(batch.tasks) + index; });
}

std::size_t state_bytes(const Batch& /*batch*/) { return sizeof(Shared); }
void prepare(const Batch& batch) { new (batch.state) Shared(); }
std::uint32_t least_in_flight(const Batch& batch) { return batch.tasks; }
std::chrono::nanoseconds in_turn(const Batch& batch) { return batch.wait_of(batch.tasks - 1); }

constexpr auto parameters = std::to_array<Parameter>({tasks_parameter("21"), wait_parameter("10ms")});

}  // namespace

extern constinit const Job gate_job{
    .name = "gate",
    .summary = "waits at a gate that the last task opens for all: one event wakes many",
    .parameters = parameters,
    .task = task,
    .check = check,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .least_in_flight = least_in_flight,
    .in_turn = in_turn,
    .each_waits = false,
};

}  // namespace bench
