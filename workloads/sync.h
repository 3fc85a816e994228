// What tasks wait for of each other: locks, semaphores, events, queues. Written once, over the verb `park` and over
// Waiting::wake, so that a workload with a lock compares models and not locks.
//
// All of them lie in the state that a job shares, which all-zero bytes need not be: Job::prepare makes them. They serve
// threads, processes, loops and mixtures of these. Whoever waits gets its turn in the order of coming (FIFO hand-over):
// what is released goes to the first that waits and to nobody else. An operation that need not wait suspends nothing
// and makes no system call.
//
// A task that waits without a bound goes on only when it is woken, so that it is woken when the guard is free again.
// One that may give up is woken under the guard, which it takes before it goes on: otherwise a wake-up that comes late
// would meet it in its next wait.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#include "workloads/futex.h"
#include "workloads/script.h"

namespace bench {

/// Guards the few instructions in which a list of waiting tasks changes: a futex as U. Drepper describes it ("Futexes
/// Are Tricky", 2011, mutex2). Its holder never suspends.
class Guard {
 public:
  void lock() noexcept {
    std::uint32_t seen = free;
    if (word_.compare_exchange_strong(seen, held, std::memory_order_acquire)) return;
    while (word_.exchange(contended, std::memory_order_acquire) != free) {
      futex_wait(word_, contended, Sharing::processes);
    }
  }
  void unlock() noexcept {
    if (word_.exchange(free, std::memory_order_release) == contended) futex_wake_one(word_, Sharing::processes);
  }

 private:
  static constexpr std::uint32_t free = 0;
  static constexpr std::uint32_t held = 1;
  static constexpr std::uint32_t contended = 2;
  FutexWord word_{free};
};

/// Tells the thread sanitizer what the other processes between two turns do to it: what was done before one task lets
/// go of `what` is done before the next task has got it.
#if defined(__SANITIZE_THREAD__)
inline void let_go(void* what) noexcept { __tsan_release(what); }
inline void got(void* what) noexcept { __tsan_acquire(what); }
#else
inline void let_go(void* /*what*/) noexcept {}
inline void got(void* /*what*/) noexcept {}
#endif

/// Tasks that wait for the same, first in, first out. Under a guard.
class WaitingTasks {
 public:
  bool empty() const noexcept { return first_ == nullptr; }

  void push(Waiting& task, bool timed) noexcept {
    task.next = nullptr;
    task.granted = false;
    task.timed = timed;
    if (empty()) {
      first_ = &task;
    } else {
      last_->next = &task;
    }
    last_ = &task;
  }

  Waiting& pop() noexcept {
    Waiting& task = *first_;
    first_ = task.next;
    return task;
  }

  /// Takes out a task that waits no longer.
  void remove(Waiting& task) noexcept {
    Waiting* before = nullptr;
    for (Waiting* at = first_; at != nullptr; before = at, at = at->next) {
      if (at != &task) continue;
      Waiting* const behind = task.next;
      if (before) {
        before->next = behind;
      } else {
        first_ = behind;
      }
      if (last_ == &task) last_ = before;
      return;
    }
  }

 private:
  Waiting* first_ = nullptr;
  Waiting* last_ = nullptr;
};

/// Gives a task that was among those that wait what it waits for. Under the guard; the task that is returned, if there
/// is one, is to be woken when the guard is free.
inline Waiting* grant(Waiting& task) noexcept {
  task.granted = true;
  if (!task.timed) return &task;
  task.wake();
  return nullptr;
}

/// The end of a task's wait: whether it has got what it waited for. If not, it is no longer among those that wait.
inline bool end_wait(Waiting& task, WaitingTasks& among, Guard& guard) noexcept {
  if (!task.timed) return task.granted;
  guard.lock();
  if (!task.granted) among.remove(task);
  task.resumed();  // a wake-up that it did not wait for any more
  guard.unlock();
  return task.granted;
}

/// Permits: acquire() takes one and waits while there is none, release() gives one back.
class Semaphore {
 public:
  explicit Semaphore(std::uint32_t permits) noexcept : word_(permits) {}

