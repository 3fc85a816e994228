// fibers: a stackful coroutine for each task, as greenlet and gevent have them.
//
// Units: as many fibers as tasks, all in one thread. A fiber is written as a thread would be and calls what blocks;
// that parks the fiber and not the thread, from however deep a call. Who is parked goes on from the scheduler's loop,
// which resumes whoever is ready, in turn, and sleeps in epoll_pwait2 until the next deadline when nobody is. A switch
// exchanges registers and stacks (fiber.h). System calls for a task: a share of an epoll_pwait2 for each of its waits,
// and mmap and mprotect for a stack that the pool has not got yet. Fibers switch at checkpoints by themselves; one that
// computes between two of them, or reads or writes a file, holds up all others, and a second CPU is of no use. A fiber
// that needs more than its stack (--stack) ends the process with SIGSEGV; about 32,000 stacks fit into a process
// (/proc/sys/vm/max_map_count).
//
// As a server it has a fiber for each connection, or for each datagram, one that accepts and one for the deadlines. A
// fiber that reads parks until its socket is readable and then receives. System calls for a request: recv, send, and a
// share of an epoll_wait.
#include <array>
#include <system_error>

#include "models/loop/ticker.h"
#include "models/model.h"
#include "models/resumable/fiber_unit.h"
#include "models/resumable/job_units.h"
#include "models/resumable/parking_peer.h"
#include "models/talk/converse.h"
#include "models/talk/datagram.h"
#include "models/talk/sockets.h"

namespace bench {
namespace {

// Of one task, for the driver: whatever takes time parks the fiber.
struct TaskHost {
  JobUnits<FiberScheduler>& units;
  const FiberUnit& self;

  Home home() const noexcept { return units.parking.home(); }
  Done checkpoint() const {
    self.give_way();
    return Done::now;
  }
  Done wait_for(std::chrono::nanoseconds duration) const {
    self.sleep(duration);
    return Done::now;
  }
  Done transfer(Operation& operation) const {
    const auto attempt = [&](FiberScheduler::Waiter& waiter) { return units.transfer(operation, waiter); };
    while (self.until_resumed(attempt) == Done::later) {
    }
    operation.again = false;
    return Done::now;
  }
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) const {
    self.until_resumed([&](FiberScheduler::Waiter& waiter) { return units.park(waiting, at_most, waiter); });
    return Done::now;
  }
};
static_assert(Host<TaskHost>);

void run_on_fiber(JobRun& job, std::uint32_t index, JobUnits<FiberScheduler>& units, const FiberUnit& self) {
  static constinit const std::atomic<bool> at_every_checkpoint{true};
  const Run::Unit unit(job);
  run_task(job, index, TaskHost{units, self}, [](Script& script) { script.switch_when(at_every_checkpoint); });
  --units.unfinished;
}

void start_task(JobRun& job, std::uint32_t index, StackPool& stacks, JobUnits<FiberScheduler>& units) {
  try {
    Fiber::start(stacks, [&job, &units, index](Fiber& fiber) {
      run_on_fiber(job, index, units, FiberUnit(units.scheduler, fiber));
    });
  } catch (const std::system_error& error) {
    job.fail(error.what());
  }
}

// What the fibers of a server share. The buffers are used while no fiber is switched to.
struct Server {
  explicit Server(ServerRun& serving) : run(serving), stacks(serving.stack_bytes()), ticker(serving.idle_timeout()) {}

  // Starts a fiber that runs `body(self)`. Whatever it throws ends the run. Throws std::system_error without a stack.
  template <typename Body>
  void start(Body body) {
    Fiber::start(stacks, [this, body = std::move(body)](Fiber& fiber) mutable {
      run.guard([&] { body(FiberUnit(scheduler, fiber)); });
    });
  }

