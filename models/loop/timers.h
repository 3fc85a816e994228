// The timers of an event loop: what waits until when.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace bench {

/// A heap of deadlines with what waits for them; equal deadlines come out in the order they were armed.
/// One thread uses it.
template <typename Waiter>
class Timers {
 public:
  bool empty() const noexcept { return heap_.empty(); }

  /// `waiter` waits until CLOCK_MONOTONIC reads `deadline_ns`.
  void arm(std::int64_t deadline_ns, Waiter waiter) {
    heap_.push_back({deadline_ns, armed_++, waiter});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  /// The earliest deadline; the far future without any.
  std::int64_t next_deadline_ns() const noexcept {
    return heap_.empty() ? std::numeric_limits<std::int64_t>::max() : heap_.front().deadline_ns;
  }

  /// Takes out one waiter whose deadline `now_ns` has reached; false when there is none.
  bool take_due(std::int64_t now_ns, Waiter& waiter) {
    if (heap_.empty() || heap_.front().deadline_ns > now_ns) return false;
    waiter = heap_.front().waiter;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    return true;
  }

 private:
  struct Timer {
    std::int64_t deadline_ns;
    std::uint64_t order;
    Waiter waiter;
  };
  static bool later(const Timer& a, const Timer& b) noexcept {
    return a.deadline_ns != b.deadline_ns ? a.deadline_ns > b.deadline_ns : a.order > b.order;
  }

  std::vector<Timer> heap_;
  std::uint64_t armed_ = 0;
};

}  // namespace bench
