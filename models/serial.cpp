// serial: one task after another.
//
// Units: the one thread of the run. Nobody wakes anybody: a wait puts the only thread to sleep and all later tasks with
// it. System calls for a task: one for each wait. It cannot overlap anything, and so it is the reference for the rest.
//
// As a server it is the iterative one: it holds a connection until its peer leaves while all others wait. System calls
// for a request: recv and send. Datagrams are answered one after another.
#include "models/blocking/blocking.h"
#include "models/blocking/blocking_server.h"
#include "models/model.h"

namespace bench {
namespace {

void run_serial(JobRun& job) {
  const Run::Unit unit(job);
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_blocking(job, index);
  }
}

void serve_serial(ServerRun& server) {
  OpenSockets open(server);
  server.as_unit([&] { serve_in_turn(server, &open, plain_unit); });
}

}  // namespace

extern constinit const Model serial_model{
    .name = "serial",
    .summary = "one task after another, in one thread",
    .aliases = {"sequential", "iterative"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::one,
    .run = run_serial,
    .serve = serve_serial,
};

}  // namespace bench
