#include "models/loop/ticker.h"

#include <sys/timerfd.h>

#include <cerrno>
#include <system_error>

namespace bench {

Ticker::Ticker(std::chrono::nanoseconds idle_timeout)
    : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  using namespace std::chrono_literals;
  const auto period = std::clamp<std::chrono::nanoseconds>(idle_timeout / 10, 10ms, 1s);
  patience_.idle_ticks = static_cast<std::uint32_t>(std::max<std::int64_t>(idle_timeout / period, 1));
  patience_.linger_ticks = static_cast<std::uint32_t>(linger_time / period + 1);
  const timespec step{.tv_sec = period / 1s, .tv_nsec = (period % 1s).count()};
  const itimerspec times{.it_interval = step, .it_value = step};
  if (!fd_.valid() || timerfd_settime(fd_.get(), 0, &times, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "timerfd");
  }
}

std::uint32_t Ticker::take() noexcept {
  std::uint64_t ticks = 0;
  return read(fd_.get(), &ticks, sizeof ticks) == sizeof ticks ? static_cast<std::uint32_t>(ticks) : 0;
}

}  // namespace bench