  bool try_acquire() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (seen != 0 && seen != waited_for) {
      if (word_.compare_exchange_weak(seen, seen - 1, std::memory_order_acquire)) return true;
    }
    return false;
  }

  void release() noexcept {
    let_go(this);
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (seen != waited_for) {
      if (word_.compare_exchange_weak(seen, seen + 1, std::memory_order_release)) return;
    }
    release_to_first();
  }

  /// What acquire() makes.
  struct Acquire {
    Semaphore* semaphore;
    std::chrono::nanoseconds at_most;
    bool done = false;
    bool attempt(Waiting* /*task*/) noexcept { return done = semaphore->try_acquire(); }
    bool enqueue(Waiting& task) noexcept { return !(done = !semaphore->wait(task, at_most != for_ever)); }
    std::chrono::nanoseconds timeout() const noexcept { return at_most; }
    bool finish(Waiting* task) const noexcept {
      const bool acquired = done || end_wait(*task, semaphore->waiting_, semaphore->guard_);
      if (acquired) got(semaphore);
      return acquired;
    }
  };

 private:
  // The word is how many permits there are, or this: there are none, and tasks may wait.
  static constexpr std::uint32_t waited_for = 0xFFFF'FFFF;

  void release_to_first() noexcept;
  // False where a permit was got after all.
  bool wait(Waiting& task, bool timed) noexcept;

  FutexWord word_;
  Guard guard_;
  WaitingTasks waiting_;
};

/// `co_yield acquire(semaphore)`: comes to true, or to false after `at_most`.
constexpr Semaphore::Acquire acquire(Semaphore& semaphore, std::chrono::nanoseconds at_most = for_ever) noexcept {
  return {&semaphore, at_most};
}

/// One task at a time.
class Mutex {
 public:
  bool try_lock() noexcept { return permit_.try_acquire(); }

  /// Its holder lets it go, to the first that waits.
  void unlock() noexcept { permit_.release(); }

 private:
  friend constexpr Semaphore::Acquire lock(Mutex&, std::chrono::nanoseconds) noexcept;
  Semaphore permit_{1};
};

/// `co_yield lock(mutex)`: comes to true, or to false after `at_most`.
constexpr Semaphore::Acquire lock(Mutex& mutex, std::chrono::nanoseconds at_most = for_ever) noexcept {
  return acquire(mutex.permit_, at_most);
}

/// A mutex that the task which holds it may take again; it is free when it has been let go as often.
class RecursiveMutex {
 public:
  struct Lock {
    RecursiveMutex* mutex;
    Semaphore::Acquire permit;
    bool attempt(Waiting* task) noexcept {
      permit.done = task != nullptr && mutex->owner_.load(std::memory_order_relaxed) == task;
      return permit.done || permit.attempt(task);
    }
    bool enqueue(Waiting& task) noexcept { return permit.enqueue(task); }
    std::chrono::nanoseconds timeout() const noexcept { return permit.timeout(); }
    bool finish(Waiting* task) const noexcept {
      const bool got = permit.finish(task);
      if (got) mutex->take(task);
      return got;
    }
  };

  void unlock() noexcept {
    if (--depth_ != 0) return;
    owner_.store(nullptr, std::memory_order_relaxed);
    permit_.release();
  }

 private:
  friend constexpr Lock lock(RecursiveMutex&, std::chrono::nanoseconds) noexcept;

  void take(Waiting* task) noexcept {
    owner_.store(task, std::memory_order_relaxed);
    ++depth_;
  }

  Semaphore permit_{1};
  std::atomic<Waiting*> owner_{nullptr};
  std::uint32_t depth_ = 0;
};

constexpr RecursiveMutex::Lock lock(RecursiveMutex& mutex, std::chrono::nanoseconds at_most = for_ever) noexcept {
  return {&mutex, acquire(mutex.permit_, at_most)};
}

/// Something that happens once: tasks wait until it is set.
class Event {
 public:
  bool is_set() const noexcept { return set_.load(std::memory_order_acquire); }

