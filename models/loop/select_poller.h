// The poller under `select`: two bit sets by descriptor, of which the kernel overwrites a copy with its answer.
#pragma once

#include <fmt/format.h>
#include <sys/select.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <system_error>

#include "models/loop/poller.h"

namespace bench {

/// pselect(2). Refuses descriptors from FD_SETSIZE up.
class SelectPoller {
 public:
  SelectPoller() {
    FD_ZERO(&read_);
    FD_ZERO(&write_);
  }

  void watch(int fd, Interest interest) {
    if (fd >= FD_SETSIZE) {
      throw std::system_error(
          EMFILE, std::generic_category(),
          fmt::format("watch descriptor {}: select(2) takes none above {} (FD_SETSIZE)", fd, FD_SETSIZE - 1));
    }
    change(fd, interest);
  }

  void change(int fd, Interest interest) noexcept {
    reads(interest) ? FD_SET(fd, &read_) : FD_CLR(fd, &read_);
    writes(interest) ? FD_SET(fd, &write_) : FD_CLR(fd, &write_);
    highest_ = std::max(highest_, fd);
    while (highest_ >= 0 && !FD_ISSET(highest_, &read_) && !FD_ISSET(highest_, &write_)) --highest_;
  }

  void closing(int fd) noexcept { change(fd, Interest::nothing); }
  void forget(int fd) noexcept { closing(fd); }
  static void exhausted(int /*fd*/, Interest /*direction*/) noexcept {}

  std::span<const Ready> wait(std::int64_t deadline_ns) {
    fd_set readable = read_;
    fd_set writable = write_;
    int left = pselect(highest_ + 1, &readable, &writable, nullptr, Timeout(deadline_ns).get(), nullptr);
    if (left < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "pselect");
    std::size_t count = 0;
    for (int fd = 0; left > 0; ++fd) {
      const bool to_read = FD_ISSET(fd, &readable);
      const bool to_write = FD_ISSET(fd, &writable);
      if (!to_read && !to_write) continue;
      left -= (to_read ? 1 : 0) + (to_write ? 1 : 0);  // the call counts bits
      ready_[count++] = {.fd = fd, .readable = to_read, .writable = to_write, .broken = false};
    }
    return std::span(ready_).first(count);
  }

 private:
  fd_set read_;
  fd_set write_;
  int highest_ = -1;
  std::array<Ready, FD_SETSIZE> ready_;
};
static_assert(Poller<SelectPoller>);

}  // namespace bench
