// The jobs of `asio`: a coroutine for each task.
#include <atomic>
#include <optional>
#include <utility>

#include "models/loop/parking.h"
#include "models/loop/poller.h"
#include "models/references/asio.h"
#include "models/references/kept_flags.h"
#include "models/talk/transfer.h"

namespace bench::on_asio {
namespace {

// What the coroutines of a job share.
struct Tasks {
  explicit Tasks(JobRun& run) : job(run), parking(run) {}

  JobRun& job;
  Parking parking;
  asio::io_context context{1};  // one thread
  std::uint32_t unfinished = 0;
};

// Of one task, for the driver: notes what the coroutine is to await.
struct TaskHost {
  explicit TaskHost(Tasks& all) : tasks(all), timer(all.context) {}
  ~TaskHost() { forget(); }
  TaskHost(const TaskHost&) = delete;
  TaskHost& operator=(const TaskHost&) = delete;

  Done checkpoint() {
    gives_way = true;
    return Done::later;
  }
  Done wait_for(std::chrono::nanoseconds duration) {
    timer.expires_after(duration);
    return Done::later;
  }
  // Ended by the pump below, which cancels the timer.
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    waiting.unit = &timer;
    timer.expires_at(asio::steady_timer::time_point::max());
    return tasks.parking.park(waiting, at_most);
  }
  Done transfer(Operation& operation) {
    Transfer& transfer = operation.transfer;
    const Readiness wanted = try_transfer(transfer, operation.result, [this](int fd) {
      if (watches(fd)) forget();
    });
    if (wanted == Readiness::done) return Done::now;
    operation.again = true;
    if (!watches(transfer.fd)) watch(transfer.fd);
    readiness = wanted;
    return Done::later;
  }

  // A descriptor is the script's, and stays as it is: Asio would make it non-blocking for calls that it does not make.
  void watch(int fd) {
    forget();
    const KeptFlags kept(fd);
    watched.emplace(tasks.context, fd);
    watched->native_non_blocking(true);
  }
  bool watches(int fd) { return watched && watched->native_handle() == fd; }
  void forget() {
    if (watched) watched->release();
    watched.reset();
  }

  // What is to be awaited after `later`.
  awaitable<void> done() {
    if (std::exchange(gives_way, false)) return asio::post(tasks.context, use_awaitable);
    switch (std::exchange(readiness, Readiness::done)) {
      case Readiness::to_read: return watched->async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
      case Readiness::to_write: return watched->async_wait(asio::posix::stream_descriptor::wait_write, use_awaitable);
      case Readiness::done: break;
    }
    return timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  }

  Tasks& tasks;
  asio::steady_timer timer;
  std::optional<asio::posix::stream_descriptor> watched;
  bool gives_way = false;
  Readiness readiness = Readiness::done;
  asio::error_code ignored;
};
static_assert(Host<TaskHost>);

awaitable<void> run_as_coroutine(Tasks& tasks, std::uint32_t index) {
  static constinit const std::atomic<bool> at_every_checkpoint{true};
  const Run::Unit unit(tasks.job);
  TaskHost host(tasks);
  try {
    Script script = tasks.job.begin(index, tasks.parking.home());
    script.switch_when(at_every_checkpoint);
    while (true) {
      const bool ended = drive(script, host);
      if (ended) break;
      auto done = host.done();
      co_await std::move(done);
      tasks.parking.slept();  // it goes on within the call in which Asio has slept
    }
    tasks.job.end(index);
  } catch (...) {
    tasks.job.fail_task(index);
  }
  --tasks.unfinished;
}

// Runs the context until all tasks have ended. Between two of its turns those that are woken go on: Asio has no place
// of its own for what another process wakes.
void run_until_done(Tasks& tasks) {
  if (!tasks.parking.used()) {
    tasks.context.run();
    return;
  }
  asio::posix::stream_descriptor alarm(tasks.context, tasks.parking.fd());
  bool watched = false;
  while (tasks.unfinished != 0) {
    do {  // those that are woken have their turn among those that are ready
      tasks.parking.resume_all([](Waiting& waiting) { static_cast<asio::steady_timer*>(waiting.unit)->cancel(); });
    } while (tasks.context.poll_one() != 0);
    if (tasks.unfinished == 0) break;
    if (!std::exchange(watched, true)) {
      alarm.async_wait(asio::posix::stream_descriptor::wait_read, [&](const asio::error_code&) {
        tasks.parking.drain();
        watched = false;
      });
    }
    const std::int64_t deadline_ns = tasks.parking.sleep_until(no_deadline);
    if (deadline_ns == no_deadline) {
      tasks.context.run_one();
    } else if (deadline_ns != 0) {
      tasks.context.run_one_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)));
    }
    tasks.parking.slept();
  }
  alarm.cancel();
  tasks.context.poll();
  alarm.release();
}

}  // namespace

void run(JobRun& job) {
  Tasks tasks(job);
  while (job.next_batch()) {
    tasks.unfinished = job.tasks();
    for (std::uint32_t index = 0; index < job.tasks(); ++index) {
      start(tasks.context, job, run_as_coroutine(tasks, index));
    }
    run_until_done(tasks);
    tasks.context.restart();
  }
}

}  // namespace bench::on_asio
