// The scheduler of C++20 coroutines in one thread: who is ready, who sleeps, who waits for a socket.
#pragma once

#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "harness/measure/clock.h"
#include "models/poller.h"
#include "models/ticker.h"
#include "models/timers.h"
#include "workloads/frame_pool.h"

namespace bench {

using Handle = std::coroutine_handle<>;

// A suspended coroutine in a queue. The node lies in the coroutine's own frame, so that queueing allocates nothing.
struct Waiter {
  Handle handle;
  Waiter* next = nullptr;
};

// First in, first out.
class WaiterQueue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }

  void push(Waiter& waiter) noexcept {
    waiter.next = nullptr;
    (empty() ? first_ : last_->next) = &waiter;
    last_ = &waiter;
  }

  Waiter& pop() noexcept { return *std::exchange(first_, first_->next); }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// A descriptor in the scheduler's eyes.
struct Channel {
  int fd = -1;
  Interest interest = Interest::read;
  Waiter* waiter = nullptr;
  bool timed_out = false;
  bool forgotten = false;        // no longer watched, since it is broken
  std::uint32_t until_tick = 0;  // how long the waiter waits
  bool bounded = false;          // or it waits for ever
};

/// One thread uses it and everything that waits for it.
class Scheduler {
 public:
  /// `co_await scheduler.turn()`: the coroutine goes on after all others that are ready now, from the scheduler's loop.
  auto turn() noexcept {
    struct Turn : Waiter {
      Scheduler& scheduler;
      explicit Turn(Scheduler& home) : scheduler(home) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle waiter) noexcept {
        handle = waiter;
        scheduler.ready_.push(*this);
      }
      void await_resume() const noexcept {}
    };
    return Turn(*this);
  }

  /// `co_await scheduler.sleep(10ms)`: the coroutine goes on from the scheduler's loop when the time has passed.
  auto sleep(std::chrono::nanoseconds duration) noexcept {
    struct Sleep : Waiter {
      Scheduler& scheduler;
      std::int64_t deadline_ns;
      Sleep(Scheduler& home, std::int64_t deadline) : scheduler(home), deadline_ns(deadline) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle waiter) {
        handle = waiter;
        scheduler.timers_.arm(deadline_ns, this);
      }
      void await_resume() const noexcept {}
    };
    return Sleep(*this, now_ns() + duration.count());
  }

  /// Resumes coroutines until none is ready or asleep.
  void run() {
    while (!ready_.empty() || !timers_.empty()) {
      if (ready_.empty()) poller_.wait(timers_.next_deadline_ns());
      if (!timers_.empty()) wake_due();
      run_round();
    }
  }

  /// Resumes whoever is ready, asleep or waits for a socket, until `stopping()`; then everyone is told that their time
  /// is up, and this returns when all have ended who waited.
  template <typename Stopping>
  void serve(Stopping stopping) {
    while (!stopping()) {
      for (const Ready& ready : poller_.wait(ready_.empty() ? timers_.next_deadline_ns() : 0)) {
        if (stopping()) break;
        on_ready(ready);
      }
      if (!timers_.empty()) wake_due();
      run_round();
    }
    while (!ready_.empty()) run_round();
    for (Waiter* waiter = nullptr; timers_.take_due(no_deadline, waiter);) waiter->handle.resume();
    for (std::size_t slot = 0; slot < channels_.size(); ++slot) {
      while (channels_[slot] && channels_[slot]->waiter) wake(*channels_[slot], true);
    }
  }

  /// The clock of the deadlines.
  std::uint32_t ticks() const noexcept { return tick_; }

  /// A tick has passed: whoever has waited for a socket for too many is told.
  void tick() {
    ++tick_;
    for (std::size_t slot = 0; slot < channels_.size(); ++slot) {
      Channel* channel = channels_[slot];
      if (channel && channel->waiter && channel->bounded && tick_ > channel->until_tick) wake(*channel, true);
    }
  }

 private:
  // Resumes those that are ready now, and not those that become so meanwhile: timers and sockets have their turn.
  void run_round() {
    WaiterQueue round = std::exchange(ready_, WaiterQueue());
    while (!round.empty()) round.pop().handle.resume();
  }

  void wake_due() {
    const std::int64_t now = now_ns();
    for (Waiter* waiter = nullptr; timers_.take_due(now, waiter);) ready_.push(*waiter);
  }

  // Wakes the waiter of a socket that is ready, or that has waited for too long.
  static void wake(Channel& channel, bool timed_out) {
    channel.timed_out = timed_out;
    std::exchange(channel.waiter, nullptr)->handle.resume();
  }

  void on_ready(const Ready& ready);
  void attach(Channel& channel);
  void await(Channel& channel, Interest interest, std::uint32_t most_ticks);
  void detach(const Channel& channel) noexcept { channels_[static_cast<std::size_t>(channel.fd)] = nullptr; }

  EpollPoller poller_;
  Timers<Waiter*> timers_;
  WaiterQueue ready_;
  std::vector<Channel*> channels_;  // by descriptor
  std::uint32_t tick_ = 0;
  friend class AsyncSocket;
};

