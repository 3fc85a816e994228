// processes: a process for each task.
//
// Units: as many processes as tasks, all forked first and then waited for. The kernel wakes the parent when a child
// ends; children do not know of each other. System calls for a task: fork, the waits of the task, exit, wait. A child
// shares nothing but the mapping made before the fork, so a task cannot hand its parent more than what lies there.
//
// As a server it forks a process for each connection, or for each datagram; the parent only accepts, and reaps
// children that have ended. System calls for a request: recv and send; for a connection: accept, fork, two closes,
// exit, wait.
#include "models/blocking/blocking.h"
#include "models/blocking/blocking_server.h"
#include "models/blocking/child.h"
#include "models/model.h"

namespace bench {
namespace {

void run_processes(JobRun& job) {
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) {
      fork_unit(job, [&job, index] { run_blocking(job, index); });
      if (job.one_at_a_time()) reap_unit(job);
    }
    for (std::uint32_t index = 0; index < job.tasks() && !job.one_at_a_time(); ++index) reap_unit(job);
  }
}

void serve_processes(ServerRun& server) {
  ServingChildren children(server);
  if (server.transport() == Transport::udp) {
    Datagram datagram;
    while (datagram.receive(server)) {
      children.start([&] { serve_datagram(server, datagram, plain_unit); });
    }
    return;
  }
  while (true) {
    const Newcomer newcomer = next_connection(server);
    if (!newcomer.socket.valid()) return;
    children.start([&] { serve_connection(server, newcomer, plain_unit); });
  }
}

}  // namespace

extern constinit const Model processes_model{
    .name = "processes",
    .summary = "a process forked for each task",
    .aliases = {"multi-process", "multiprocess", "process", "fork"},
    .unit = UnitKind::process,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .parallel = true,
    .hands_out = true,
    .run = run_processes,
    .serve = serve_processes,
    .carries_others = true,
};

}  // namespace bench
