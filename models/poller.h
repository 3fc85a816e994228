// The epoll poller under `epoll` and `coroutines`.
#pragma once

#include <cstdint>
#include <string>

#include "models/unique_fd.h"

namespace bench {

/// An epoll instance. One thread uses it.
class EpollPoller {
 public:
  /// Throws std::system_error without a descriptor to spare.
  EpollPoller();

  /// Sleeps until CLOCK_MONOTONIC reads `deadline_ns`, with the nanosecond resolution that epoll_wait(2) lacks: its
  /// milliseconds would round every wait up. The kernel may add a thousandth of the wait (select_estimate_accuracy),
  /// which a sleeping thread is spared. May return early; the caller looks at the clock again.
  void wait_until(std::int64_t deadline_ns);

 private:
  UniqueFd epoll_;
};

/// Why epoll_pwait2(2), which Linux has since 5.11, does not work here; empty when it does.
std::string why_no_epoll_pwait2();

}  // namespace bench
