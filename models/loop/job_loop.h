// The jobs of the models that are one event loop, over any poller: a task runs in callbacks, and a wait is a timer.
// A regular file is always ready: it is read and written right in the callback, and the loop stands still meanwhile.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "measure/clock.h"
#include "measure/job_run.h"
#include "models/loop/parking.h"
#include "models/loop/poller.h"
#include "models/loop/timers.h"
#include "models/talk/transfer.h"

namespace bench {

template <typename Poller>
class JobLoop {
 public:
  explicit JobLoop(JobRun& job) : job_(job), parking_(job) {
    if (parking_.used()) poller_.watch(parking_.fd(), Interest::read);
  }

  void run_batch() {
    scripts_.resize(job_.tasks());
    unfinished_ = job_.tasks();
    for (std::uint32_t index = 0; index < job_.tasks(); ++index) start(index);
    while (true) {
      parking_.resume_all([this](Waiting& waiting) { advance_task(waiting.task); });
      if (unfinished_ == 0) return;
      const std::span<const Ready> found = poller_.wait(parking_.sleep_until(timers_.next_deadline_ns()));
      parking_.slept();
      for (const Ready& ready : found) on_ready(ready);
      const std::int64_t now = now_ns();
      for (std::uint32_t index = 0; timers_.take_due(now, index);) advance_task(index);
    }
  }

 private:
  static constexpr std::uint32_t nobody = 0xFFFF'FFFF;

  // A descriptor of a task.
  struct Watched {
    std::uint32_t task = nobody;  // that waits for it
    Interest interest = Interest::nothing;
    bool watched = false;
  };

  // Of one task, for the driver.
  struct TaskHost {
    JobLoop& loop;
    std::uint32_t index;

    static Done checkpoint() noexcept { return Done::now; }
    Done wait_for(std::chrono::nanoseconds duration) {
      loop.timers_.arm(now_ns() + duration.count(), index);
      return Done::later;
    }
    Done transfer(Operation& operation) { return loop.transfer(operation, index); }
    Done park(Waiting& waiting, std::chrono::nanoseconds at_most) { return loop.parking_.park(waiting, at_most); }
  };
  static_assert(Host<TaskHost>);

  void start(std::uint32_t index) {
    scripts_[index] = job_.begin(index, parking_.home());
    advance_task(index);
  }

  // The callback: runs task `index` up to its next wait or to its end.
  void advance_task(std::uint32_t index) {
    TaskHost host{*this, index};
    try {
      if (!drive(scripts_[index], host)) return;
    } catch (...) {
      job_.fail_task(index);
    }
    job_.end(index);
    scripts_[index] = Script();
    --unfinished_;
  }

  Done transfer(Operation& operation, std::uint32_t index) {
    Transfer& transfer = operation.transfer;
    const Readiness wanted = try_transfer(transfer, operation.result, [this](int fd) { forget(fd); });
    if (wanted == Readiness::done) return Done::now;
    wait_ready(transfer.fd, wanted == Readiness::to_read ? Interest::read : Interest::write, index);
    operation.again = true;
    return Done::later;
  }

  void wait_ready(int fd, Interest interest, std::uint32_t index) {
    const auto slot = static_cast<std::size_t>(fd);
    if (descriptors_.size() <= slot) descriptors_.resize(slot + 1);
    Watched& descriptor = descriptors_[slot];
    descriptor.task = index;
    if (!descriptor.watched) {
      poller_.watch(fd, interest);
    } else {
      poller_.exhausted(fd, interest);
      if (descriptor.interest != interest) poller_.change(fd, interest);
    }
    descriptor.watched = true;
    descriptor.interest = interest;
  }

  // A descriptor is about to be closed. A child that a script has forked may have it open still, and epoll would go on
  // to report it under its number, which is another's then.
  void forget(int fd) {
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= descriptors_.size() || !descriptors_[slot].watched) return;
    poller_.forget(fd);
    descriptors_[slot] = Watched();
  }

  void on_ready(const Ready& ready) {
    if (parking_.used() && ready.fd == parking_.fd()) {
      parking_.drain();
      return poller_.exhausted(ready.fd, Interest::read);
    }
    const auto slot = static_cast<std::size_t>(ready.fd);
    Watched& descriptor = descriptors_[slot];
    if (descriptor.task != nobody) return advance_task(std::exchange(descriptor.task, nobody));
    if (!descriptor.watched) return;
    // Ready while its task is busy elsewhere: to be watched again when that waits for it. What is broken is always
    // reported, and so not watched at all.
    if (ready.broken) {
      descriptor = Watched();
      return poller_.forget(ready.fd);
    }
    descriptor.interest = Interest::nothing;
    poller_.change(ready.fd, Interest::nothing);
  }

  JobRun& job_;
  Poller poller_;
  Parking parking_;
  Timers<std::uint32_t> timers_;
  std::vector<Script> scripts_;
  std::vector<Watched> descriptors_;  // by descriptor
  std::uint32_t unfinished_ = 0;
};

/// Runs every batch in the calling thread, the one unit.
template <typename Poller>
void run_in_loop(JobRun& job) {
  const Run::Unit unit(job);
  JobLoop<Poller> loop(job);
  while (job.next_batch()) loop.run_batch();
}

}  // namespace bench
