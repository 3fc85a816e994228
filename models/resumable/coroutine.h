// What a C++20 coroutine awaits from the scheduler, and the coroutine type itself.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>

#include "models/resumable/scheduler.h"
#include "workloads/frame_pool.h"

namespace bench {

/// The scheduler of coroutines.
class CoroutineScheduler : public Scheduler<std::coroutine_handle<>> {
 public:
  using Handle = std::coroutine_handle<>;

  /// `co_await scheduler.turn()`: the coroutine goes on after all others that are ready now, from the scheduler's loop.
  [[nodiscard]] auto turn() noexcept {
    struct Turn : Waiter {
      CoroutineScheduler& scheduler;
      explicit Turn(CoroutineScheduler& home) : scheduler(home) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle waiter) noexcept {
        this->handle = waiter;
        scheduler.wake_in_turn(*this);
      }
      void await_resume() const noexcept {}
    };
    return Turn(*this);
  }

  /// `co_await scheduler.sleep(10ms)`: the coroutine goes on from the scheduler's loop when the time has passed.
  [[nodiscard]] auto sleep(std::chrono::nanoseconds duration) noexcept {
    struct Sleep : Waiter {
      CoroutineScheduler& scheduler;
      std::int64_t deadline_ns;
      Sleep(CoroutineScheduler& home, std::int64_t deadline) : scheduler(home), deadline_ns(deadline) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle waiter) {
        this->handle = waiter;
        scheduler.wake_at(deadline_ns, *this);
      }
      void await_resume() const noexcept {}
    };
    return Sleep(*this, now_ns() + duration.count());
  }
};

/// `co_await resumed`: suspends the coroutine until the scheduler's loop resumes `waiter`, which it has been told of.
struct UntilResumed : std::suspend_always {
  CoroutineScheduler::Waiter& waiter;
  void await_suspend(std::coroutine_handle<> suspended) const noexcept { waiter.handle = suspended; }
};

/// `co_await ready`: goes on from the scheduler's loop once the descriptor is ready; false when nothing came for so
/// many ticks, or when the server is to stop. 0 ticks: no bound. `or_mail`: or when there is mail, as mail_came() says
/// then.
struct [[nodiscard]] UntilReady : CoroutineScheduler::Waiter {
  CoroutineScheduler& scheduler;
  CoroutineScheduler::Watched& watched;
  Interest interest;
  std::uint32_t ticks;
  bool or_mail;
  UntilReady(CoroutineScheduler& home, CoroutineScheduler::Watched& fd, Interest wanted, std::uint32_t most = 0,
             bool mail = false)
      : scheduler(home), watched(fd), interest(wanted), ticks(most), or_mail(mail) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    handle = waiter;
    scheduler.wake_when(watched, interest, ticks, *this, or_mail);
  }
  bool await_resume() const noexcept { return !watched.timed_out(); }
};

/// A socket that coroutines wait for; one at a time.
class AsyncSocket : public CoroutineScheduler::Socket {
 public:
  /// Takes over `fd`, which does not block. Throws std::system_error.
  AsyncSocket(CoroutineScheduler& scheduler, UniqueFd fd) : Socket(scheduler, std::move(fd)), scheduler_(scheduler) {}

  auto readable(std::uint32_t ticks = 0) noexcept { return UntilReady(scheduler_, *this, Interest::read, ticks); }
  auto writable(std::uint32_t ticks = 0) noexcept { return UntilReady(scheduler_, *this, Interest::write, ticks); }
  auto readable_or_mail(std::uint32_t ticks) noexcept {
    return UntilReady(scheduler_, *this, Interest::read, ticks, true);
  }

 private:
  CoroutineScheduler& scheduler_;
};

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
