// wake: an event that all units wait for is set; the time until the last of them runs.
//
// The units wait for the event, one sets it, they note the time as the first thing they do, and wait again. What they
// do until all wait again is no part of the time, but of the CPU time and the switches. futex: one system call wakes
// all, and says how many slept: where it was not all of them, the try does not count. condition: glibc's
// notify_all wakes all at once, and each has to take the mutex before it may run. loop: one coroutine or fiber after
// the other is resumed, and waits again before the next.
#include <condition_variable>
#include <coroutine>
#include <ctime>
#include <mutex>
#include <utility>

#include "measure/clock.h"
#include "measure/primitive_run.h"
#include "measure/shared_mapping.h"
#include "models/resumable/coroutine.h"
#include "models/resumable/fiber_unit.h"
#include "primitives/partners.h"
#include "primitives/primitive.h"

namespace bench {
namespace {

constexpr std::uint32_t over = ~std::uint32_t{0};

// What the units and the one who sets the event see.
struct Crowd {
  std::atomic<std::uint32_t> waiting;   // that are about to wait for the event
  std::atomic<std::uint32_t> running;   // that have run after it
  std::atomic<std::int64_t> latest_ns;  // when the last of them did
  std::atomic<std::uint64_t> wakes;     // of all units and events
  FutexWord event;                      // counts the events
};

class FutexEvent {
 public:
  FutexEvent(Crowd& crowd, Sharing sharing) : word_(crowd.event), sharing_(sharing) {}

  /// Waits for the event after `seen`; which that is.
  std::uint32_t wait(std::uint32_t seen) noexcept {
    std::uint32_t now = 0;
    while ((now = word_.load(std::memory_order_acquire)) == seen) futex_wait(word_, seen, sharing_);
    return now;
  }

  /// How many it woke.
  std::uint32_t set(std::uint32_t event) noexcept {
    word_.store(event, std::memory_order_release);
    return futex_wake_all(word_, sharing_);
  }

 private:
  FutexWord& word_;
  Sharing sharing_;
};

class ConditionEvent {
 public:
  std::uint32_t wait(std::uint32_t seen) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [&] { return event_ != seen; });
    --waiting_;
    return event_;
  }

