// threads: a thread for each task.
//
// Units: as many threads as tasks, all started first and then joined. The kernel wakes the joining thread when another
// ends. System calls for a task: mmap and mprotect for a stack (pthreads keeps some), clone, the waits of the task,
// futex for the join. Nothing bounds the number of threads but the machine.
//
// As a server it starts a thread for each connection, or for each datagram; the first thread only accepts. System calls
// for a request: recv and send; for a connection: accept, clone, close, and memory calls for a stack.
#include "models/blocking/thread_group.h"

#include "models/blocking/blocking.h"
#include "models/blocking/blocking_server.h"
#include "models/model.h"

namespace bench {
namespace {

void run_threads(JobRun& job) {
  while (job.next_batch()) {
    ThreadGroup threads(job, job.tasks());
    for (std::uint32_t index = 0; index < job.tasks(); ++index) {
      threads.start([&job, index] { run_blocking(job, index); });
      if (job.one_at_a_time()) threads.join();
    }
    threads.join();
  }
}

void serve_threads(ServerRun& server) {
  serve_in_threads(server, plain_unit, [](const auto& serve) { serve(plain_unit); });
}

}  // namespace

extern constinit const Model threads_model{
    .name = "threads",
    .summary = "a thread started for each task",
    .aliases = {"multi-thread", "multithread", "thread"},
    .unit = UnitKind::thread,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .parallel = true,
    .hands_out = true,
    .run = run_threads,
    .serve = serve_threads,
    .carries_others = true,
};

}  // namespace bench
