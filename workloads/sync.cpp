#include "workloads/sync.h"

namespace bench {

void Semaphore::release_to_first() noexcept {
  guard_.lock();
  if (waiting_.empty()) {  // those that waited have given up, or another release was for the last of them
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(seen, seen == waited_for ? 1 : seen + 1, std::memory_order_release)) {
    }
    return guard_.unlock();
  }
  Waiting& first = waiting_.pop();
  if (waiting_.empty()) word_.store(0, std::memory_order_release);
  Waiting* const woken = grant(first);
  guard_.unlock();
  if (woken) woken->wake();
}

bool Semaphore::wait(Waiting& task, bool timed) noexcept {
  guard_.lock();
  std::uint32_t seen = word_.load(std::memory_order_relaxed);
  while (seen != waited_for) {
    const bool got = seen != 0;
    if (!word_.compare_exchange_weak(seen, got ? seen - 1 : waited_for, std::memory_order_acquire)) continue;
    if (!got) break;
    guard_.unlock();
    return false;
  }
  waiting_.push(task, timed);
  guard_.unlock();
  return true;
}

std::uint32_t Event::set() noexcept {
  let_go(this);
  guard_.lock();
  set_.store(true, std::memory_order_release);
  std::uint32_t count = 0;
  for (; !waiting_.empty(); ++count) {
    Waiting& task = waiting_.pop();
    task.granted = true;
    task.wake();
  }
  guard_.unlock();
  return count;
}

bool Event::wait(Waiting& task, bool timed) noexcept {
  guard_.lock();
  const bool waits = !set_.load(std::memory_order_relaxed);
  if (waits) waiting_.push(task, timed);
  guard_.unlock();
  return waits;
}

}  // namespace bench
