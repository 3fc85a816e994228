// thread-pool: N threads and a queue.
//
// Units: N threads started before the first batch. The submitting thread puts task numbers into a queue under a mutex
// and wakes one worker for each; the worker that ends the last task of a batch wakes the submitter. System calls for a
// task: the waits of the task, futexes where a queue was empty. A task that waits keeps its worker, so at most N wait
// at once and the rest queue.
//
// As a server its first thread accepts and queues connections, and a worker keeps one until its peer leaves: beyond N,
// connections are accepted and not served. System calls for a request: recv and send. Datagrams are taken by the N
// workers themselves from the socket they share.
#include <condition_variable>
#include <mutex>

#include "models/blocking/blocking.h"
#include "models/blocking/blocking_server.h"
#include "models/blocking/thread_group.h"
#include "models/blocking/work_queue.h"
#include "models/model.h"

namespace bench {
namespace {

// How many tasks of a batch are still to end.
class Countdown {
 public:
  void begin(std::uint32_t tasks) {
    const std::lock_guard lock(mutex_);
    unfinished_ = tasks;
  }

  void task_done() {
    const std::lock_guard lock(mutex_);
    if (--unfinished_ == 0) all_done_.notify_one();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return unfinished_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_done_;
  std::uint32_t unfinished_ = 0;
};

void work(JobRun& job, WorkQueue<std::uint32_t>& queue, Countdown& countdown) {
  std::uint32_t index = 0;
  while (queue.take(index)) {
    run_blocking(job, index);
    countdown.task_done();
  }
}

void run_thread_pool(JobRun& job) {
  WorkQueue<std::uint32_t> queue;
  Countdown countdown;
  ThreadGroup workers(job, job.workers());
  for (std::uint32_t worker = 0; worker < job.workers(); ++worker) {
    workers.start([&job, &queue, &countdown] { work(job, queue, countdown); });
  }
  while (job.next_batch()) {
    const std::uint32_t at_once = job.one_at_a_time() ? 1 : job.tasks();
    for (std::uint32_t index = 0; index < job.tasks();) {
      countdown.begin(at_once);
      for (const std::uint32_t end = index + at_once; index < end; ++index) queue.put(index);
      countdown.wait();
    }
  }
  queue.close();
  workers.join();
}

void serve_thread_pool(ServerRun& server) {
  OpenSockets open(server);
  WorkQueue<Newcomer> queue;
  ThreadGroup workers(server, server.workers());
  for (std::uint32_t worker = 0; worker < server.workers(); ++worker) {
    workers.start([&] {
      if (server.transport() == Transport::udp) return serve_in_turn(server, nullptr, plain_unit);
      for (Newcomer newcomer; queue.take(newcomer); newcomer.socket.reset()) {
        open.add(newcomer.socket.get());
        if (!server.stopping()) serve_connection(server, newcomer, plain_unit);
        open.remove(newcomer.socket.get());
      }
    });
  }
  if (has_connections(server.transport())) {
    for (Newcomer next = next_connection(server); next.socket.valid(); next = next_connection(server)) {
      queue.put(std::move(next));
    }
  }
  queue.close();
  workers.join();
}

}  // namespace

extern constinit const Model thread_pool_model{
    .name = "thread-pool",
    .summary = "N threads started beforehand, fed through a queue",
    .aliases = {"threadpool", "pool", "pool-of-threads"},
    .unit = UnitKind::thread,
    .units = HowMany::workers,
    .in_flight = HowMany::workers,
    .parallel = true,
    .hands_out = true,
    .run = run_thread_pool,
    .serve = serve_thread_pool,
};

}  // namespace bench
