#include "models/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "harness/measure/clock.h"

namespace bench {

EpollPoller::EpollPoller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void EpollPoller::wait_until(std::int64_t deadline_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - now_ns(), 0);
  const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
  epoll_event event{};
  // A signal that stops and continues the process ends the call with EINTR, which is an early return like any other.
  if (epoll_pwait2(epoll_.get(), &event, 1, &timeout, nullptr) < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
  }
}

std::string why_no_epoll_pwait2() {
  try {
    EpollPoller().wait_until(0);
    return {};
  } catch (const std::system_error& error) {
    return std::string(error.what()) + " (epoll_pwait2 needs Linux 5.11)";
  }
}

}  // namespace bench
