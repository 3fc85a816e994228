// `queue-rush`: the notes' exercise of a full queue. Each task offers its number to a queue of `--capacity` that nobody
// takes from, without waiting for room: exactly the queue's capacity gets in, whoever comes first, and all others are
// told at once that there is no room.
#include <fmt/format.h>

#include <algorithm>

#include "workloads/job.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("100"),
    {.name = "capacity", .standard = "10", .meaning = "items that the queue holds at the most", .most = 1'000'000},
});

struct Offer {
  std::uint32_t task;
  bool operator<(const Offer& other) const { return task < other.task; }
};

struct Shared {
  explicit Shared(std::span<Offer> room) : queue(room, QueueOrder::fifo) {}
  BoundedQueue<Offer> queue;
};

constexpr std::uint64_t refused = 1;
constexpr std::uint64_t admitted = 2;

// What a task leaves: whether its offer was taken, and who it is.
std::uint64_t outcome_of(std::uint32_t index, std::uint64_t what) { return std::uint64_t{index} * 4 + what; }

Script task(const Task& task) {
  co_yield checkpoint();
  const bool taken = task.shared<Shared>().queue.try_push({.task = task.index});
  task.outcome = outcome_of(task.index, taken ? admitted : refused);
}

// What lies in the queue is what the tasks say was taken, once each, and as many as there is room for.
std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  std::vector<bool> is_in(batch.tasks);
  std::uint64_t count = 0;
  while (const std::optional<Offer> offer = batch.shared<Shared>().queue.try_pop()) {
    if (offer->task >= batch.tasks || is_in[offer->task]) return fmt::format("task {} is there twice", offer->task);
    is_in[offer->task] = true;
    ++count;
  }
  const std::uint64_t expected = std::min<std::uint64_t>(batch.parameters.number("capacity"), batch.tasks);
  if (count != expected) return fmt::format("wrong admission: {} offers got in, expected {}", count, expected);
  return compare_outcomes(outcomes,
                          [&](std::uint32_t index) { return outcome_of(index, is_in[index] ? admitted : refused); });
}

void count(const Batch& /*batch*/, std::span<const std::uint64_t> outcomes, std::span<std::uint64_t> counts) {
  for (const std::uint64_t outcome : outcomes) ++counts[outcome % 4 == admitted ? 0 : 1];
}

std::size_t state_bytes(const Batch& batch) {
  return sizeof(Shared) + batch.parameters.number("capacity") * sizeof(Offer);
}

void prepare(const Batch& batch) {
  auto* const room = reinterpret_cast<Offer*>(batch.state + sizeof(Shared));
  new (batch.state) Shared({room, batch.parameters.number("capacity")});
}

constexpr std::array<std::string_view, 2> tallies{"admitted", "refused"};

}  // namespace

extern constinit const Job queue_rush_job{
    .name = "queue-rush",
    .summary = "offers items to a queue that nobody empties, without waiting: its capacity gets in",
    .parameters = parameters,
    .task = task,
    .check = check,
    .tallies = tallies,
    .count = count,
    .state_bytes = state_bytes,
    .prepare = prepare,
};

}  // namespace bench
