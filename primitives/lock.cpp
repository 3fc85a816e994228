// lock: a unit takes a lock, adds one to a number that the lock guards, and gives it back.
//
// With one unit nobody else wants it. (A second thread sleeps meanwhile: a process of one thread is spared the atomic
// instructions by the C library.) With two, the other takes and gives without a pause, on the same CPU or on another,
// and the time is shared among the operations of both; which of them gets the lock is up to it. mutex, recursive and
// semaphore make no system call until someone has to sleep; spin never does. shared: a pthread mutex in a mapping that
// both processes see.
#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "measure/primitive_run.h"
#include "measure/shared_mapping.h"
#include "primitives/partners.h"
#include "primitives/primitive.h"

namespace bench {
namespace {

// Tells the CPU that a loop only waits, which leaves more of the core to its other hardware thread.
#if defined(__x86_64__)
inline void pause_cpu() noexcept { __builtin_ia32_pause(); }
#elif defined(__aarch64__)
inline void pause_cpu() noexcept { asm volatile("yield"); }
#else
inline void pause_cpu() noexcept {}
#endif

class SpinLock {
 public:
  void lock() noexcept {
    while (taken_.exchange(true, std::memory_order_acquire)) {
      while (taken_.load(std::memory_order_relaxed)) pause_cpu();
    }
  }
  void unlock() noexcept { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_ = false;
};

// A pthread mutex that lies in shared memory.
class SharedMutex {
 public:
  SharedMutex() {
    pthread_mutexattr_t attributes{};
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(shared_.data(), &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  void lock() noexcept { pthread_mutex_lock(shared_.data()); }
  void unlock() noexcept { pthread_mutex_unlock(shared_.data()); }

 private:
  SharedArray<pthread_mutex_t> shared_{1};
};

// A POSIX semaphore of one, in shared memory.
class Semaphore {
 public:
  explicit Semaphore(Sharing sharing) { sem_init(shared_.data(), sharing == Sharing::processes ? 1 : 0, 1); }
  void lock() noexcept {
    while (sem_wait(shared_.data()) != 0 && errno == EINTR) {
    }
  }
  void unlock() noexcept { sem_post(shared_.data()); }

 private:
  SharedArray<sem_t> shared_{1};
};

// What both units see.
struct Guarded {
  alignas(64) std::uint64_t number;               // guarded by the lock
  alignas(64) std::atomic<std::uint64_t> others;  // what the other unit has added to it
  FutexWord over;
};

template <typename Lock>
void contend(Lock& lock, Guarded& guarded) {
  while (guarded.over.load(std::memory_order_relaxed) == 0) {
    lock.lock();
    ++guarded.number;
    lock.unlock();
    guarded.others.store(guarded.others.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

template <typename Lock>
void take_and_give(PrimitiveRun& run, Lock& lock, Sharing sharing) {
  const SharedArray<Guarded> shared(1);
  Guarded& guarded = shared[0];
  Partners partners(run, sharing);
  partners.start(1, [&] {
    if (run.units() > 1) return contend(lock, guarded);
    while (guarded.over.load(std::memory_order_acquire) == 0) futex_wait(guarded.over, 0, sharing);
  });
  run.place(0);
  std::uint64_t own = 0;
  run.time([&](std::uint64_t count) {
    const std::uint64_t others = guarded.others.load(std::memory_order_relaxed);
    for (std::uint64_t i = 0; i < count; ++i) {
      lock.lock();
      ++guarded.number;
      lock.unlock();
    }
    own += count;
    return count + guarded.others.load(std::memory_order_relaxed) - others;
  });
  guarded.over.store(1, std::memory_order_release);
  futex_wake_one(guarded.over, sharing);
  partners.join();
  run.expect_equal(guarded.number, own + guarded.others.load(), "additions under the lock");
}

void lock_processes_shared(PrimitiveRun& run) {
  SharedMutex mutex;
  take_and_give(run, mutex, Sharing::processes);
}

void lock_processes_semaphore(PrimitiveRun& run) {
  Semaphore semaphore(Sharing::processes);
  take_and_give(run, semaphore, Sharing::processes);
}

void lock_threads_mutex(PrimitiveRun& run) {
  std::mutex mutex;
  take_and_give(run, mutex, Sharing::threads);
}

void lock_threads_recursive(PrimitiveRun& run) {
  std::recursive_mutex mutex;
  take_and_give(run, mutex, Sharing::threads);
}

void lock_threads_spin(PrimitiveRun& run) {
  SpinLock lock;
  take_and_give(run, lock, Sharing::threads);
}

void lock_threads_semaphore(PrimitiveRun& run) {
  Semaphore semaphore(Sharing::threads);
  take_and_give(run, semaphore, Sharing::threads);
}

constexpr auto rows = std::to_array<PrimitiveRow>({
    {"processes", "shared", 1, 1, lock_processes_shared},
    {"processes", "shared", 2, 1, lock_processes_shared},
    {"processes", "shared", 2, 2, lock_processes_shared},
    {"processes", "semaphore", 1, 1, lock_processes_semaphore},
    {"processes", "semaphore", 2, 1, lock_processes_semaphore},
    {"processes", "semaphore", 2, 2, lock_processes_semaphore},
    {"threads", "mutex", 1, 1, lock_threads_mutex},
    {"threads", "mutex", 2, 1, lock_threads_mutex},
    {"threads", "mutex", 2, 2, lock_threads_mutex},
    {"threads", "recursive", 1, 1, lock_threads_recursive},
    {"threads", "recursive", 2, 1, lock_threads_recursive},
    {"threads", "recursive", 2, 2, lock_threads_recursive},
    {"threads", "spin", 1, 1, lock_threads_spin},
    {"threads", "spin", 2, 1, lock_threads_spin},
    {"threads", "spin", 2, 2, lock_threads_spin},
    {"threads", "semaphore", 1, 1, lock_threads_semaphore},
    {"threads", "semaphore", 2, 1, lock_threads_semaphore},
    {"threads", "semaphore", 2, 2, lock_threads_semaphore},
});

}  // namespace

extern constinit const Primitive lock_primitive{
    .name = "lock",
    .summary = "takes a lock and gives it back, alone or against another unit",
    .operation = "one taking and giving back",
    .rows = rows,
};

}  // namespace bench
