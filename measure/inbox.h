// Where a loop learns which of its parked tasks have been woken, from whatever thread or process.
#pragma once

#include <atomic>
#include <cstdint>

#include "workloads/script.h"

namespace bench {

/// The inbox of one loop, in shared memory and with an eventfd made before any fork. All-zero bytes with a descriptor
/// are a valid, empty one.
struct Inbox {
  std::atomic<Waiting*> mail;         ///< The last that was delivered, and behind it those before.
  std::atomic<std::uint32_t> asleep;  ///< 1 while the loop sleeps, or is about to.
  int fd;                             ///< Readable when something has come for a loop that slept.

  /// Any unit: puts in a task that is woken. A system call only where the loop sleeps.
  void post(Waiting& task) noexcept;

  /// The loop: all that has come, the oldest first, each followed by Waiting::in_mail; null when there is nothing.
  Waiting* take() noexcept;

  /// The loop, before it sleeps until `fd` is readable: false when something has come meanwhile.
  bool may_sleep() noexcept;

  /// The loop, after that and before it runs a task.
  void slept() noexcept;

  /// The loop, when `fd` is readable.
  void drain() noexcept;
};

/// What a model tells the tasks that it runs in a loop: where they are delivered when they are woken.
void deliver_to_inbox(Waiting& task) noexcept;

}  // namespace bench
