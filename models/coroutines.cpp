// coroutines: a C++20 stackless coroutine for each task.
//
// Units: as many coroutines as tasks, all in one thread. A coroutine runs inside the call that starts it up to its
// first wait or checkpoint and from then on inside the scheduler's loop, which resumes whoever is ready, in turn, and
// sleeps in epoll_pwait2 until the next deadline when nobody is. System calls for a task: a share of an epoll_pwait2
// for each of its waits. Coroutines switch at checkpoints by themselves; one that computes between two of them holds up
// all others, and a second CPU is of no use.
#include <coroutine>
#include <deque>

#include "models/poller.h"
#include "models/rows.h"
#include "models/timers.h"

namespace bench {
namespace {

using Handle = std::coroutine_handle<>;

class Scheduler {
 public:
  // `co_await scheduler.turn()`: the coroutine goes on after all others that are ready now. In the loop's thread.
  auto turn() {
    struct Turn {
      Scheduler& scheduler;
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle waiter) const { scheduler.ready_.push_back(waiter); }
      void await_resume() const noexcept {}
    };
    return Turn{*this};
  }

  // `co_await scheduler.sleep(10ms)`: the coroutine goes on from the loop when the time has passed.
  auto sleep(std::chrono::nanoseconds duration) {
    struct Sleep {
      Scheduler& scheduler;
      std::int64_t deadline_ns;
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle waiter) const { scheduler.timers_.arm(deadline_ns, waiter); }
      void await_resume() const noexcept {}
    };
    return Sleep{*this, now_ns() + duration.count()};
  }

  // Resumes coroutines until none is ready or asleep.
  void run() {
    while (!ready_.empty() || !timers_.empty()) {
      if (ready_.empty()) poller_.wait_until(timers_.next_deadline_ns());
      if (!timers_.empty()) wake_due();
      // One round of those that are ready now, so that timers are looked at between two rounds.
      for (std::size_t left = ready_.size(); left != 0; --left) {
        const Handle next = ready_.front();
        ready_.pop_front();
        next.resume();
      }
    }
  }

 private:
  void wake_due() {
    const std::int64_t now = now_ns();
    for (Handle waiter; timers_.take_due(now, waiter);) ready_.push_back(waiter);
  }

  EpollPoller poller_;
  Timers<Handle> timers_;
  std::deque<Handle> ready_;
};

// A coroutine that starts at once and frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }  // the unit below catches all
  };
};

Detached run_as_coroutine(JobRun& job, std::uint32_t index, Scheduler& scheduler) {
  static constinit const std::atomic<bool> at_every_checkpoint{true};
  const JobRun::Unit unit(job);
  try {
    Script script = job.begin(index);
    script.switch_when(at_every_checkpoint);
    while (script.advance()) {
      const Operation operation = script.operation();
      switch (operation.kind) {
        case Op::checkpoint: {
          const auto turn = scheduler.turn();
          co_await turn;
          break;
        }
        case Op::wait_for: {
          const auto sleep = scheduler.sleep(operation.duration);
          co_await sleep;
          break;
        }
      }
    }
    job.end(index);
  } catch (...) {
    job.fail_task(index);
  }
}

}  // namespace

void run_coroutines(JobRun& job) {
  Scheduler scheduler;
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_as_coroutine(job, index, scheduler);
    scheduler.run();
  }
}

}  // namespace bench
