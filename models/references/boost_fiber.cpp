// boost-fiber: the reference of `fibers`, stackful coroutines as Boost.Fiber runs them.
//
// Units: a fiber for each task, all in one thread. Who waits goes on when Boost.Fiber's scheduler picks it, in turn;
// the thread sleeps in a condition variable while nobody is ready. System calls for a task: a share of a futex for each
// of its waits. Fibers give way at checkpoints by this_fiber::yield; one that computes between two of them, or reads or
// writes a file, holds up all others. A stack of --stack bytes comes from Boost's pool and has no guard page: a fiber
// that needs more writes into its neighbour's.
//
// As a server it has a fiber for each connection, or for each datagram, one for the deadlines, and one that accepts.
// Boost.Fiber knows no sockets: a scheduling algorithm of ours, Boost's round robin but for how its thread sleeps,
// sleeps in epoll_pwait2 and wakes the fibers whose sockets are ready (scheduler.h). Where it differs from `fibers`:
// who is woken goes through Boost's queue of ready fibers and is not resumed by the loop itself, the scheduler's own
// fiber has its turn each time round, and a fiber is a counted object. System calls for a request: recv, send, and a
// share of an epoll_wait, as under `fibers`.
#include <array>
#include <boost/fiber/all.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "models/loop/ticker.h"
#include "models/model.h"
#include "models/resumable/job_units.h"
#include "models/resumable/parking_peer.h"
#include "models/resumable/scheduler.h"
#include "models/talk/converse.h"
#include "models/talk/datagram.h"
#include "models/talk/sockets.h"

namespace bench {
namespace {

namespace fibers = boost::fibers;

// A fiber that waits for a socket.
struct ParkedFiber {
  fibers::context* fiber;
  void resume() const { fibers::context::active()->schedule(fiber); }
};
using Sockets = Scheduler<ParkedFiber>;

// Sleeps by `sleep(deadline_ns)`, which lets the fibers go on that have something to go on with.
class SleepingRoundRobin final : public fibers::algo::round_robin {
 public:
  using Sleep = std::function<void(std::int64_t deadline_ns)>;
  explicit SleepingRoundRobin(Sleep sleep) : sleep_(std::move(sleep)) {}

  void suspend_until(const std::chrono::steady_clock::time_point& deadline) noexcept override {
    sleep_(deadline.time_since_epoch().count());
  }
  void notify() noexcept override {}  // nobody in another thread does

 private:
  Sleep sleep_;
};

// While it exists, the thread sleeps like that.
class SocketScheduling {
 public:
  explicit SocketScheduling(SleepingRoundRobin::Sleep sleep) {
    fibers::use_scheduling_algorithm<SleepingRoundRobin>(std::move(sleep));
  }
  ~SocketScheduling() { fibers::use_scheduling_algorithm<fibers::algo::round_robin>(); }
  SocketScheduling(const SocketScheduling&) = delete;
  SocketScheduling& operator=(const SocketScheduling&) = delete;
};

// What the fibers of a job share. Until a task may wait for another or for a descriptor, the thread sleeps as Boost's
// own scheduler has it, which is what is to be measured then.
struct Tasks {
  explicit Tasks(JobRun& run) : job(run), units(run) {
    if (job.shares()) sleep_in_epoll();
  }

  void sleep_in_epoll() {
    if (!scheduling) scheduling.emplace([this](std::int64_t deadline_ns) { units.sleep(deadline_ns); });
  }

  JobRun& job;
  JobUnits<Sockets> units;
  std::optional<SocketScheduling> scheduling;
};

// Of one task, for the driver: whatever takes time parks the fiber.
struct TaskHost {
  Tasks& tasks;

