// queue: one item goes from the unit that makes it to the unit that takes it, through a queue that holds several.
//
// One unit puts numbers in as fast as the queue takes them, the other takes them out one at a time; a batch ends when
// the last has arrived. pipe, socket: a write and a read for each item, and a sleep where the queue is full or empty.
// condition: a ring of 512 items under a mutex, with a condition variable for each side. ring: the same ring in one
// thread, where who finds it full or empty lets the other coroutine or fiber have its turn.
#include <array>
#include <condition_variable>
#include <mutex>

#include "measure/primitive_run.h"
#include "measure/shared_mapping.h"
#include "models/resumable/coroutine.h"
#include "models/resumable/fiber_unit.h"
#include "primitives/partners.h"
#include "primitives/pipe.h"
#include "primitives/primitive.h"

namespace bench {
namespace {

// Items in the order in which they came.
class Ring {
 public:
  bool empty() const noexcept { return begin_ == end_; }
  bool full() const noexcept { return end_ - begin_ == items_.size(); }
  void put(Item item) noexcept { items_[end_++ % items_.size()] = item; }
  Item get() noexcept { return items_[begin_++ % items_.size()]; }

 private:
  std::array<Item, 512> items_{};
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

class ConditionQueue {
 public:
  void put(Item item) {
    {
      std::unique_lock lock(mutex_);
      not_full_.wait(lock, [this] { return !ring_.full(); });
      ring_.put(item);
    }
    not_empty_.notify_one();
  }

  Item get() {
    Item item = 0;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return !ring_.empty(); });
      item = ring_.get();
    }
    not_full_.notify_one();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  Ring ring_;
};

// What the receiver tells the sender; shared by both, whether thread or process.
struct Tally {
  std::atomic<std::uint64_t> wanted;  // items of all batches so far
  std::uint64_t received;
  std::uint64_t out_of_order;
  FutexWord batches_done;
};

template <typename Queue>
void receive_all(Queue& queue, Tally& tally, Sharing sharing) {
  while (true) {
    const Item item = queue.get();
    if (item == last_item) return;
    if (item != tally.received) ++tally.out_of_order;
    if (++tally.received != tally.wanted.load(std::memory_order_relaxed)) continue;
    tally.batches_done.fetch_add(1, std::memory_order_release);
    futex_wake_one(tally.batches_done, sharing);
  }
}

template <typename Queue>
void hand_over(PrimitiveRun& run, Queue& queue, Sharing sharing) {
  const SharedArray<Tally> shared(1);
  Tally& tally = shared[0];
  Partners partners(run, sharing);
  partners.start(1, [&] { receive_all(queue, tally, sharing); });
  run.place(0);
  Item sent = 0;
  std::uint32_t batches = 0;
  run.time([&](std::uint64_t count) {
    tally.wanted.store(sent + count, std::memory_order_relaxed);
    for (std::uint64_t i = 0; i < count; ++i) queue.put(sent++);
    while (tally.batches_done.load(std::memory_order_acquire) == batches) {
      futex_wait(tally.batches_done, batches, sharing);
    }
    ++batches;
    return count;
  });
  queue.put(last_item);
  partners.join();
  run.expect_equal(tally.received, sent, "items arrived");
  run.expect_equal(tally.out_of_order, 0, "items came out of order");
}

Detached send_items(CoroutineScheduler& scheduler, Ring& ring, Item first, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    while (ring.full()) {
      auto turn = scheduler.turn();
      co_await turn;
    }
    ring.put(first + i);
  }
}

Detached receive_items(CoroutineScheduler& scheduler, Ring& ring, Item& expected, std::uint64_t count,
                       std::uint64_t& wrong) {
  for (std::uint64_t i = 0; i < count; ++i) {
    while (ring.empty()) {
      auto turn = scheduler.turn();
      co_await turn;
    }
    if (ring.get() != expected++) ++wrong;
  }
}

void send_items(const FiberUnit& self, Ring& ring, Item first, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    while (ring.full()) self.give_way();
    ring.put(first + i);
  }
}

void receive_items(const FiberUnit& self, Ring& ring, Item& expected, std::uint64_t count, std::uint64_t& wrong) {
  for (std::uint64_t i = 0; i < count; ++i) {
    while (ring.empty()) self.give_way();
    if (ring.get() != expected++) ++wrong;
  }
}

void queue_processes_pipe(PrimitiveRun& run) {
  Pipe pipe(run);
  hand_over(run, pipe, Sharing::processes);
}

void queue_processes_socket(PrimitiveRun& run) {
  Pipe pipe = Pipe::of_sockets(run);
  hand_over(run, pipe, Sharing::processes);
}

void queue_threads_pipe(PrimitiveRun& run) {
  Pipe pipe(run);
  hand_over(run, pipe, Sharing::threads);
}

void queue_threads_socket(PrimitiveRun& run) {
  Pipe pipe = Pipe::of_sockets(run);
  hand_over(run, pipe, Sharing::threads);
}

void queue_threads_condition(PrimitiveRun& run) {
  ConditionQueue queue;
  hand_over(run, queue, Sharing::threads);
}

void queue_coroutines_ring(PrimitiveRun& run) {
  CoroutineScheduler scheduler;
  Ring ring;
  Item sent = 0;
  Item received = 0;
  std::uint64_t out_of_order = 0;
  run.time([&](std::uint64_t count) {
    send_items(scheduler, ring, sent, count);
    receive_items(scheduler, ring, received, count, out_of_order);
    scheduler.run();
    sent += count;
    return count;
  });
  run.expect_equal(received, sent, "items arrived");
  run.expect_equal(out_of_order, 0, "items came out of order");
}

void queue_fibers_ring(PrimitiveRun& run) {
  StackPool stacks(run.stack_bytes());
  FiberScheduler scheduler;
  Ring ring;
  Item sent = 0;
  Item received = 0;
  std::uint64_t out_of_order = 0;
  run.time([&](std::uint64_t count) {
    Fiber::start(stacks, [&](Fiber& fiber) { send_items(FiberUnit(scheduler, fiber), ring, sent, count); });
    Fiber::start(
        stacks, [&](Fiber& fiber) { receive_items(FiberUnit(scheduler, fiber), ring, received, count, out_of_order); });
    scheduler.run();
    sent += count;
    return count;
  });
  run.expect_equal(received, sent, "items arrived");
  run.expect_equal(out_of_order, 0, "items came out of order");
}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "pipe", 0, 1, queue_processes_pipe},
    {"processes", "pipe", 0, 2, queue_processes_pipe},
    {"processes", "socket", 0, 1, queue_processes_socket},
    {"processes", "socket", 0, 2, queue_processes_socket},
    {"threads", "pipe", 0, 1, queue_threads_pipe},
    {"threads", "pipe", 0, 2, queue_threads_pipe},
    {"threads", "socket", 0, 1, queue_threads_socket},
    {"threads", "socket", 0, 2, queue_threads_socket},
    {"threads", "condition", 0, 1, queue_threads_condition},
    {"threads", "condition", 0, 2, queue_threads_condition},
    {"coroutines", "ring", 0, 1, queue_coroutines_ring},
    {"fibers", "ring", 0, 1, queue_fibers_ring},
});

}  // namespace

extern constinit const Primitive queue_primitive{
    .name = "queue",
    .summary = "an item goes from one unit to another",
    .operation = "one item",
    .rows = rows,
};

}  // namespace bench
