// The threads of a pool and the one thread that waits for them: for descriptors and for deadlines.
#pragma once

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <latch>
#include <mutex>
#include <span>
#include <system_error>
#include <utility>

#include "measure/clock.h"
#include "models/blocking/thread_group.h"
#include "models/blocking/work_queue.h"
#include "models/loop/poller.h"
#include "models/loop/timers.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"

namespace bench {

/// Work goes to the workers through a queue, at once or when a deadline is over. The waiting thread owns the pool.
class TimedPool {
 public:
  /// What a worker has for itself, to be used during a piece of work.
  struct Scratch {
    std::array<std::byte, receive_bytes> room;
    Output out;
    Datagram datagram;
  };

  /// What it throws ends the run.
  using Work = std::function<void(Scratch&)>;

  /// Starts so many workers, each a unit, and waits until they are there. Throws std::system_error where descriptors
  /// have run out.
  TimedPool(Run& run, std::uint32_t workers)
      : waker_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), missing_(workers), threads_(run, workers) {
    if (!waker_.valid()) throw std::system_error(errno, std::generic_category(), "eventfd");
    poller_.watch(waker_.get(), Interest::read);
    for (std::uint32_t worker = 0; worker < workers; ++worker) threads_.start([this] { do_work(); });
    missing_.wait();
  }

  /// Waits until the work that has been handed over is done; what waits for its time is dropped.
  ~TimedPool() {
    queue_.close();
    threads_.join();
  }
  TimedPool(const TimedPool&) = delete;
  TimedPool& operator=(const TimedPool&) = delete;

  /// Workers may call watch_again() of it, and change() where only they do so.
  EpollPoller& poller() { return poller_; }

  /// Hands `work` to a worker. Any thread.
  void hand_over(Work work) { queue_.put(std::move(work)); }

  /// The same once CLOCK_MONOTONIC reads `deadline_ns`. Any thread.
  void hand_over_at(std::int64_t deadline_ns, Work work) {
    {
      const std::lock_guard lock(mutex_);
      timers_.arm(deadline_ns, std::move(work));
      if (deadline_ns >= awake_at_ns_) return;
      awake_at_ns_ = deadline_ns;
    }
    wake();
  }

  /// Makes wait() return. Any thread.
  void wake() const { eventfd_write(waker_.get(), 1); }

  /// Sleeps until a descriptor is ready, a deadline is over, wake() is called, or CLOCK_MONOTONIC reads `until_ns`;
  /// hands over the work that is due. The result holds until the next call, and may be empty. The owner's thread.
  std::span<const Ready> wait(std::int64_t until_ns = no_deadline) {
    const std::span<const Ready> ready = poller_.wait(std::min(until_ns, next_deadline_ns()));
    eventfd_t calls = 0;
    for (const Ready& one : ready) {
      if (one.fd == waker_.get()) eventfd_read(waker_.get(), &calls);
    }
    const std::int64_t now = now_ns();
    for (Work work; take_due(now, work);) hand_over(std::move(work));
    return ready;
  }

 private:
  std::int64_t next_deadline_ns() {
    const std::lock_guard lock(mutex_);
    awake_at_ns_ = timers_.next_deadline_ns();
    return awake_at_ns_;
  }

  bool take_due(std::int64_t now, Work& work) {
    const std::lock_guard lock(mutex_);
    return timers_.take_due(now, work);
  }

  void do_work() {
    missing_.count_down();
    Scratch scratch;
    for (Work work; queue_.take(work);) work(scratch);
  }

  UniqueFd waker_;
  EpollPoller poller_;
  std::mutex mutex_;  // of the timers; nothing else is locked meanwhile
  Timers<Work> timers_;
  std::int64_t awake_at_ns_ = no_deadline;  // when the owner's thread looks at them
  WorkQueue<Work> queue_;
  std::latch missing_;  // workers
  ThreadGroup threads_;
};

}  // namespace bench
