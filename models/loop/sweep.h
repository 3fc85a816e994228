// The poller under `nonblocking`, which does not ask the kernel: every descriptor that something is wanted of is worth
// an attempt.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/loop/fd_list.h"
#include "models/loop/poller.h"

namespace bench {

/// Never sleeps, and makes no system call.
class Sweep {
 public:
  void watch(int fd, Interest interest) { watched_.add(attempt(fd, interest)); }
  void change(int fd, Interest interest) { watched_[fd] = attempt(fd, interest); }
  void closing(int fd) noexcept { watched_.remove(fd); }
  void forget(int fd) noexcept { closing(fd); }
  static void exhausted(int /*fd*/, Interest /*direction*/) noexcept {}

  // A copy, since connections come and go while it is looked through.
  std::span<const Ready> wait(std::int64_t /*deadline_ns*/) {
    ready_.clear();
    for (const Ready& entry : watched_.all()) {
      if (entry.readable || entry.writable) ready_.push_back(entry);
    }
    return ready_;
  }

 private:
  static Ready attempt(int fd, Interest interest) noexcept {
    return {.fd = fd, .readable = reads(interest), .writable = writes(interest), .broken = false};
  }

  FdList<Ready> watched_;
  std::vector<Ready> ready_;
};
static_assert(Poller<Sweep>);

}  // namespace bench
