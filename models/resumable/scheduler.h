// The loop under units that are suspended and resumed in one thread, coroutines and fibers alike: which are ready,
// which sleep, which wait for a socket.
#pragma once

#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "measure/clock.h"
#include "measure/mailbox.h"
#include "models/loop/poller.h"
#include "models/loop/timers.h"

namespace bench {

/// Resumes units by `Handle::resume()`, which returns when the unit is suspended again or has ended. One thread uses it
/// and everything that waits for it.
template <typename Handle>
class Scheduler {
 public:
  /// A suspended unit. It lies among the unit's own variables, so that waiting allocates nothing.
  struct Waiter {
    Handle handle;
    Waiter* next = nullptr;
  };

  /// Those that wait for the same, first in, first out.
  class Queue {
   public:
    bool empty() const noexcept { return first_ == nullptr; }

    void push(Waiter& waiter) noexcept {
      waiter.next = nullptr;
      (empty() ? first_ : last_->next) = &waiter;
      last_ = &waiter;
    }

    Waiter& pop() noexcept { return *std::exchange(first_, first_->next); }

   private:
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
  };

  /// A descriptor of somebody else's that units wait for; one at a time.
  class Watched {
   public:
    /// Throws std::system_error.
    Watched(Scheduler& scheduler, int fd) : scheduler_(scheduler), fd_(fd) { scheduler_.attach(*this); }
    /// The descriptor is about to be closed, or just has been.
    ~Watched() { scheduler_.watched_[slot()] = nullptr; }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    int fd() const noexcept { return fd_; }

    /// Whether the last wait ended because nothing came for so many ticks, or because the server is to stop.
    bool timed_out() const noexcept { return woken_by_ == WokenBy::time; }

    /// Whether it ended because there is mail (tell_mail()).
    bool mail_came() const noexcept { return woken_by_ == WokenBy::mail; }

   private:
    friend Scheduler;
    std::size_t slot() const noexcept { return static_cast<std::size_t>(fd_); }
    enum class WokenBy : std::uint8_t { readiness, time, mail };

    Scheduler& scheduler_;
    int fd_;
    Waiter* waiter_ = nullptr;
    std::uint32_t until_tick_ = 0;  // how long the waiter waits
    bool bounded_ = false;          // or it waits for ever
    Interest interest_ = Interest::read;
    WokenBy woken_by_ = WokenBy::readiness;
    bool or_mail_ = false;    // the waiter waits for mail, too
    bool forgotten_ = false;  // no longer watched
  };

  /// One of its own.
  class Socket : public Watched {
   public:
    /// Takes over `fd`, which does not block. Throws std::system_error.
    Socket(Scheduler& scheduler, UniqueFd fd) : Watched(scheduler, fd.get()), own_(std::move(fd)) {}

   private:
    UniqueFd own_;
  };

  /// Resumes `waiter` after all others that are ready now.
  void wake_in_turn(Waiter& waiter) noexcept { ready_.push(waiter); }

  /// Resumes `waiter` when CLOCK_MONOTONIC reads `deadline_ns`.
  void wake_at(std::int64_t deadline_ns, Waiter& waiter) { timers_.arm(deadline_ns, &waiter); }

  /// Resumes `waiter` once the socket is ready, or after `most_ticks` (0: no bound), or when the server is to stop.
  /// `or_mail`: or when there is mail.
  void wake_when(Watched& socket, Interest interest, std::uint32_t most_ticks, Waiter& waiter, bool or_mail = false) {
    socket.waiter_ = &waiter;
    socket.or_mail_ = or_mail;
    socket.bounded_ = most_ticks != 0;
    socket.until_tick_ = tick_ + most_ticks;
    if (socket.forgotten_) {
      socket.forgotten_ = false;
      socket.interest_ = interest;
      return poller_.watch(socket.fd(), interest);
    }
    if (interest == socket.interest_) return;
    socket.interest_ = interest;
    poller_.change(socket.fd(), interest);
  }

  /// Watches a descriptor no longer, until somebody waits for it. Before it is closed where a child may have it open
  /// still: epoll would go on to report it under its number, which is another's then.
  void forget(Watched& watched) {
    if (!std::exchange(watched.forgotten_, true)) poller_.forget(watched.fd());
  }

  /// Resumes units until none is ready or asleep.
  void run() {
    while (!ready_.empty() || !timers_.empty()) run_turn();
  }

  /// One turn of the loop: resumes those that are ready, or sleeps until the next deadline.
  void run_turn() {
    if (ready_.empty()) poller_.wait(timers_.next_deadline_ns());
    if (!timers_.empty()) wake_due();
    run_round();
  }

