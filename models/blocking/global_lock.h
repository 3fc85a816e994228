// The global lock of CPython since 3.2. A thread that wants it waits for one switch interval and then asks for it; its
// holder sees that at its next checkpoint, hands it over and waits until somebody else has taken it.
//
// After Antoine Pitrou's new GIL: CPython, Python/ceval_gil.h, take_gil and drop_gil with FORCE_SWITCHING.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace bench {

/// Held by one thread at a time, and dropped by that one.
class GlobalLock {
 public:
  /// Waits for the lock and takes it.
  void take() {
    take_unless([] { return false; });
  }

  /// Takes the lock, or gives up once nobody needs it any more; says whether it was taken. `needs_none` is asked under
  /// a mutex, each time the wait ends.
  template <typename NeedsNone>
  bool take_unless(NeedsNone needs_none) {
    std::unique_lock lock(mutex_);
    while (held_) {
      if (needs_none()) {
        wanted_.store(false, std::memory_order_relaxed);  // others who want it will ask again
        return false;
      }
      const std::uint64_t switches_before = switches_;
      const bool timed_out = freed_.wait_for(lock, switch_interval) == std::cv_status::timeout;
      // Ask only when nobody got the lock meanwhile: a holder is left alone for a whole interval.
      if (timed_out && held_ && switches_ == switches_before) wanted_.store(true, std::memory_order_relaxed);
    }
    held_ = true;
    ++switches_;
    wanted_.store(false, std::memory_order_relaxed);
    taken_.notify_one();
    return true;
  }

  /// Lets go of the lock; to be called by its holder.
  void drop() {
    std::unique_lock lock(mutex_);
    release();
  }

  /// Hands the lock to a thread that asked for it and takes it again afterwards; keeps it where none does any more. To
  /// be called by its holder.
  void hand_over() {
    {
      std::unique_lock lock(mutex_);
      if (!wanted_.load(std::memory_order_relaxed)) return;  // whoever asked has given up
      const std::uint64_t switches_before = switches_;
      release();
      // Without this wait the holder would mostly win the race against the thread that it wakes. It looks now and then
      // by itself: before glibc 2.41 a condition variable that is used like this may lose a wake-up (its bug 25847).
      while (!taken_.wait_for(lock, switch_interval, [&] { return switches_ != switches_before; })) {
      }
    }
    take();
  }

  /// True when a thread has asked for the lock.
  const std::atomic<bool>& wanted() const { return wanted_; }

 private:
  static constexpr std::chrono::milliseconds switch_interval{5};

  void release() {
    held_ = false;
    freed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  std::condition_variable taken_;
  std::atomic<bool> wanted_{false};
  std::uint64_t switches_ = 0;
  bool held_ = false;
};

}  // namespace bench
