// epoll: one thread that runs callbacks from an event loop, level-triggered.
//
// Units: the one thread. Each task runs in a callback until it must wait, arms a timer and returns to the loop; the
// loop sleeps in epoll_pwait2 until the next deadline and calls back whoever is due. System calls for a task: a share
// of an epoll_pwait2 for each of its waits. A callback is never interrupted, not at a checkpoint either: a task that
// computes holds up all others, and a second CPU is of no use.
//
// As a server it keeps all connections in the one loop of reactor.h: whoever is readable is read once, answered and
// left. System calls for a request: recv, send, and a share of an epoll_wait. For datagrams the unit is the same
// thread, which takes all that have come.
#include "models/poller.h"
#include "models/reactor.h"
#include "models/rows.h"
#include "models/timers.h"

namespace bench {
namespace {

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
  EpollPoller poller_;
  Timers<std::uint32_t> timers_;
  std::vector<Script> scripts_;
  std::uint32_t unfinished_ = 0;
};

}  // namespace

void run_epoll(JobRun& job) {
  const Run::Unit unit(job);
  JobLoop loop(job);
  while (job.next_batch()) loop.run_batch();
}

void serve_epoll(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<EpollPoller>(server).run();
}

}  // namespace bench
