// Requests under way, integrated over time: one side of Little's law, which knows nothing of single requests: a request
// that is lost, counted twice or recorded with a wrong age breaks the law. Stepped at each reading of the worker's
// clock; stepped once a turn instead, it was 17% low at 100,000 requests/s, since a turn is as long as a latency there.
#pragma once

#include <cstdint>

namespace bench {

/// Counts requests under way and adds up count × time at each step of a worker's clock.
class InFlightMeter {
 public:
  /// The clock of the loop reads `now_ns`; the count was what it is since the last step.
  void step(std::int64_t now_ns) noexcept {
    integral_ns_ += count_ * static_cast<std::uint64_t>(now_ns - last_ns_);
    last_ns_ = now_ns;
  }

  /// A request has begun since the last step.
  void add() noexcept { ++count_; }

  /// A request has begun at `begin_ns`, before the last step or after it.
  void add_since(std::int64_t begin_ns) noexcept {
    ++count_;
    integral_ns_ += static_cast<std::uint64_t>(last_ns_ - begin_ns);  // below 0 it takes away what the next step adds
  }

  /// So many requests are over.
  void remove(std::uint64_t requests = 1) noexcept { count_ -= requests; }

  /// Forgets the past but for `before_ns`, how long what is under way has been so already, all together.
  void restart(std::int64_t now_ns, std::uint64_t before_ns = 0) noexcept {
    integral_ns_ = before_ns;
    last_ns_ = now_ns;
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t integral_ns() const noexcept { return integral_ns_; }

 private:
  std::uint64_t count_ = 0;
  std::uint64_t integral_ns_ = 0;
  std::int64_t last_ns_ = 0;
};

}  // namespace bench
