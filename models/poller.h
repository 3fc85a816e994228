// The epoll poller under `epoll` and `coroutines`.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "harness/measure/unique_fd.h"

namespace bench {

/// What of a descriptor is watched.
enum class Interest : std::uint8_t { nothing, read, write, both };

/// A descriptor that is ready. One in error is ready for both, so that the next call on it tells what is wrong.
struct Ready {
  int fd;
  bool readable;
  bool writable;
  bool broken;  ///< The peer has reset it, or has closed both directions.
};

/// The deadline of who has none.
inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

/// A level-triggered epoll instance. One thread uses it. A watched descriptor is forgotten when it is closed.
class EpollPoller {
 public:
  /// Throws std::system_error without a descriptor to spare.
  EpollPoller();

  /// Watches `fd`, until it is closed. Throws std::system_error.
  void watch(int fd, Interest interest) { control(EPOLL_CTL_ADD, fd, interest); }

  /// Changes what is watched of `fd`. Throws std::system_error.
  void change(int fd, Interest interest) { control(EPOLL_CTL_MOD, fd, interest); }

  /// Watches `fd` no longer.
  void forget(int fd) { control(EPOLL_CTL_DEL, fd, Interest::nothing); }

  /// Sleeps until a descriptor is ready or CLOCK_MONOTONIC reads `deadline_ns`, with the nanosecond resolution that
  /// epoll_wait(2) lacks: its milliseconds would round every wait up. The kernel may add a thousandth of the wait
  /// (select_estimate_accuracy), which a sleeping thread is spared. May return early with nothing; the caller looks at
  /// the clock again. The result holds until the next call.
  std::span<const Ready> wait(std::int64_t deadline_ns);

 private:
  void control(int operation, int fd, Interest interest);

  static constexpr std::size_t batch = 256;
  UniqueFd epoll_;
  std::array<epoll_event, batch> events_;
  std::array<Ready, batch> ready_;
};

/// Why epoll_pwait2(2), which Linux has since 5.11, does not work here; empty when it does.
std::string why_no_epoll_pwait2();

}  // namespace bench
