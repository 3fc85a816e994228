// The clock of a server loop's deadlines, which need no more than a second's precision.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "measure/unique_fd.h"

namespace bench {

/// A descriptor that becomes readable about ten times within an idle timeout, at most once a second.
class Ticker {
 public:
  /// Throws std::system_error without a descriptor to spare.
  explicit Ticker(std::chrono::nanoseconds idle_timeout);

  int fd() const noexcept { return fd_.get(); }

  /// The ticks since the last call; the descriptor is no longer readable then.
  std::uint32_t take() noexcept;

  /// Ticks of an idle timeout.
  std::uint32_t idle_ticks() const noexcept { return idle_ticks_; }

  /// Ticks that a closed connection's peer has for ending its side: about a second.
  std::uint32_t linger_ticks() const noexcept { return linger_ticks_; }

 private:
  UniqueFd fd_;
  std::uint32_t idle_ticks_;
  std::uint32_t linger_ticks_;
};

}  // namespace bench
