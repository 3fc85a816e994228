// The parked tasks of a loop: how it learns that one is woken, and that one has waited for long enough.
#pragma once

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "measure/clock.h"
#include "models/loop/timers.h"
#include "models/talk/host.h"

namespace bench {

/// The thread of the loop uses it. Nothing of it costs anything in a job whose tasks do not wait for each other.
class Parking {
 public:
  explicit Parking(JobRun& job) noexcept : inbox_(job.take_inbox()) {}

  /// Whether tasks may wait for each other at all.
  bool used() const noexcept { return inbox_ != nullptr; }

  /// Of the loop's tasks.
  Home home() const noexcept { return {.deliver = deliver_to_inbox, .at = inbox_}; }

  /// Readable when a task was woken while the loop slept.
  int fd() const noexcept { return inbox_->fd; }

  /// What a host says of the verb.
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    const std::int64_t due_ns = due_of(at_most);
    waiting.due_ns.store(due_ns, std::memory_order_relaxed);
    if (!waiting.park()) return Done::now;
    if (due_ns != no_due) arm(due_ns, waiting);
    return Done::later;
  }

  /// When a task has waited for `at_most`; the far future where there is no bound.
  static std::int64_t due_of(std::chrono::nanoseconds at_most) noexcept {
    return at_most == for_ever ? no_due : now_ns() + at_most.count();
  }

  /// A parked task gives up at `due_ns`, if it still waits as long as that then.
  void arm(std::int64_t due_ns, Waiting& waiting) { bounded_.arm(due_ns, &waiting); }

  /// Once in a turn of the loop: calls `resume(waiting)` for each task that has been woken or has waited for long
  /// enough. Those that are woken meanwhile have the next turn, so that timers and sockets have theirs. False when
  /// there was none.
  template <typename Resume>
  bool resume_all(Resume resume) {
    if (!used()) return false;
    bool any = false;
    for (Waiting* next = inbox_->take(); next != nullptr;) {
      Waiting& waiting = *next;
      next = waiting.in_mail;
      waiting.due_ns.store(no_due, std::memory_order_relaxed);
      waiting.resumed();
      any = true;
      resume(waiting);
    }
    if (bounded_.empty()) return any;
    const std::int64_t now = now_ns();
    for (Waiting* waiting = nullptr; bounded_.take_due(now, waiting);) {
      // It may have been woken meanwhile, and wait anew.
      if (waiting->due_ns.load(std::memory_order_relaxed) > now || !waiting->give_up()) continue;
      any = true;
      resume(*waiting);
    }
    return any;
  }

  /// Until when a loop may sleep that would otherwise until `deadline_ns`; slept() follows, before any task is run:
  /// what that wakes need not wake the loop. 0: not at all.
  std::int64_t sleep_until(std::int64_t deadline_ns) {
    if (!used()) return deadline_ns;
    return inbox_->may_sleep() ? std::min(deadline_ns, bounded_.next_deadline_ns()) : 0;
  }
  void slept() noexcept {
    if (used()) inbox_->slept();
  }

  /// When `fd` is readable.
  void drain() noexcept { inbox_->drain(); }

 private:
  static constexpr std::int64_t no_due = std::numeric_limits<std::int64_t>::max();

  Inbox* inbox_;
  Timers<Waiting*> bounded_;
};

}  // namespace bench
