#include "models/poller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "harness/measure/clock.h"

namespace bench {
namespace {

std::uint32_t events_of(Interest interest) {
  switch (interest) {
    case Interest::nothing: return 0;
    case Interest::read: return EPOLLIN;
    case Interest::write: return EPOLLOUT;
    case Interest::both: break;
  }
  return EPOLLIN | EPOLLOUT;
}

}  // namespace

EpollPoller::EpollPoller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

std::span<const Ready> EpollPoller::wait(std::int64_t deadline_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  int count = 0;
  if (deadline_ns == no_deadline) {
    count = epoll_wait(epoll_.get(), events_.data(), batch, -1);
  } else {
    const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - now_ns(), 0);
    const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
    count = epoll_pwait2(epoll_.get(), events_.data(), batch, &timeout, nullptr);
  }
  if (count < 0) {
    // A signal that stops and continues the process ends the call with EINTR, which is an early return like any other.
    if (errno == EINTR) return {};
    throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
    ready_[static_cast<std::size_t>(i)] = {.fd = event.data.fd,
                                           .readable = (event.events & (EPOLLIN | broken)) != 0,
                                           .writable = (event.events & (EPOLLOUT | broken)) != 0,
                                           .broken = (event.events & broken) != 0};
  }
  return std::span(ready_).first(static_cast<std::size_t>(count));
}

void EpollPoller::control(int operation, int fd, Interest interest) {
  epoll_event event{};
  event.events = events_of(interest);
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), fmt::format("watch descriptor {}", fd));
  }
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