  Home home() const noexcept { return tasks.units.parking.home(); }
  // Boost's scheduler asks for those that wait only when no fiber is ready; one that gives way is.
  Done checkpoint() const {
    if (tasks.units.watches()) tasks.units.sleep(0);
    boost::this_fiber::yield();
    return Done::now;
  }
  static Done wait_for(std::chrono::nanoseconds duration) {
    boost::this_fiber::sleep_for(duration);
    return Done::now;
  }
  Done transfer(Operation& operation) const {
    Sockets::Waiter waiter{{fibers::context::active()}};
    while (tasks.units.transfer(operation, waiter) == Done::later) {
      tasks.sleep_in_epoll();
      fibers::context::active()->suspend();
    }
    operation.again = false;
    return Done::now;
  }
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) const {
    Sockets::Waiter waiter{{fibers::context::active()}};
    if (tasks.units.park(waiting, at_most, waiter) == Done::later) fibers::context::active()->suspend();
    return Done::now;
  }
};
static_assert(Host<TaskHost>);

void run_on_fiber(Tasks& tasks, std::uint32_t index) {
  static constinit const std::atomic<bool> at_every_checkpoint{true};
  const Run::Unit unit(tasks.job);
  run_task(tasks.job, index, TaskHost{tasks}, [](Script& script) { script.switch_when(at_every_checkpoint); });
}

// What the fibers of a server share. The buffers are used while no fiber is switched to.
struct Server {
  explicit Server(ServerRun& serving) : run(serving), stacks(serving.stack_bytes()), ticker(serving.idle_timeout()) {}

  // Runs `body` on a fiber, up to its first wait at once. Throws std::bad_alloc without a stack.
  template <typename Body>
  void start(Body body) {
    ++fibers_alive;
    try {
      fibers::fiber(fibers::launch::dispatch, std::allocator_arg, stacks, [this, body = std::move(body)]() mutable {
        run.guard(body);
        if (--fibers_alive == 0) all_ended.notify_all();
      }).detach();
    } catch (...) {
      --fibers_alive;
      throw;
    }
  }

  // No fiber is ready until CLOCK_MONOTONIC reads `deadline_ns`, unless a socket is or there is mail.
  void sleep(std::int64_t deadline_ns) {
    if (mailbox.take()) {
      scheduler.tell_mail();
      return scheduler.poll(0);
    }
    scheduler.poll(mailbox.may_sleep() ? deadline_ns : 0);
    mailbox.slept();
  }

  // Ends all waits, and returns when all fibers have ended.
  void stop() {
    stopped.notify_all();
    scheduler.wake_all();
    std::unique_lock lock(mutex);
    all_ended.wait(lock, [this] { return fibers_alive == 0; });
  }

  ServerRun& run;
  fibers::pooled_fixedsize_stack stacks;
  Mailbox mailbox{run.hub(), Mailbox::Sleeps::in_a_loop};
  Sockets scheduler;
  Ticker ticker;
  std::array<std::byte, receive_bytes> room;
  Output out;
  std::size_t fibers_alive = 0;
  fibers::mutex mutex;  // conditions want one
  fibers::condition_variable stopped;
  fibers::condition_variable all_ended;
};

// What a fiber calls to wait.
struct FiberUnit {
  Server& server;

  void sleep(std::chrono::nanoseconds duration) const {
    std::unique_lock lock(server.mutex);
    server.stopped.wait_for(lock, duration, [this] { return server.run.stopping(); });
  }

  // Waits until the socket is ready; false when nothing came for so many ticks, or when the server is to stop. 0 ticks:
  // no bound. `or_mail`: also returns when there is mail, as Socket::mail_came() says then.
  bool wait_for(Sockets::Watched& socket, Interest interest, std::uint32_t ticks = 0, bool or_mail = false) const {
    if (server.run.stopping()) return false;
    fibers::context* self = fibers::context::active();
    Sockets::Waiter waiter{{self}};
    server.scheduler.wake_when(socket, interest, ticks, waiter, or_mail);
    self->suspend();
    return !socket.timed_out();
  }

