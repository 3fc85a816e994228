// What a fiber calls to wait for the scheduler's loop.
#pragma once

#include <chrono>
#include <cstdint>

#include "models/resumable/fiber.h"
#include "models/resumable/scheduler.h"
#include "models/talk/host.h"

namespace bench {

/// A parked fiber as the scheduler sees it.
struct ParkedFiber {
  Fiber* fiber;
  void resume() const { fiber->resume(); }
};
using FiberScheduler = Scheduler<ParkedFiber>;

/// A fiber together with the scheduler that resumes it. Each of its calls parks the fiber, and returns when the
/// scheduler's loop has resumed it.
class FiberUnit {
 public:
  FiberUnit(FiberScheduler& scheduler, Fiber& fiber) : scheduler_(scheduler), fiber_(fiber) {}

  /// Lets all others go first that are ready now.
  void give_way() const {
    FiberScheduler::Waiter waiter{{&fiber_}};
    scheduler_.wake_in_turn(waiter);
    fiber_.park();
  }

  /// Waits until the time has passed.
  void sleep(std::chrono::nanoseconds duration) const {
    FiberScheduler::Waiter waiter{{&fiber_}};
    scheduler_.wake_at(now_ns() + duration.count(), waiter);
    fiber_.park();
  }

  /// Waits until the socket is ready; false when nothing came for so many ticks, or when the server is to stop. 0
  /// ticks: no bound. `or_mail`: also returns when there is mail, as Socket::mail_came() says then.
  bool wait_for(FiberScheduler::Watched& socket, Interest interest, std::uint32_t ticks = 0,
                bool or_mail = false) const {
    FiberScheduler::Waiter waiter{{&fiber_}};
    scheduler_.wake_when(socket, interest, ticks, waiter, or_mail);
    fiber_.park();
    return !socket.timed_out();
  }

  /// Parks the fiber where `begin(waiter)` says `later`, until the waiter is resumed; says what it said.
  template <typename Begin>
  Done until_resumed(Begin begin) const {
    FiberScheduler::Waiter waiter{{&fiber_}};
    const Done answer = begin(waiter);
    if (answer == Done::later) fiber_.park();
    return answer;
  }

  /// The clock of the deadlines.
  std::uint32_t ticks() const { return scheduler_.ticks(); }

 private:
  FiberScheduler& scheduler_;
  Fiber& fiber_;
};

}  // namespace bench
