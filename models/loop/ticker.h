// The clock of a server loop's deadlines, which need no more than a second's precision.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "models/talk/connection_state.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A descriptor that becomes readable about ten times within an idle timeout, at most once a second.
class Ticker {
 public:
  /// Throws std::system_error where descriptors have run out.
  explicit Ticker(std::chrono::nanoseconds idle_timeout);

  int fd() const noexcept { return fd_.get(); }

  /// The ticks since the last call; the descriptor is no longer readable then.
  std::uint32_t take() noexcept;

  /// How long peers may be silent: for the idle timeout, and for about a second at the end of a connection.
  const Patience& patience() const noexcept { return patience_; }
  std::uint32_t idle_ticks() const noexcept { return patience_.idle_ticks; }
  std::uint32_t linger_ticks() const noexcept { return patience_.linger_ticks; }

 private:
  UniqueFd fd_;
  Patience patience_;
};

}  // namespace bench