  std::uint32_t ticks() const { return server.scheduler.ticks(); }
};

void serve_connection(Server& server, Newcomer newcomer) {
  const Run::Unit unit(server.run);
  const FiberUnit self{server};
  Sockets::Socket socket(server.scheduler, std::move(newcomer.socket));
  ParkingPeer peer(server, socket, self);
  converse(server.run, peer, newcomer.first);
}

// Accepts the peers that wait, at most so many; false after the last.
bool accept_some(Server& server) {
  for (int i = 0; i < most_in_a_row; ++i) {
    Newcomer newcomer;
    switch (accept_one(server.run, newcomer, SOCK_NONBLOCK)) {
      case Accepted::connection:
        try {
          server.start([&server, own = std::move(newcomer)]() mutable { serve_connection(server, std::move(own)); });
        } catch (const std::bad_alloc&) {
          server.run.count_refused();  // no stack
        }
        break;
      case Accepted::none: return true;
      case Accepted::stopped: return false;
      case Accepted::no_descriptor:
        server.run.count_refused();
        FiberUnit{server}.sleep(retry_pause);
        break;
    }
  }
  return true;
}

void accept_connections(Server& server) {
  Sockets::Socket listener(server.scheduler, duplicate(server.run.socket()));
  do FiberUnit{server}.wait_for(listener, Interest::read);
  while (accept_some(server));
}

// The other end of a datagram, for answer().
struct DatagramPeer {
  Server& server;
  void sleep(std::chrono::nanoseconds duration) const { FiberUnit{server}.sleep(duration); }
  void compute(std::uint64_t steps) const { bench::compute(server.run, steps); }
};

void receive_datagrams(Server& server) {
  Sockets::Socket socket(server.scheduler, duplicate(server.run.socket()));
  Datagram datagram;
  while (!server.run.stopping()) {
    FiberUnit{server}.wait_for(socket, Interest::read);
    for (int i = 0; i < most_in_a_row && datagram.receive_now(server.run); ++i) {
      try {
        // The fiber has looked at the bytes when it first waits, and another datagram may come.
        server.start([&server, &datagram] {
          const Run::Unit unit(server.run);
          const Datagram request = datagram.peer_only();
          DatagramPeer peer{server};
          answer(server.run, datagram.bytes(), peer, server.out);
          send_datagram(server.run.socket(), request, server.out);
        });
      } catch (const std::bad_alloc&) {
        server.run.count_refused();
      }
    }
  }
}

void keep_deadlines(Server& server) {
  Sockets::Socket ticks(server.scheduler, duplicate(server.ticker.fd()));
  while (FiberUnit{server}.wait_for(ticks, Interest::read)) {
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (server.ticker.take() != 0) server.scheduler.tick();
  }
}

void serve_boost_fiber(ServerRun& run) {
  make_nonblocking(run.socket());
  Server server(run);
  if (server.mailbox.used()) server.scheduler.watch(server.mailbox.fd());
  const SocketScheduling scheduling([&server](std::int64_t deadline_ns) { server.sleep(deadline_ns); });
  server.start([&server] { keep_deadlines(server); });
  has_connections(run.transport()) ? accept_connections(server) : receive_datagrams(server);
  server.stop();
}

void run_boost_fiber(JobRun& job) {
  fibers::pooled_fixedsize_stack stacks(job.stack_bytes());
  Tasks tasks(job);
  std::vector<fibers::fiber> running;
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) {
      running.emplace_back(fibers::launch::dispatch, std::allocator_arg, stacks,
                           [&tasks, index] { run_on_fiber(tasks, index); });
    }
    for (fibers::fiber& fiber : running) fiber.join();
    running.clear();
  }
}

}  // namespace

extern constinit const Model boost_fiber_model{
    .name = "boost-fiber",
    .summary = "fibers on Boost.Fiber's scheduler, in one thread; compare with fibers",
    .aliases = {"boost-fibers", "boost.fiber"},
    .unit = UnitKind::fiber,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_boost_fiber,
    .serve = serve_boost_fiber,
    .why_unavailable = why_no_epoll_pwait2,
};

}  // namespace bench