  std::uint32_t set(std::uint32_t event) {
    std::uint32_t woken = 0;
    {
      const std::lock_guard lock(mutex_);
      event_ = event;
      woken = waiting_;
    }
    changed_.notify_all();
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t event_ = 0;
  std::uint32_t waiting_ = 0;
};

void sleep_a_moment() noexcept {
  constexpr timespec moment{.tv_sec = 0, .tv_nsec = 20'000};
  nanosleep(&moment, nullptr);
}

void keep_latest(std::atomic<std::int64_t>& latest_ns, std::int64_t now) noexcept {
  std::int64_t seen = latest_ns.load(std::memory_order_relaxed);
  while (now > seen && !latest_ns.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
}

template <typename Event>
void wait_again_and_again(Crowd& crowd, Event& event) {
  std::uint32_t seen = 0;
  while (true) {
    crowd.waiting.fetch_add(1);
    seen = event.wait(seen);
    const std::int64_t now = now_ns();
    if (seen == over) return;
    keep_latest(crowd.latest_ns, now);
    crowd.wakes.fetch_add(1, std::memory_order_relaxed);
    crowd.running.fetch_add(1);
  }
}

// Sets the event once all wait; how long it took until the last ran, or nothing where not all were asleep.
template <typename Event>
std::int64_t set_and_watch(Crowd& crowd, Event& event, std::uint32_t units, std::uint32_t number) {
  while (crowd.waiting.load() != units) sleep_a_moment();
  sleep_a_moment();  // the last that is about to wait needs less to fall asleep
  crowd.waiting.store(0);
  crowd.running.store(0);
  crowd.latest_ns.store(0);
  const std::int64_t begun_ns = now_ns();
  const std::uint32_t woken = event.set(number);
  while (crowd.running.load() != units) sleep_a_moment();
  return woken == units ? crowd.latest_ns.load() - begun_ns : 0;
}

template <typename Event>
void wake_all(PrimitiveRun& run, Crowd& crowd, Event& event, Sharing sharing) {
  Partners partners(run, sharing);
  for (std::uint32_t unit = 0; unit < run.tasks(); ++unit) {
    partners.start(unit + 1, [&] { wait_again_and_again(crowd, event); });
  }
  run.place(0);
  std::uint32_t events = 0;
  run.time_parts([&](std::uint64_t count) {
    std::int64_t total_ns = 0;
    for (std::uint64_t done = 0; done < count;) {
      const std::int64_t took_ns = set_and_watch(crowd, event, run.tasks(), ++events);
      if (took_ns == 0) continue;
      total_ns += took_ns;
      ++done;
    }
    return total_ns;
  });
  while (crowd.waiting.load() != run.tasks()) sleep_a_moment();
  event.set(over);
  partners.join();
  run.expect_equal(crowd.wakes.load(), std::uint64_t{events} * run.tasks(), "units were woken");
}

// Waits in the queue of an event of the loop, again and again until its time is up.
Detached wait_in_loop(CoroutineScheduler::Queue& queue, const bool& time_is_up, std::uint64_t& wakes) {
  struct Wait : CoroutineScheduler::Waiter {
    CoroutineScheduler::Queue& home;
    explicit Wait(CoroutineScheduler::Queue& queue_of_event) : home(queue_of_event) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      handle = waiter;
      home.push(*this);
    }
    void await_resume() const noexcept {}
  };
  while (!time_is_up) {
    Wait wait(queue);
    co_await wait;
    ++wakes;
  }
}

void wait_in_loop(Fiber& fiber, FiberScheduler::Queue& queue, const bool& time_is_up, std::uint64_t& wakes) {
  while (!time_is_up) {
    FiberScheduler::Waiter waiter{{&fiber}};
    queue.push(waiter);
    fiber.park();
    ++wakes;
  }
}

// Those that wait again meanwhile wait for the next event.
template <typename Queue>
void set_in_loop(Queue& queue) {
  Queue waiting = std::exchange(queue, Queue());
  while (!waiting.empty()) waiting.pop().handle.resume();
}

// Sets the event of the loop again and again, for the units that wait in its queue.
template <typename Queue>
void wake_in_loop(PrimitiveRun& run, Queue& queue, bool& time_is_up, const std::uint64_t& wakes) {
  std::uint64_t events = 0;
  run.time([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) set_in_loop(queue);
    events += count;
    return count;
  });
  time_is_up = true;
  set_in_loop(queue);
  run.expect_equal(wakes, (events + 1) * run.tasks(), "units were woken");
}

void wake_processes_futex(PrimitiveRun& run) {
  const SharedArray<Crowd> shared(1);
  FutexEvent event(shared[0], Sharing::processes);
  wake_all(run, shared[0], event, Sharing::processes);
}

void wake_threads_futex(PrimitiveRun& run) {
  const SharedArray<Crowd> shared(1);
  FutexEvent event(shared[0], Sharing::threads);
  wake_all(run, shared[0], event, Sharing::threads);
}

void wake_threads_condition(PrimitiveRun& run) {
  const SharedArray<Crowd> shared(1);
  ConditionEvent event;
  wake_all(run, shared[0], event, Sharing::threads);
}

void wake_coroutines_loop(PrimitiveRun& run) {
  CoroutineScheduler::Queue queue;
  bool time_is_up = false;
  std::uint64_t wakes = 0;
  for (std::uint32_t unit = 0; unit < run.tasks(); ++unit) wait_in_loop(queue, time_is_up, wakes);
  wake_in_loop(run, queue, time_is_up, wakes);
}

void wake_fibers_loop(PrimitiveRun& run) {
  StackPool stacks(run.stack_bytes());
  FiberScheduler::Queue queue;
  bool time_is_up = false;
  std::uint64_t wakes = 0;
  run.guard([&] {
    for (std::uint32_t unit = 0; unit < run.tasks(); ++unit) {
      Fiber::start(stacks, [&](Fiber& fiber) { wait_in_loop(fiber, queue, time_is_up, wakes); });
    }
  });
  wake_in_loop(run, queue, time_is_up, wakes);
}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "futex", 0, 1, wake_processes_futex},
    {"processes", "futex", 0, 2, wake_processes_futex},
    {"threads", "futex", 0, 1, wake_threads_futex},
    {"threads", "futex", 0, 2, wake_threads_futex},
    {"threads", "condition", 0, 1, wake_threads_condition},
    {"threads", "condition", 0, 2, wake_threads_condition},
    {"coroutines", "loop", 0, 1, wake_coroutines_loop},
    {"fibers", "loop", 0, 1, wake_fibers_loop},
});

constexpr auto parameters = std::to_array<Parameter>({units_parameter("8")});

}  // namespace

extern constinit const Primitive wake_primitive{
    .name = "wake",
    .summary = "an event is set that many units wait for",
    .operation = "from set to the last unit that runs",
    .parameters = parameters,
    .rows = rows,
};

}  // namespace bench
