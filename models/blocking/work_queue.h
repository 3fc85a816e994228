// The queue between the thread that hands out work and the threads of a pool.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace bench {

/// First in, first out. Any thread puts and takes.
template <typename Item>
class WorkQueue {
 public:
  void put(Item item) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(item));
    }
    filled_.notify_one();
  }

  /// Takes the oldest item, waiting for one; false when the queue is closed and empty.
  bool take(Item& item) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !queue_.empty() || closed_; });
    if (queue_.empty()) return false;
    item = std::move(queue_.front());
    queue_.pop_front();
    return true;
  }

  /// From now on take() waits no more.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Item> queue_;
  bool closed_ = false;
};

}  // namespace bench