/// A descriptor that coroutines wait for; one at a time.
class AsyncSocket {
 public:
  /// Takes over `fd`, which does not block. Throws std::system_error.
  AsyncSocket(Scheduler& scheduler, UniqueFd fd) : scheduler_(scheduler), fd_(std::move(fd)) {
    channel_.fd = fd_.get();
    scheduler_.attach(channel_);
  }
  ~AsyncSocket() { scheduler_.detach(channel_); }
  AsyncSocket(const AsyncSocket&) = delete;
  AsyncSocket& operator=(const AsyncSocket&) = delete;

  int fd() const noexcept { return channel_.fd; }

  /// `co_await socket.readable(ticks)`: goes on from the scheduler's loop once the socket is ready; false when nothing
  /// came for so many ticks, or when the server is to stop. 0 ticks: no bound.
  auto readable(std::uint32_t ticks = 0) noexcept { return Readiness(*this, Interest::read, ticks); }
  auto writable(std::uint32_t ticks = 0) noexcept { return Readiness(*this, Interest::write, ticks); }

 private:
  struct Readiness : Waiter {
    AsyncSocket& socket;
    Interest interest;
    std::uint32_t ticks;
    Readiness(AsyncSocket& home, Interest wanted, std::uint32_t most) : socket(home), interest(wanted), ticks(most) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(Handle waiter) {
      handle = waiter;
      socket.channel_.waiter = this;
      socket.scheduler_.await(socket.channel_, interest, ticks);
    }
    bool await_resume() const noexcept { return !socket.channel_.timed_out; }
  };

  Scheduler& scheduler_;
  UniqueFd fd_;
  Channel channel_;
};

inline void Scheduler::on_ready(const Ready& ready) {
  Channel* channel = channels_[static_cast<std::size_t>(ready.fd)];
  if (!channel) return;
  if (channel->waiter) return wake(*channel, false);
  // Ready while its coroutine is busy elsewhere: to be watched again when it asks. What is broken is always reported,
  // and so not watched at all.
  if (ready.broken) {
    channel->forgotten = true;
    return poller_.forget(channel->fd);
  }
  channel->interest = Interest::nothing;
  poller_.change(channel->fd, Interest::nothing);
}

inline void Scheduler::attach(Channel& channel) {
  const auto slot = static_cast<std::size_t>(channel.fd);
  if (channels_.size() <= slot) channels_.resize(slot + 1);
  poller_.watch(channel.fd, channel.interest);
  channels_[slot] = &channel;
}

inline void Scheduler::await(Channel& channel, Interest interest, std::uint32_t most_ticks) {
  channel.bounded = most_ticks != 0;
  channel.until_tick = tick_ + most_ticks;
  if (channel.forgotten) {
    channel.forgotten = false;
    channel.interest = interest;
    return poller_.watch(channel.fd, interest);
  }
  if (interest == channel.interest) return;
  channel.interest = interest;
  poller_.change(channel.fd, interest);
}

// A coroutine that starts at once and frees itself at its end. What it throws leaves the scheduler's loop.
struct Detached {
  struct promise_type : PooledFrame<promise_type> {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const { throw; }
  };
};

}  // namespace bench
