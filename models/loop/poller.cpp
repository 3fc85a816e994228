#include "models/loop/poller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "measure/clock.h"

namespace bench {

Timeout::Timeout(std::int64_t deadline_ns) noexcept : bounded_(deadline_ns != no_deadline) {
  if (!bounded_) return;
  const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - now_ns(), 0);
  left_ = {.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
}

Epoll::Epoll() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void Epoll::control(int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), fmt::format("watch descriptor {}", fd));
  }
}

void Epoll::forget_closing(int fd) noexcept { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const epoll_event> Epoll::wait(std::int64_t deadline_ns) {
  const int count = deadline_ns == no_deadline
                        ? epoll_wait(epoll_.get(), events_.data(), batch, -1)
                        : epoll_pwait2(epoll_.get(), events_.data(), batch, Timeout(deadline_ns).get(), nullptr);
  if (count < 0) {
    // A signal that stops and continues the process ends the call with EINTR, which is an early return like any other.
    if (errno == EINTR) return {};
    throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
  }
  return std::span(events_).first(static_cast<std::size_t>(count));
}

std::span<const Ready> EpollPoller::wait(std::int64_t deadline_ns) {
  const std::span<const epoll_event> events = epoll_.wait(deadline_ns);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const epoll_event& event = events[i];
    constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
    ready_[i] = {.fd = event.data.fd,
                 .readable = (event.events & (EPOLLIN | broken)) != 0,
                 .writable = (event.events & (EPOLLOUT | broken)) != 0,
                 .broken = (event.events & broken) != 0};
  }
  return std::span(ready_).first(events.size());
}

void EpollPoller::control(int operation, int fd, Interest interest, std::uint32_t mode) {
  epoll_.control(operation, fd, (reads(interest) ? EPOLLIN : 0U) | (writes(interest) ? EPOLLOUT : 0U) | mode);
}

std::string why_no_epoll_pwait2() {
  try {
    EpollPoller().wait(0);
    return {};
  } catch (const std::system_error& error) {
    return std::string(error.what()) + " (epoll_pwait2 needs Linux 5.11)";
  }
}

}  // namespace bench
