// The jobs of the models that are one event loop, over any poller: a task runs in callbacks, and a wait is a timer.
// A regular file is always ready: it is read and written right in the callback, and the loop stands still meanwhile.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/clock.h"
#include "measure/job_run.h"
#include "models/loop/timers.h"

namespace bench {

template <typename Poller>
class JobLoop {
 public:
  explicit JobLoop(JobRun& job) : job_(job) {}

  void run_batch() {
    scripts_.resize(job_.tasks());
    unfinished_ = job_.tasks();
    for (std::uint32_t index = 0; index < job_.tasks(); ++index) start(index);
    while (unfinished_ != 0) {
      poller_.wait(timers_.next_deadline_ns());
      const std::int64_t now = now_ns();
      for (std::uint32_t index = 0; timers_.take_due(now, index);) go_on(index);
    }
  }

 private:
  void start(std::uint32_t index) {
    scripts_[index] = job_.begin(index);
    go_on(index);
  }

  // The callback: runs task `index` up to its next wait or to its end.
  void go_on(std::uint32_t index) {
    try {
      while (scripts_[index].advance()) {
        const Operation operation = scripts_[index].operation();
        switch (operation.kind) {
          case Op::checkpoint: break;
          case Op::wait_for: timers_.arm(now_ns() + operation.duration.count(), index); return;
          case Op::read:
          case Op::write: *operation.result = do_transfer(operation.transfer); break;
        }
      }
    } catch (...) {
      job_.fail_task(index);
    }
    job_.end(index);
    scripts_[index] = Script();
    --unfinished_;
  }

  JobRun& job_;
  Poller poller_;
  Timers<std::uint32_t> timers_;
  std::vector<Script> scripts_;
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