  /// Wakes all that wait, and says how many there were.
  std::uint32_t set() noexcept;

  struct Wait {
    Event* event;
    std::chrono::nanoseconds at_most;
    bool done = false;
    bool attempt(Waiting* /*task*/) noexcept { return done = event->is_set(); }
    bool enqueue(Waiting& task) noexcept { return !(done = !event->wait(task, at_most != for_ever)); }
    std::chrono::nanoseconds timeout() const noexcept { return at_most; }
    bool finish(Waiting* task) const noexcept {
      const bool was_set = done || end_wait(*task, event->waiting_, event->guard_);
      if (was_set) got(event);
      return was_set;
    }
  };

 private:
  // False where it has been set after all.
  bool wait(Waiting& task, bool timed) noexcept;

  std::atomic<bool> set_{false};
  Guard guard_;
  WaitingTasks waiting_;
};

/// `co_yield until_set(event)`: comes to true, or to false after `at_most`.
constexpr Event::Wait until_set(Event& event, std::chrono::nanoseconds at_most = for_ever) noexcept {
  return {&event, at_most};
}

/// Which item a queue gives first.
enum class QueueOrder : std::uint8_t {
  fifo,
  lifo,
  priority,  ///< The smallest by operator<; of equal ones any.
};

/// What a queue can put in order.
template <typename Item>
concept Ordered = requires(const Item& one, const Item& other) {
  { one < other } -> std::convertible_to<bool>;
};

