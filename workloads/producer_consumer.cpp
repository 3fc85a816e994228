// `producer-consumer`: the notes' bounded queue. Producers put items in and wait while it is full, consumers take them
// out and wait while it is empty; the last producer closes it. Tasks alternate: a producer, a consumer, and so on.
#include <fmt/format.h>

#include "workloads/job.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr auto parameters = std::to_array<Parameter>({
    {.name = "items", .standard = "10000", .meaning = "items that go through the queue in all", .most = 1e9},
    {.name = "capacity", .standard = "16", .meaning = "items that the queue holds at the most", .most = 1'000'000},
    {.name = "producers", .standard = "2", .meaning = "tasks that put items in", .most = 100'000},
    {.name = "consumers", .standard = "2", .meaning = "tasks that take items out", .most = 100'000},
    {.name = "order",
     .kind = ParameterKind::choice,
     .standard = "fifo",
     .meaning = "which item the queue gives first",
     .choices = {"fifo", "lifo", "priority"}},
});

// A producer's items are numbered; the priority queue gives the smallest number first.
struct Item {
  std::uint64_t number;
  std::uint64_t producer;
  bool operator<(const Item& other) const { return number < other.number; }
};

// What a consumer has seen of one producer's items.
struct Seen {
  std::uint64_t count;
  std::uint64_t sum;
  std::uint64_t last;       // number, plus one
  std::uint64_t backwards;  // items that came after a later one of their producer
};

struct Shared {
  Shared(std::span<Item> room, QueueOrder order) : queue(room, order) {}
  BoundedQueue<Item> queue;
  std::atomic<std::uint32_t> producing;
  Seen* seen;  // consumers × producers
};

struct Sizes {
  explicit Sizes(const Parameters& told)
      : items(told.number("items")),
        capacity(told.number("capacity")),
        producers(static_cast<std::uint32_t>(told.number("producers"))),
        consumers(static_cast<std::uint32_t>(told.number("consumers"))) {}
  std::uint64_t items;
  std::uint64_t capacity;
  std::uint32_t producers;
  std::uint32_t consumers;

  // Of the items, those of one producer.
  std::uint64_t share(std::uint64_t producer) const {
    return items / producers + (producer < items % producers ? 1 : 0);
  }

  // Tasks alternate for as long as there are both.
  bool produces(std::uint32_t index) const {
    const std::uint32_t pairs = std::min(producers, consumers);
    return index < 2 * pairs ? index % 2 == 0 : producers > consumers;
  }
  // Which producer, or which consumer, the task is.
  std::uint32_t number_of(std::uint32_t index) const {
    const std::uint32_t pairs = std::min(producers, consumers);
    return index < 2 * pairs ? index / 2 : index - pairs;
  }
};

constexpr std::uint64_t items_per_checkpoint = 64;

Script produce(const Task& task, Sizes sizes) {
  Shared& shared = task.shared<Shared>();
  const std::uint64_t producer = sizes.number_of(task.index);
  const std::uint64_t count = sizes.share(producer);
  std::uint64_t sum = 0;
  for (std::uint64_t number = 0; number < count; ++number) {
    const Item item{.number = number, .producer = producer};
    const bool taken = co_yield push(shared.queue, item);
    if (!taken) co_return;
    sum += number;
    if (number % items_per_checkpoint != 0) continue;
    co_yield checkpoint();
  }
  if (shared.producing.fetch_sub(1) == 1) shared.queue.close();
  task.outcome = sum + 1;
}

Script consume(const Task& task, Sizes sizes) {
  Shared& shared = task.shared<Shared>();
  Seen* const seen = shared.seen + std::size_t{sizes.number_of(task.index)} * sizes.producers;
  for (std::uint64_t count = 1;; ++count) {
    const std::optional<Item> item = co_yield pop(shared.queue);
    if (!item) break;
    Seen& of = seen[item->producer];
    ++of.count;
    of.sum += item->number;
    if (item->number + 1 <= of.last) ++of.backwards;
    of.last = item->number + 1;
    if (count % items_per_checkpoint != 0) continue;
    co_yield checkpoint();
  }
  task.outcome = task.index + std::uint64_t{1};
}

Script task(const Task& task) {
  const Sizes sizes(task.batch.parameters);
  return sizes.produces(task.index) ? produce(task, sizes) : consume(task, sizes);
}

// Each producer's items were taken once each, by whichever consumers, and from a queue that keeps their order a
// consumer got those of one producer in that order.
std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  const Sizes sizes(batch.parameters);
  const Shared& shared = batch.shared<Shared>();
  const auto sum_below = [](std::uint64_t count) { return count == 0 ? 0 : count * (count - 1) / 2; };
  const auto expected = [&](std::uint32_t index) {
    return sizes.produces(index) ? sum_below(sizes.share(sizes.number_of(index))) + 1 : index + std::uint64_t{1};
  };
  if (auto wrong = compare_outcomes(outcomes, expected)) return wrong;
  const bool ordered = batch.parameters.choice("order") == "fifo";
  for (std::uint32_t producer = 0; producer < sizes.producers; ++producer) {
    Seen all{};
    for (std::uint32_t consumer = 0; consumer < sizes.consumers; ++consumer) {
      const Seen& seen = shared.seen[std::size_t{consumer} * sizes.producers + producer];
      all.count += seen.count;
      all.sum += seen.sum;
      all.backwards += seen.backwards;
    }
    const std::uint64_t count = sizes.share(producer);
    if (all.count != count || all.sum != sum_below(count)) {
      return fmt::format("wrong items: of producer {}, {} came with the sum {}, expected {} and {}", producer,
                         all.count, all.sum, count, sum_below(count));
    }
    if (ordered && all.backwards != 0) {
      return fmt::format("wrong order: {} items of producer {} came after later ones", all.backwards, producer);
    }
  }
  return std::nullopt;
}

std::size_t state_bytes(const Batch& batch) {
  const Sizes sizes(batch.parameters);
  return sizeof(Shared) + sizes.capacity * sizeof(Item) + std::size_t{sizes.consumers} * sizes.producers * sizeof(Seen);
}

void prepare(const Batch& batch) {
  const Sizes sizes(batch.parameters);
  const std::string_view order = batch.parameters.choice("order");
  auto* const room = reinterpret_cast<Item*>(batch.state + sizeof(Shared));
  auto* const shared = new (batch.state) Shared({room, sizes.capacity}, order == "lifo"       ? QueueOrder::lifo
                                                                        : order == "priority" ? QueueOrder::priority
                                                                                              : QueueOrder::fifo);
  shared->producing = sizes.producers;
  shared->seen = reinterpret_cast<Seen*>(room + sizes.capacity);
}

std::uint32_t task_count(const Parameters& told) {
  const Sizes sizes(told);
  return sizes.producers + sizes.consumers;
}

// A producer that waits for room holds its unit: the consumers need some too.
std::uint32_t least_in_flight(const Batch& batch) { return batch.tasks; }

double estimate_ns(const Batch& batch) {
  constexpr double ns_per_item = 500;
  return ns_per_item * static_cast<double>(batch.parameters.number("items")) / batch.tasks;
}

}  // namespace

extern constinit const Job producer_consumer_job{
    .name = "producer-consumer",
    .summary = "hands items over through a bounded queue",
    .parameters = parameters,
    .task = task,
    .check = check,
    .estimate_ns = estimate_ns,
    .items = [](const Batch& batch) { return batch.parameters.number("items"); },
    .task_count = task_count,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .least_in_flight = least_in_flight,
};

}  // namespace bench