  /// Likewise, and those whose sockets are ready; sleeps until `deadline_ns` at the most, and calls `slept()` then.
  template <typename Slept>
  void run_turn_with_sockets(std::int64_t deadline_ns, Slept slept) {
    const std::int64_t until_ns = ready_.empty() ? std::min(deadline_ns, timers_.next_deadline_ns()) : 0;
    const std::span<const Ready> found = poller_.wait(until_ns);
    slept();
    for (const Ready& ready : found) on_ready(ready);
    if (!timers_.empty()) wake_due();
    run_round();
  }

  /// An eventfd that only ends a sleep: it is read when it has.
  void watch(int fd) {
    poller_.watch(fd, Interest::read);
    alarm_ = fd;
  }

  /// Resumes the units that are ready, asleep or wait for a socket, until `stopping()`; then all are told that their
  /// time is up, and this returns when those that waited have ended.
  template <typename Stopping>
  void serve(Mailbox& mailbox, Stopping stopping) {
    if (mailbox.used()) watch(mailbox.fd());
    while (!stopping()) {
      const bool may_sleep = mailbox.may_sleep() && ready_.empty();
      const std::span<const Ready> found = poller_.wait(may_sleep ? timers_.next_deadline_ns() : 0);
      mailbox.slept();
      for (const Ready& ready : found) {
        if (stopping()) break;
        on_ready(ready);
      }
      if (!timers_.empty()) wake_due();
      run_round();
      if (mailbox.take()) tell_mail();
    }
    while (!ready_.empty()) run_round();
    for (Waiter* waiter = nullptr; timers_.take_due(no_deadline, waiter);) waiter->handle.resume();
    wake_all();
  }

  /// For a loop that is not ours: sleeps until a socket is ready or CLOCK_MONOTONIC reads `deadline_ns`, and resumes
  /// the units that wait for one.
  void poll(std::int64_t deadline_ns) {
    for (const Ready& ready : poller_.wait(deadline_ns)) on_ready(ready);
  }

  /// Tells all units that wait for a socket that their time is up.
  void wake_all() {
    for (std::size_t slot = 0; slot < watched_.size(); ++slot) {
      while (watched_[slot] && watched_[slot]->waiter_) wake(*watched_[slot], Watched::WokenBy::time);
    }
  }

  /// Tells the units that wait for mail that there is some.
  void tell_mail() {
    for (std::size_t slot = 0; slot < watched_.size(); ++slot) {
      Watched* socket = watched_[slot];
      if (socket && socket->waiter_ && socket->or_mail_) wake(*socket, Watched::WokenBy::mail);
    }
  }

  /// The clock of the deadlines.
  std::uint32_t ticks() const noexcept { return tick_; }

  /// A tick has passed: a unit that has waited for a socket for too many is told.
  void tick() {
    ++tick_;
    for (std::size_t slot = 0; slot < watched_.size(); ++slot) {
      Watched* socket = watched_[slot];
      const bool late = socket && socket->waiter_ && socket->bounded_ && tick_ > socket->until_tick_;
      if (late) wake(*socket, Watched::WokenBy::time);
    }
  }

 private:
  // Resumes those that are ready now, and not those that become so meanwhile: timers and sockets have their turn.
  void run_round() {
    Queue round = std::exchange(ready_, Queue());
    while (!round.empty()) round.pop().handle.resume();
  }

  void wake_due() {
    const std::int64_t now = now_ns();
    for (Waiter* waiter = nullptr; timers_.take_due(now, waiter);) ready_.push(*waiter);
  }

  // Wakes the waiter of a socket.
  static void wake(Watched& socket, typename Watched::WokenBy by) {
    socket.woken_by_ = by;
    std::exchange(socket.waiter_, nullptr)->handle.resume();
  }

  void on_ready(const Ready& ready) {
    if (ready.fd == alarm_) {
      eventfd_t count = 0;
      eventfd_read(alarm_, &count);
      return;
    }
    Watched* socket = watched_[static_cast<std::size_t>(ready.fd)];
    if (!socket) return;
    if (socket->waiter_) return wake(*socket, Watched::WokenBy::readiness);
    // Ready while its unit is busy elsewhere: to be watched again when it asks. What is broken is always reported, and
    // so not watched at all.
    if (ready.broken) return forget(*socket);
    socket->interest_ = Interest::nothing;
    poller_.change(socket->fd(), Interest::nothing);
  }

  void attach(Watched& socket) {
    if (watched_.size() <= socket.slot()) watched_.resize(socket.slot() + 1);
    poller_.watch(socket.fd(), socket.interest_);
    watched_[socket.slot()] = &socket;
  }

  EpollPoller poller_;
  Timers<Waiter*> timers_;
  Queue ready_;
  std::vector<Watched*> watched_;  // by descriptor
  std::uint32_t tick_ = 0;
  int alarm_ = -1;
};

}  // namespace bench