/// A queue of at most so many items, which push() waits for room in and pop() for an item.
template <typename Item>
requires std::is_trivially_copyable_v<Item> &&(sizeof(Item) <= sizeof(Waiting::slot)) &&
    Ordered<Item> class BoundedQueue {
 public:
  /// `room` is for its items, shared like the queue, and outlives it.
  BoundedQueue(std::span<Item> room, QueueOrder order) noexcept
      : room_(room.data()), capacity_(room.size()), order_(order) {}

  std::size_t size() noexcept {
    const Held held(guard_);
    return size_;
  }

  /// False where the queue is full or closed.
  bool try_push(Item item) noexcept {
    guard_.lock();
    Waiting* woken = nullptr;
    const bool done = push_now(item, woken);
    guard_.unlock();
    if (woken) woken->wake();
    return done;
  }

  /// Nothing where the queue is empty.
  std::optional<Item> try_pop() noexcept {
    guard_.lock();
    Waiting* woken = nullptr;
    const std::optional<Item> item = pop_now(woken);
    guard_.unlock();
    if (woken) woken->wake();
    return item;
  }

  /// From now on nothing is taken; who waits for an item that will not come is told, and so is who waits for room.
  void close() noexcept {
    const Held held(guard_);
    closed_ = true;
    while (!poppers_.empty()) poppers_.pop().wake();
    while (!pushers_.empty()) pushers_.pop().wake();
  }

  struct Push {
    BoundedQueue* queue;
    Item item;
    std::chrono::nanoseconds at_most;
    bool was_taken = false;
    bool parked = false;
    bool attempt(Waiting* /*task*/) noexcept { return was_taken = queue->try_push(item); }
    bool enqueue(Waiting& task) noexcept {
      queue->guard_.lock();
      Waiting* woken = nullptr;
      was_taken = queue->push_now(item, woken);
      const bool waits = parked = !was_taken && !queue->closed_;
      if (waits) {
        put(task, item);
        queue->pushers_.push(task, at_most != for_ever);
      }
      queue->guard_.unlock();
      if (woken) woken->wake();
      return waits;
    }
    std::chrono::nanoseconds timeout() const noexcept { return at_most; }
    bool finish(Waiting* task) noexcept {
      return was_taken || (parked && end_wait(*task, queue->pushers_, queue->guard_));
    }
  };

  struct Pop {
    BoundedQueue* queue;
    std::chrono::nanoseconds at_most;
    std::optional<Item> item{};
    bool parked = false;
    bool attempt(Waiting* /*task*/) noexcept { return (item = queue->try_pop()).has_value(); }
    bool enqueue(Waiting& task) noexcept {
      queue->guard_.lock();
      Waiting* woken = nullptr;
      item = queue->pop_now(woken);
      const bool waits = parked = !item && !queue->closed_;
      if (waits) queue->poppers_.push(task, at_most != for_ever);
      queue->guard_.unlock();
      if (woken) woken->wake();
      return waits;
    }
    std::chrono::nanoseconds timeout() const noexcept { return at_most; }
    std::optional<Item> finish(Waiting* task) noexcept {
      if (!item && parked && end_wait(*task, queue->poppers_, queue->guard_)) item = taken(*task);
      if (item) got(queue);
      return item;
    }
  };

 private:
  struct Held {
    explicit Held(Guard& guard) noexcept : guard_(guard) { guard_.lock(); }
    ~Held() { guard_.unlock(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    Guard& guard_;
  };

  static bool comes_later(const Item& one, const Item& other) noexcept { return other < one; }

  using Words = std::array<std::uint64_t, std::tuple_size_v<decltype(Waiting::slot)>>;
  static void put(Waiting& task, Item item) noexcept {
    Words words{};
    std::memcpy(words.data(), &item, sizeof item);
    std::ranges::copy(words, task.slot.begin());
  }
  static Item taken(const Waiting& task) noexcept {
    Words words;
    std::ranges::copy(task.slot, words.begin());
    std::array<std::byte, sizeof(Item)> bytes;
    std::memcpy(bytes.data(), words.data(), sizeof(Item));
    return std::bit_cast<Item>(bytes);
  }

  // Under the guard. An item goes to the first that waits for one; `woken` is to be woken after the guard is free.
  bool push_now(Item item, Waiting*& woken) noexcept {
    if (closed_) return false;
    let_go(this);
    if (!poppers_.empty()) {
      Waiting& first = poppers_.pop();
      put(first, item);
      woken = grant(first);
      return true;
    }
    if (size_ == capacity_) return false;
    insert(item);
    return true;
  }

  // Under the guard. The room goes to the first that waits for it.
  std::optional<Item> pop_now(Waiting*& woken) noexcept {
    if (size_ == 0) return std::nullopt;
    const Item item = take_first();
    if (!pushers_.empty()) {
      Waiting& first = pushers_.pop();
      insert(taken(first));
      woken = grant(first);
    }
    return item;
  }

  void insert(Item item) noexcept {
    switch (order_) {
      case QueueOrder::fifo: room_[(first_ + size_++) % capacity_] = item; break;
      case QueueOrder::lifo: room_[size_++] = item; break;
      case QueueOrder::priority:
        room_[size_++] = item;
        std::push_heap(room_, room_ + size_, comes_later);
        break;
    }
  }

  Item take_first() noexcept {
    switch (order_) {
      case QueueOrder::fifo: {
        const Item item = room_[first_];
        first_ = (first_ + 1) % capacity_;
        --size_;
        return item;
      }
      case QueueOrder::lifo: return room_[--size_];
      case QueueOrder::priority: break;
    }
    std::pop_heap(room_, room_ + size_, comes_later);
    return room_[--size_];
  }

  Item* room_;
  std::size_t capacity_;
  QueueOrder order_;
  Guard guard_;
  bool closed_ = false;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  WaitingTasks pushers_;
  WaitingTasks poppers_;
};

/// `const bool taken = co_yield push(queue, item)`: false where the queue was closed, or full for `at_most`.
template <typename Item>
constexpr typename BoundedQueue<Item>::Push push(BoundedQueue<Item>& queue, Item item,
                                                 std::chrono::nanoseconds at_most = for_ever) noexcept {
  return {&queue, item, at_most};
}

/// `const std::optional<Item> item = co_yield pop(queue)`: nothing where the queue is closed and empty, or was empty
/// for `at_most`.
template <typename Item>
constexpr typename BoundedQueue<Item>::Pop pop(BoundedQueue<Item>& queue,
                                               std::chrono::nanoseconds at_most = for_ever) noexcept {
  return {&queue, at_most};
}

}  // namespace bench
