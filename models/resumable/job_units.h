// What the units of a job share that are resumed by a scheduler, coroutines and fibers alike.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "models/loop/parking.h"
#include "models/resumable/scheduler.h"
#include "models/talk/transfer.h"

namespace bench {

/// One thread's units. The descriptors of their tasks are watched from when one is first waited for until it is closed.
template <typename Scheduler>
class JobUnits {
 public:
  using Waiter = typename Scheduler::Waiter;
  using Watched = typename Scheduler::Watched;

  explicit JobUnits(JobRun& job) : parking(job) {
    if (parking.used()) scheduler.watch(parking.fd());
  }

  /// Whether a unit may be resumed for something else than time.
  bool watches() const noexcept { return parking.used() || !watched_.empty(); }

  /// Resumes units until `unfinished` is 0.
  void run() {
    while (unfinished != 0) {
      parking.resume_all([this](Waiting& waiting) { scheduler.wake_in_turn(*static_cast<Waiter*>(waiting.unit)); });
      if (!watches()) {
        scheduler.run_turn();
        continue;
      }
      scheduler.run_turn_with_sockets(parking.sleep_until(no_deadline), [this] { parking.slept(); });
    }
  }

  /// For a loop that is not ours, which has nothing to do until `deadline_ns`: resumes those that are woken and those
  /// whose sockets are ready, and sleeps before where there are none.
  void sleep(std::int64_t deadline_ns) {
    const bool any = parking.resume_all([](Waiting& waiting) { static_cast<Waiter*>(waiting.unit)->handle.resume(); });
    scheduler.poll(any ? 0 : parking.sleep_until(deadline_ns));
    parking.slept();
  }

  /// What a host says of the verbs; `waiter` is resumed when they are done.
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most, Waiter& waiter) {
    waiting.unit = &waiter;
    return parking.park(waiting, at_most);
  }
  Done transfer(Operation& operation, Waiter& waiter) {
    Transfer& transfer = operation.transfer;
    const Readiness wanted = try_transfer(transfer, operation.result, [this](int fd) { forget(fd); });
    if (wanted == Readiness::done) return Done::now;
    operation.again = true;
    std::unique_ptr<Watched>& watched = watched_[transfer.fd];
    if (!watched) watched = std::make_unique<Watched>(scheduler, transfer.fd);
    scheduler.wake_when(*watched, wanted == Readiness::to_read ? Interest::read : Interest::write, 0, waiter);
    return Done::later;
  }

  Scheduler scheduler;
  Parking parking;
  std::uint32_t unfinished = 0;

 private:
  void forget(int fd) {
    const auto found = watched_.find(fd);
    if (found == watched_.end()) return;
    scheduler.forget(*found->second);
    watched_.erase(found);
  }

  std::unordered_map<int, std::unique_ptr<Watched>> watched_;  // they belong to the tasks
};

}  // namespace bench
