// The jobs of `reactor-pool`: a task is advanced by whichever worker takes it, and what it waits for is watched by the
// reactor's thread.
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/loop/parking.h"
#include "models/loop/timed_pool.h"
#include "models/reactor_pool.h"
#include "models/talk/transfer.h"

namespace bench {
namespace {

class PooledJob {
 public:
  explicit PooledJob(JobRun& job) : job_(job), parking_(job), pool_(job, job.workers()) {
    if (parking_.used()) pool_.poller().watch(parking_.fd(), Interest::read);
  }

  void run_batch() {
    scripts_ = std::vector<Script>(job_.tasks());
    unfinished_ = job_.tasks();
    for (std::uint32_t index = 0; index < job_.tasks(); ++index) {
      pool_.hand_over([this, index](auto&) { start(index); });
    }
    while (unfinished_.load() != 0) {
      // Whoever is woken is handed to a worker by this thread, wherever the one that woke it runs.
      parking_.resume_all([this](Waiting& waiting) { resume(waiting.task); });
      take_bounds();
      const std::span<const Ready> found = pool_.wait(parking_.sleep_until(no_deadline));
      parking_.slept();
      for (const Ready& ready : found) on_ready(ready);
    }
  }

 private:
  // Of one task, for the driver. On a worker.
  struct TaskHost {
    PooledJob& pooled;
    std::uint32_t index;

    static Done checkpoint() noexcept { return Done::now; }
    Done wait_for(std::chrono::nanoseconds duration) {  // after which the task may be with another worker at any time
      pooled.pool_.hand_over_at(now_ns() + duration.count(),
                                [own = &pooled, task = index](auto&) { own->advance_task(task); });
      return Done::later;
    }
    Done transfer(Operation& operation) { return pooled.transfer(operation, index); }
    Done park(Waiting& waiting, std::chrono::nanoseconds at_most) { return pooled.park(waiting, at_most); }
  };
  static_assert(Host<TaskHost>);

  void start(std::uint32_t index) {
    scripts_[index] = job_.begin(index, parking_.home());
    advance_task(index);
  }

  void advance_task(std::uint32_t index) {
    TaskHost host{*this, index};
    try {
      if (!drive(scripts_[index], host)) return;
    } catch (...) {
      job_.fail_task(index);
    }
    job_.end(index);
    scripts_[index] = Script();
    if (--unfinished_ == 0) pool_.wake();
  }

  void resume(std::uint32_t index) {
    pool_.hand_over([this, index](auto&) { advance_task(index); });
  }

  // On a worker. The deadline is kept by the reactor's thread alone, by which every task comes back that was parked.
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    const std::int64_t due_ns = Parking::due_of(at_most);
    waiting.due_ns.store(due_ns);
    if (!waiting.park()) {
      waiting.due_ns.store(no_deadline);
      return Done::now;
    }
    if (due_ns != no_deadline) {
      {
        const std::lock_guard lock(mutex_);
        bounds_.emplace_back(due_ns, &waiting);
      }
      pool_.wake();
    }
    return Done::later;
  }

  void take_bounds() {
    const std::lock_guard lock(mutex_);
    for (const auto& [due_ns, waiting] : std::exchange(bounds_, {})) parking_.arm(due_ns, *waiting);
  }

  Done transfer(Operation& operation, std::uint32_t index) {
    Transfer& transfer = operation.transfer;
    const Readiness wanted = try_transfer(transfer, operation.result, [this](int fd) { forget(fd); });
    if (wanted == Readiness::done) return Done::now;
    operation.again = true;
    watch_for(transfer.fd, wanted == Readiness::to_read ? Interest::read : Interest::write, index);
    return Done::later;
  }

  // For one report, by which the reactor's thread hands the task to a worker.
  void watch_for(int fd, Interest interest, std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    const bool is_new = watchers_.find(fd) == watchers_.end();
    watchers_[fd] = index;
    is_new ? pool_.poller().watch_once(fd, interest) : pool_.poller().watch_again(fd, interest);
  }

  void forget(int fd) {
    const std::lock_guard lock(mutex_);
    watchers_.erase(fd);
  }

  void on_ready(const Ready& ready) {
    if (parking_.used() && ready.fd == parking_.fd()) return parking_.drain();
    std::uint32_t index = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = watchers_.find(ready.fd);
      if (found == watchers_.end()) return;  // the pool's own
      index = found->second;
    }
    resume(index);
  }

  JobRun& job_;
  Parking parking_;  // of the reactor's thread, but for home()
  std::vector<Script> scripts_;
  std::atomic<std::uint32_t> unfinished_ = 0;
  std::mutex mutex_;
  std::unordered_map<int, std::uint32_t> watchers_;        // tasks by their descriptors
  std::vector<std::pair<std::int64_t, Waiting*>> bounds_;  // deadlines that the reactor's thread does not have yet
  TimedPool pool_;
};

}  // namespace

void run_reactor_pool(JobRun& job) {
  const Run::Unit unit(job);
  PooledJob pooled(job);
  while (job.next_batch()) pooled.run_batch();
}

}  // namespace bench
