// coroutines: a C++20 stackless coroutine for each task.
//
// Units: as many coroutines as tasks, all in one thread. A coroutine runs inside the call that starts it up to its
// first wait or checkpoint and from then on inside the scheduler's loop, which resumes whoever is ready, in turn, and
// sleeps in epoll_pwait2 until the next deadline when nobody is. System calls for a task: a share of an epoll_pwait2
// for each of its waits. Coroutines switch at checkpoints by themselves; one that computes between two of them holds up
// all others, and a second CPU is of no use.
#include <coroutine>
#include <utility>

#include "models/poller.h"
#include "models/rows.h"
#include "models/timers.h"
#include "workloads/frame_pool.h"

namespace bench {
namespace {

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

class Scheduler {
 public:
  // `co_await scheduler.turn()`: the coroutine goes on after all others that are ready now, from run().
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

  // `co_await scheduler.sleep(10ms)`: the coroutine goes on from run() when the time has passed.
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

  // Resumes coroutines until none is ready or asleep.
  void run() {
    while (!ready_.empty() || !timers_.empty()) {
      if (ready_.empty()) poller_.wait_until(timers_.next_deadline_ns());
      if (!timers_.empty()) wake_due();
      // One round of those that are ready now, so that timers are looked at between two rounds.
      WaiterQueue round = std::exchange(ready_, WaiterQueue());
      while (!round.empty()) round.pop().handle.resume();
    }
  }

 private:
  void wake_due() {
    const std::int64_t now = now_ns();
    for (Waiter* waiter = nullptr; timers_.take_due(now, waiter);) ready_.push(*waiter);
  }

  EpollPoller poller_;
  Timers<Waiter*> timers_;
  WaiterQueue ready_;
};

// A coroutine that starts at once and frees itself at its end.
struct Detached {
  struct promise_type : PooledFrame<promise_type> {
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
          auto turn = scheduler.turn();
          co_await turn;
          break;
        }
        case Op::wait_for: {
          auto sleep = scheduler.sleep(operation.duration);
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