  ServerRun& run;
  StackPool stacks;
  Mailbox mailbox{run.hub(), Mailbox::Sleeps::in_a_loop};
  FiberScheduler scheduler;
  Ticker ticker;
  std::array<std::byte, receive_bytes> room;
  Output out;
};

void serve_connection(Server& server, Newcomer newcomer, const FiberUnit& self) {
  const Run::Unit unit(server.run);
  FiberScheduler::Socket socket(server.scheduler, std::move(newcomer.socket));
  ParkingPeer peer(server, socket, self);
  converse(server.run, peer, newcomer.first);
}

void accept_connections(Server& server, const FiberUnit& self) {
  FiberScheduler::Socket listener(server.scheduler, duplicate(server.run.socket()));
  for (int in_a_row = 1; !server.run.stopping(); ++in_a_row) {
    if (in_a_row % most_in_a_row == 0) self.give_way();
    Newcomer newcomer;
    switch (accept_one(server.run, newcomer, SOCK_NONBLOCK)) {
      case Accepted::connection:
        try {
          server.start([&server, own = std::move(newcomer)](const FiberUnit& unit) mutable {
            serve_connection(server, std::move(own), unit);
          });
        } catch (const std::system_error&) {
          server.run.count_refused();  // no stack
        }
        break;
      case Accepted::none: self.wait_for(listener, Interest::read); break;
      case Accepted::stopped: return;
      case Accepted::no_descriptor:
        server.run.count_refused();
        self.sleep(retry_pause);
        break;
    }
  }
}

// The other end of a datagram, for answer().
struct DatagramPeer {
  Server& server;
  const FiberUnit& self;
  void sleep(std::chrono::nanoseconds duration) const { self.sleep(duration); }
  void compute(std::uint64_t steps) const { bench::compute(server.run, steps); }
};

void receive_datagrams(Server& server, const FiberUnit& self) {
  FiberScheduler::Socket socket(server.scheduler, duplicate(server.run.socket()));
  Datagram datagram;
  for (int in_a_row = 1; !server.run.stopping(); ++in_a_row) {
    if (in_a_row % most_in_a_row == 0) self.give_way();
    if (!datagram.receive_now(server.run)) {
      self.wait_for(socket, Interest::read);
      continue;
    }
    try {
      // The fiber has looked at the bytes when it is first parked, and another datagram may come.
      server.start([&server, &datagram](const FiberUnit& unit) {
        const Run::Unit counted(server.run);
        const Datagram request = datagram.peer_only();
        DatagramPeer peer{server, unit};
        answer(server.run, datagram.bytes(), peer, server.out);
        send_datagram(server.run.socket(), request, server.out);
      });
    } catch (const std::system_error&) {
      server.run.count_refused();
    }
  }
}

void keep_deadlines(Server& server, const FiberUnit& self) {
  FiberScheduler::Socket ticks(server.scheduler, duplicate(server.ticker.fd()));
  while (self.wait_for(ticks, Interest::read)) {
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (server.ticker.take() != 0) server.scheduler.tick();
  }
}

void serve_fibers(ServerRun& run) {
  make_nonblocking(run.socket());
  Server server(run);
  server.start([&server](const FiberUnit& self) { keep_deadlines(server, self); });
  server.start([&server](const FiberUnit& self) {
    has_connections(server.run.transport()) ? accept_connections(server, self) : receive_datagrams(server, self);
  });
  server.scheduler.serve(server.mailbox, [&run] { return run.stopping(); });
}

void run_fibers(JobRun& job) {
  StackPool stacks(job.stack_bytes());
  JobUnits<FiberScheduler> units(job);
  while (job.next_batch()) {
    units.unfinished = job.tasks();
    for (std::uint32_t index = 0; index < job.tasks(); ++index) start_task(job, index, stacks, units);
    units.run();
  }
}

}  // namespace

extern constinit const Model fibers_model{
    .name = "fibers",
    .summary = "a stackful coroutine for each task, in one thread on epoll",
    .aliases = {"fiber", "greenlet", "green-threads", "stackful"},
    .unit = UnitKind::fiber,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_fibers,
    .serve = serve_fibers,
    .why_unavailable = why_no_epoll_pwait2,
};

}  // namespace bench
