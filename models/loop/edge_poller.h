// The poller under `epoll-et`: an epoll instance that tells of each change once, and a memory of what it has told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/loop/poller.h"

namespace bench {

/// epoll_pwait2(2), edge-triggered. What has been told holds until exhausted() says that it is over; what is wanted and
/// still ready is reported again, behind the others.
class EdgePoller {
 public:
  void watch(int fd, Interest interest) {
    const auto slot = static_cast<std::size_t>(fd);
    if (watched_.size() <= slot) watched_.resize(slot + 1);
    epoll_.control(EPOLL_CTL_ADD, fd, edges);
    watched_[slot] = {.interest = interest, .ready = 0, .listed = watched_[slot].listed, .tells_room = false};
    if (writes(interest)) ask_for_room(fd);
  }

  void change(int fd, Interest interest) {
    of(fd).interest = interest;
    if (writes(interest) && !of(fd).tells_room) ask_for_room(fd);
    list(fd);
  }

  void closing(int fd) noexcept {
    epoll_.forget_closing(fd);
    of(fd).ready = 0;
  }

  void forget(int fd) {
    epoll_.control(EPOLL_CTL_DEL, fd, 0);
    of(fd).ready = 0;
  }

  // What will not change any more stays: the end of the stream can be read for ever.
  void exhausted(int fd, Interest direction) noexcept {
    Watched& watched = of(fd);
    if (reads(direction) && (watched.ready & (EPOLLRDHUP | EPOLLHUP)) == 0) watched.ready &= ~std::uint32_t{EPOLLIN};
    if (writes(direction) && (watched.ready & EPOLLHUP) == 0) watched.ready &= ~std::uint32_t{EPOLLOUT};
  }

  std::span<const Ready> wait(std::int64_t deadline_ns) {
    std::erase_if(listed_, [this](int fd) { return !(of(fd).listed = wanted(of(fd))); });
    for (const epoll_event& event : epoll_.wait(listed_.empty() ? deadline_ns : 0)) {
      // An error is told by the next call, whichever that is.
      of(event.data.fd).ready |= event.events | ((event.events & EPOLLERR) != 0 ? EPOLLIN | EPOLLOUT : 0U);
      list(event.data.fd);
    }
    ready_.clear();
    for (const int fd : listed_) ready_.push_back(report(fd));
    return ready_;
  }

 private:
  static constexpr std::uint32_t edges = EPOLLIN | EPOLLRDHUP | EPOLLET;

  struct Watched {
    Interest interest = Interest::nothing;
    std::uint32_t ready = 0;  // what epoll has told and no call has disproved
    bool listed = false;
    bool tells_room = false;  // whether EPOLLOUT has been asked for
  };

  Watched& of(int fd) noexcept { return watched_[static_cast<std::size_t>(fd)]; }

  static bool readable(const Watched& watched) noexcept {
    return reads(watched.interest) && (watched.ready & (EPOLLIN | EPOLLRDHUP)) != 0;
  }
  static bool writable(const Watched& watched) noexcept {
    return writes(watched.interest) && (watched.ready & EPOLLOUT) != 0;
  }
  static bool wanted(const Watched& watched) noexcept {
    return readable(watched) || writable(watched) || (watched.ready & EPOLLHUP) != 0;
  }

  Ready report(int fd) noexcept {
    const Watched& watched = of(fd);
    const bool broken = (watched.ready & EPOLLHUP) != 0;
    return {
        .fd = fd, .readable = broken || readable(watched), .writable = broken || writable(watched), .broken = broken};
  }

  // The first edge comes at once where there is room already.
  void ask_for_room(int fd) {
    epoll_.control(EPOLL_CTL_MOD, fd, edges | EPOLLOUT);
    of(fd).tells_room = true;
  }

  // Puts `fd` among those to be reported, if it is one.
  void list(int fd) {
    Watched& watched = of(fd);
    if (watched.listed || !wanted(watched)) return;
    watched.listed = true;
    listed_.push_back(fd);
  }

  Epoll epoll_;
  std::vector<Watched> watched_;  // by descriptor
  std::vector<int> listed_;       // those that are wanted and ready, as far as is known
  std::vector<Ready> ready_;
};
static_assert(Poller<EdgePoller>);

}  // namespace bench
