// What a readiness poller is, and the level-triggered epoll poller under `epoll`, `coroutines`, `fibers`
// and `reactor-pool`. The others lie in files of their own; the reactor and the job loop take any of them.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <ctime>
#include <limits>
#include <span>
#include <string>

#include "workloads/unique_fd.h"

namespace bench {

/// What of a descriptor is watched.
enum class Interest : std::uint8_t { nothing, read, write, both };

/// What is to be watched of a descriptor that is to be read, or written, or both.
constexpr Interest interest_in(bool to_read, bool to_write) noexcept {
  return to_read ? (to_write ? Interest::both : Interest::read) : (to_write ? Interest::write : Interest::nothing);
}
constexpr bool reads(Interest interest) noexcept { return interest == Interest::read || interest == Interest::both; }
constexpr bool writes(Interest interest) noexcept { return interest == Interest::write || interest == Interest::both; }

/// A descriptor that is ready, or worth an attempt. One in error is ready for both, so that the next call on it tells
/// what is wrong.
struct Ready {
  int fd;
  bool readable;
  bool writable;
  bool broken;  ///< The peer has reset it, or has closed both directions.
};

/// The deadline of a wait that has none.
inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

/// Tells which of its descriptors are ready. One thread uses it. With `P` for the type:
///
///   P()                       watches nothing. Throws std::system_error where descriptors have run out
///   watch(fd, interest)       reports `fd` from now on. Throws std::system_error, and watches it not
///   change(fd, interest)      of a descriptor that is watched. May throw std::system_error
///   closing(fd)               the descriptor is about to be closed: the next wait() reports it no more
///   forget(fd)                watches `fd` no longer, until watch(). May throw std::system_error
///   exhausted(fd, direction)  a call has just shown that `fd` is not ready for this direction any more
///   wait(deadline_ns)         sleeps until a descriptor is ready for what is wanted of it, or until CLOCK_MONOTONIC
///                             reads `deadline_ns`, and reports each at most once. May return early with nothing. A
///                             descriptor that stays ready is reported again by the next call. Its result holds until
///                             then, whatever is watched or closed meanwhile. Throws std::system_error
///
/// A broken descriptor may be reported although nothing is wanted of it: whoever wants nothing for long forgets it.
template <typename P>
concept Poller = std::default_initializable<P> &&
    requires(P poller, int fd, Interest interest, Interest direction, std::int64_t deadline_ns) {
  poller.watch(fd, interest);
  poller.change(fd, interest);
  requires noexcept(poller.closing(fd));
  poller.forget(fd);
  requires noexcept(poller.exhausted(fd, direction));
  { poller.wait(deadline_ns) } -> std::same_as<std::span<const Ready>>;
};

/// The timeout of a system call that is to sleep until CLOCK_MONOTONIC reads `deadline_ns`.
class Timeout {
 public:
  explicit Timeout(std::int64_t deadline_ns) noexcept;

  /// Null without a deadline: the call may sleep for ever.
  const timespec* get() const noexcept { return bounded_ ? &left_ : nullptr; }

 private:
  timespec left_{};
  bool bounded_;
};

/// An epoll instance, level- or edge-triggered as its owner asks with `events`. One thread uses it.
class Epoll {
 public:
  /// Throws std::system_error where descriptors have run out.
  Epoll();

  /// epoll_ctl(2). Throws std::system_error.
  void control(int operation, int fd, std::uint32_t events);

  /// Reports no more of `fd`, which is about to be closed. The kernel would forget it then; but not as long as a child
  /// has it open, as each has between fork and exec, and its number may be another's before that.
  void forget_closing(int fd) noexcept;

  /// Sleeps until there is an event or CLOCK_MONOTONIC reads `deadline_ns`, with the nanosecond resolution that
  /// epoll_wait(2) lacks: its milliseconds would round every wait up. The kernel may add a thousandth of the wait
  /// (select_estimate_accuracy), which a sleeping thread is spared. May return early with nothing; the caller looks at
  /// the clock again. The result holds until the next call.
  std::span<const epoll_event> wait(std::int64_t deadline_ns);

  static constexpr std::size_t batch = 256;  ///< The most events of one call.

 private:
  UniqueFd epoll_;
  std::array<epoll_event, batch> events_;
};

/// A level-triggered epoll instance. One thread uses it.
class EpollPoller {
 public:
  /// Watches `fd`, until closing() or forget(). Throws std::system_error.
  void watch(int fd, Interest interest) { control(EPOLL_CTL_ADD, fd, interest); }

  /// Changes what is watched of `fd`. Throws std::system_error.
  void change(int fd, Interest interest) { control(EPOLL_CTL_MOD, fd, interest); }

  void closing(int fd) noexcept { epoll_.forget_closing(fd); }

  /// Watches `fd` no longer. Throws std::system_error.
  void forget(int fd) { control(EPOLL_CTL_DEL, fd, Interest::nothing); }

  /// A call has just shown that `fd` is not ready for one direction any more. Nothing to do: the kernel is asked anew.
  static void exhausted(int /*fd*/, Interest /*direction*/) noexcept {}

  /// For `reactor-pool`. Watches `fd` for one report only, after which nothing of it is reported until watch_again(),
  /// which any thread may call. Throw std::system_error.
  void watch_once(int fd, Interest interest) { control(EPOLL_CTL_ADD, fd, interest, EPOLLONESHOT); }
  void watch_again(int fd, Interest interest) { control(EPOLL_CTL_MOD, fd, interest, EPOLLONESHOT); }

  /// As Epoll::wait.
  std::span<const Ready> wait(std::int64_t deadline_ns);

 private:
  void control(int operation, int fd, Interest interest, std::uint32_t mode = 0);

  Epoll epoll_;
  std::array<Ready, Epoll::batch> ready_;
};
static_assert(Poller<EpollPoller>);

/// Why epoll_pwait2(2), which Linux has since 5.11, does not work here; empty when it does.
std::string why_no_epoll_pwait2();

}  // namespace bench
