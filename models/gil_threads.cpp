// gil-threads: threads under one global lock, as CPython has run them since 3.2.
//
// Units: as many threads as tasks; only the one that holds the lock computes. A thread that wants the lock waits for it
// 5 ms at a time (the switch interval) and then asks for it; the holder sees that at its next checkpoint, hands the
// lock over and waits until somebody else has taken it. Operations that block drop the lock around the wait. System
// calls for a task: those of a thread, plus futexes at each change of holder. It cannot use a second CPU to compute.
//
// As a server it starts a thread for each connection, or for each datagram, as `threads` does. The lock is dropped
// around each accept, recv and send, so a request costs two changes of holder at least; computing holds it for 5 ms at
// a time.
#include <algorithm>
#include <chrono>

#include "models/blocking/blocking.h"
#include "models/blocking/blocking_server.h"
#include "models/blocking/global_lock.h"
#include "models/blocking/thread_group.h"
#include "models/model.h"

namespace bench {
namespace {

// Lets go of the lock wherever the task blocks, and hands it over at a checkpoint where another thread wants it.
class LockedHost {
 public:
  explicit LockedHost(GlobalLock& gil) : gil_(gil) {}

  static Home home() noexcept { return BlockingHost::home(); }
  Done checkpoint() {
    gil_.hand_over();
    return Done::now;
  }
  Done wait_for(std::chrono::nanoseconds duration) {
    return without_lock([&] { return BlockingHost::wait_for(duration); });
  }
  Done transfer(Operation& operation) {
    return without_lock([&] { return BlockingHost::transfer(operation); });
  }
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    return without_lock([&] { return BlockingHost::park(waiting, at_most); });
  }

 private:
  template <typename Call>
  Done without_lock(Call call) {
    gil_.drop();
    const Done answer = call();
    gil_.take();
    return answer;
  }

  GlobalLock& gil_;
};

void run_under_lock(JobRun& job, std::uint32_t index, GlobalLock& gil) {
  gil.take();
  run_task(job, index, LockedHost(gil), [&](Script& script) { script.switch_when(gil.wanted()); });
  gil.drop();
}

// A server's thread, which holds the lock except where it blocks. Nobody needs it any more once the server is to stop:
// thousands who are woken at once would otherwise keep the CPUs busy with waiting 5 ms at a time.
class LockedUnit {
 public:
  LockedUnit(ServerRun& server, GlobalLock& gil) : server_(server), gil_(gil) { take(); }
  ~LockedUnit() { drop(); }
  LockedUnit(const LockedUnit&) = delete;
  LockedUnit& operator=(const LockedUnit&) = delete;

  template <typename Call>
  auto block(Call call) {
    drop();
    const Again again(*this);
    return call();
  }

  void compute(const ServerRun& server, std::uint64_t steps) {
    constexpr std::uint64_t slice = 10'000;  // about as long as CPython computes between two looks at the request
    for (; steps != 0 && !server.stopping(); steps -= std::min(steps, slice)) {
      service_compute(std::min(steps, slice));
      if (holds_ && gil_.wanted().load(std::memory_order_relaxed)) gil_.hand_over();
    }
  }

 private:
  struct Again {
    explicit Again(LockedUnit& waiting) : unit(waiting) {}
    ~Again() { unit.take(); }
    LockedUnit& unit;
  };

  void take() {
    const auto is_stopping = [&] { return server_.stopping(); };
    holds_ = !is_stopping() && gil_.take_unless(is_stopping);
  }
  void drop() {
    if (holds_) gil_.drop();
    holds_ = false;
  }

  ServerRun& server_;
  GlobalLock& gil_;
  bool holds_ = false;
};

void run_gil_threads(JobRun& job) {
  GlobalLock gil;
  while (job.next_batch()) {
    ThreadGroup threads(job, job.tasks());
    for (std::uint32_t index = 0; index < job.tasks(); ++index) {
      threads.start([&job, &gil, index] { run_under_lock(job, index, gil); });
      if (job.one_at_a_time()) threads.join();
    }
    threads.join();
  }
}

void serve_gil_threads(ServerRun& server) {
  GlobalLock gil;
  LockedUnit acceptor(server, gil);
  serve_in_threads(server, acceptor, [&](const auto& serve) {
    LockedUnit unit(server, gil);
    serve(unit);
  });
}

}  // namespace

extern constinit const Model gil_threads_model{
    .name = "gil-threads",
    .summary = "a thread for each task under one global lock, as CPython has it",
    .aliases = {"gil", "python-threads"},
    .unit = UnitKind::thread,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .hands_out = true,
    .run = run_gil_threads,
    .serve = serve_gil_threads,
};

}  // namespace bench
