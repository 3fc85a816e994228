// A descriptor of a script's that a library only watches, and makes non-blocking all the same.
#pragma once

#include <fcntl.h>

namespace bench {

/// Gives a descriptor back the flags that it had, at the end of the scope.
class KeptFlags {
 public:
  explicit KeptFlags(int fd) noexcept : fd_(fd), flags_(fcntl(fd, F_GETFL)) {}
  ~KeptFlags() {
    if ((flags_ & O_NONBLOCK) == 0) fcntl(fd_, F_SETFL, flags_);
  }
  KeptFlags(const KeptFlags&) = delete;
  KeptFlags& operator=(const KeptFlags&) = delete;

 private:
  int fd_;
  int flags_;
};

}  // namespace bench
