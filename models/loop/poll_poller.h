// The poller under `poll`: one array of all descriptors, handed to the kernel at each call.
#pragma once

#include <poll.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <system_error>
#include <vector>

#include "models/loop/fd_list.h"
#include "models/loop/poller.h"

namespace bench {

/// ppoll(2).
class PollPoller {
 public:
  void watch(int fd, Interest interest) { watched_.add({.fd = fd, .events = events_of(interest), .revents = 0}); }
  void change(int fd, Interest interest) { watched_[fd].events = events_of(interest); }
  void closing(int fd) noexcept { watched_.remove(fd); }
  void forget(int fd) noexcept { closing(fd); }
  static void exhausted(int /*fd*/, Interest /*direction*/) noexcept {}

  std::span<const Ready> wait(std::int64_t deadline_ns) {
    ready_.clear();
    const std::span<pollfd> all = watched_.all();
    const int count = ppoll(all.data(), all.size(), Timeout(deadline_ns).get(), nullptr);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "ppoll");
    auto left = count;
    for (auto entry = all.begin(); left > 0; ++entry) {
      if (entry->revents == 0) continue;
      --left;
      const bool broken = (entry->revents & (POLLERR | POLLHUP)) != 0;
      ready_.push_back({.fd = entry->fd,
                        .readable = broken || (entry->revents & POLLIN) != 0,
                        .writable = broken || (entry->revents & POLLOUT) != 0,
                        .broken = broken});
    }
    return ready_;
  }

 private:
  static short events_of(Interest interest) noexcept {
    return static_cast<short>((reads(interest) ? POLLIN : 0) | (writes(interest) ? POLLOUT : 0));
  }

  FdList<pollfd> watched_;
  std::vector<Ready> ready_;
};
static_assert(Poller<PollPoller>);

}  // namespace bench
