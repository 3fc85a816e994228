// coroutines: a C++20 stackless coroutine for each task.
//
// Units: as many coroutines as tasks, all in one thread. A coroutine runs inside the call that starts it up to its
// first wait or checkpoint and from then on inside the scheduler's loop, which resumes whoever is ready, in turn, and
// sleeps in epoll_pwait2 until the next deadline when nobody is. System calls for a task: a share of an epoll_pwait2
// for each of its waits. Coroutines switch at checkpoints by themselves; one that computes between two of them, or
// reads or writes a file, holds up all others, and a second CPU is of no use.
//
// As a server it has a coroutine for each connection, or for each datagram, and one that accepts. A coroutine that
// reads is suspended until its socket is readable and then receives. System calls for a request: recv, send, and a
// share of an epoll_wait.
#include <array>
#include <memory>

#include "models/loop/ticker.h"
#include "models/model.h"
#include "models/resumable/coroutine.h"
#include "models/resumable/job_units.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"
#include "models/talk/session_transfer.h"
#include "models/talk/sockets.h"

namespace bench {
namespace {

// Of one task, for the driver: what takes time is asked of the scheduler, which resumes the coroutine by `waiter`.
struct TaskHost {
  JobUnits<CoroutineScheduler>& units;
  CoroutineScheduler::Waiter& waiter;

  Done checkpoint() {
    units.scheduler.wake_in_turn(waiter);
    return Done::later;
  }
  Done wait_for(std::chrono::nanoseconds duration) {
    units.scheduler.wake_at(now_ns() + duration.count(), waiter);
    return Done::later;
  }
  Done transfer(Operation& operation) { return units.transfer(operation, waiter); }
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) { return units.park(waiting, at_most, waiter); }
};
static_assert(Host<TaskHost>);

Detached run_as_coroutine(JobRun& job, std::uint32_t index, JobUnits<CoroutineScheduler>& units) {
  static constinit const std::atomic<bool> at_every_checkpoint{true};
  const Run::Unit unit(job);
  CoroutineScheduler::Waiter waiter;
  TaskHost host{units, waiter};
  try {
    Script script = job.begin(index, units.parking.home());
    script.switch_when(at_every_checkpoint);
    while (true) {
      const bool ended = drive(script, host);
      if (ended) break;
      UntilResumed resumed{{}, waiter};
      co_await resumed;
    }
    job.end(index);
  } catch (...) {
    job.fail_task(index);
  }
  --units.unfinished;
}

// What the coroutines of a server share. The buffers are used between two suspensions only.
struct Server {
  explicit Server(ServerRun& serving) : run(serving), ticker(serving.idle_timeout()) {}
  ServerRun& run;
  Mailbox mailbox{run.hub(), Mailbox::Sleeps::in_a_loop};
  CoroutineScheduler scheduler;
  Ticker ticker;
  std::array<std::byte, receive_bytes> room;
  Output out;
};

// A child that a session waits for. Not a variable of the coroutine, whose frame it would enlarge for every connection.
struct Child {
  Child(CoroutineScheduler& scheduler, int fd) : pidfd(scheduler, fd), end(scheduler, pidfd, Interest::read) {}
  CoroutineScheduler::Watched pidfd;
  UntilReady end;
};

// What came in `newcomer` is taken before the first suspension, so the frame need not hold it.
Detached serve_connection(Server& server, Newcomer& newcomer) {
  const Run::Unit unit(server.run);
  AsyncSocket socket(server.scheduler, std::move(newcomer.socket));
  Conversation conversation(server.run);
  Output unsent;
  Wanted wanted;
  if (!newcomer.first.empty()) wanted = conversation.receive(newcomer.first, server.out);
  bool peer_ended = false;
  while (true) {
    Attempt sent = send_pending(socket.fd(), server.out);
    if (sent == Attempt::would_block) std::swap(unsent, server.out);
    server.out.clear();
    while (sent == Attempt::would_block) {
      auto room = socket.writable(server.ticker.idle_ticks());
      const bool in_time = co_await room;
      if (!in_time && !server.run.stopping()) server.run.count_timed_out();
      sent = in_time ? send_pending(socket.fd(), unsent) : Attempt::failed;
    }
    if (sent == Attempt::failed) co_return;
    if (unsent.empty()) unsent.release();

    switch (wanted.next) {
      case Next::read: {
        if (conversation.has_mail()) {
          wanted = conversation.tell(Why::message, server.out);
          break;
        }
        auto bytes = socket.readable_or_mail(server.ticker.idle_ticks());
        const bool in_time = co_await bytes;
        if (server.run.stopping()) co_return;
        if (socket.mail_came()) break;
        std::size_t size = 0;
        if (!in_time) {
          wanted = conversation.time_out(server.out);
        } else if (const Attempt got = receive_some(socket.fd(), server.room, size); got != Attempt::done) {
          if (got == Attempt::failed) co_return;
        } else if (size == 0) {
          peer_ended = true;
          wanted = conversation.tell(Why::end, server.out);
        } else {
          wanted = conversation.receive(std::span(server.room).first(size), server.out);
        }
        break;
      }
      case Next::drain: wanted = conversation.tell(Why::drained, server.out); break;
      case Next::wait: {
        auto sleep = server.scheduler.sleep(std::chrono::nanoseconds(wanted.amount));
        co_await sleep;
        if (server.run.stopping()) co_return;
        wanted = conversation.tell(Why::resumed, server.out);
        break;
      }
      case Next::compute:
        compute(server.run, wanted.amount);  // and all others wait
        wanted = conversation.tell(Why::resumed, server.out);
        break;
      case Next::transfer: {
        while (!transfer_now(*wanted.operation)) {
          const auto child = std::make_unique<Child>(server.scheduler, wanted.operation->transfer.fd);
          co_await child->end;
          server.scheduler.forget(child->pidfd);
          if (server.run.stopping()) co_return;
        }
        wanted = conversation.tell(Why::resumed, server.out);
        break;
      }
      case Next::close: {
        const bool lingers = !peer_ended && server.run.transport() == Transport::tcp;
        if (!lingers || shutdown(socket.fd(), SHUT_WR) != 0) co_return;
        // What the peer still sends is thrown away until it ends, lest a reset overtake the last reply.
        const std::uint32_t begun = server.scheduler.ticks();
        for (std::size_t size = 1; size != 0;) {
          auto bytes = socket.readable(server.ticker.linger_ticks());
          const bool in_time = co_await bytes;
          const bool late = server.scheduler.ticks() - begun >= server.ticker.linger_ticks();
          if (!in_time || late || receive_some(socket.fd(), server.room, size) == Attempt::failed) co_return;
        }
        co_return;
      }
    }
  }
}

Detached accept_connections(Server& server) {
  AsyncSocket listener(server.scheduler, duplicate(server.run.socket()));
  for (int in_a_row = 1; !server.run.stopping(); ++in_a_row) {
    if (in_a_row % most_in_a_row == 0) {
      auto turn = server.scheduler.turn();
      co_await turn;
    }
    Newcomer newcomer;
    switch (accept_one(server.run, newcomer, SOCK_NONBLOCK)) {
      case Accepted::connection: serve_connection(server, newcomer); break;
      case Accepted::none: {
        auto next = listener.readable();
        co_await next;
        break;
      }
      case Accepted::stopped: co_return;
      case Accepted::no_descriptor: {
        server.run.count_refused();
        auto moment = server.scheduler.sleep(retry_pause);
        co_await moment;
        break;
      }
    }
  }
}

Detached answer_datagram(Server& server, const Datagram& received) {
  const Run::Unit unit(server.run);
  Conversation conversation(server.run);
  Wanted wanted = conversation.receive(received.bytes(), server.out);
  const Datagram request = received.peer_only();
  while (wanted.next == Next::wait || wanted.next == Next::compute) {
    if (wanted.next == Next::compute) {
      compute(server.run, wanted.amount);
    } else {
      auto sleep = server.scheduler.sleep(std::chrono::nanoseconds(wanted.amount));
      co_await sleep;
    }
    wanted = conversation.tell(Why::resumed, server.out);
  }
  send_datagram(server.run.socket(), request, server.out);
}

Detached receive_datagrams(Server& server) {
  AsyncSocket socket(server.scheduler, duplicate(server.run.socket()));
  Datagram datagram;
  for (int in_a_row = 1; !server.run.stopping(); ++in_a_row) {
    if (in_a_row % most_in_a_row == 0) {
      auto turn = server.scheduler.turn();
      co_await turn;
    }
    if (datagram.receive_now(server.run)) {
      answer_datagram(server, datagram);
      continue;
    }
    auto next = socket.readable();
    co_await next;
  }
}

Detached keep_deadlines(Server& server) {
  AsyncSocket ticks(server.scheduler, duplicate(server.ticker.fd()));
  while (!server.run.stopping()) {
    auto tick = ticks.readable();
    co_await tick;
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (server.ticker.take() != 0) server.scheduler.tick();
  }
}

void serve_coroutines(ServerRun& run) {
  make_nonblocking(run.socket());
  Server server(run);
  keep_deadlines(server);
  has_connections(run.transport()) ? accept_connections(server) : receive_datagrams(server);
  server.scheduler.serve(server.mailbox, [&run] { return run.stopping(); });
}

void run_coroutines(JobRun& job) {
  JobUnits<CoroutineScheduler> units(job);
  while (job.next_batch()) {
    units.unfinished = job.tasks();
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_as_coroutine(job, index, units);
    units.run();
  }
}

}  // namespace

extern constinit const Model coroutines_model{
    .name = "coroutines",
    .summary = "a C++20 coroutine for each task, in one thread on epoll",
    .aliases = {"coroutine", "coro", "async"},
    .unit = UnitKind::coroutine,
    .units = HowMany::tasks,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_coroutines,
    .serve = serve_coroutines,
    .why_unavailable = why_no_epoll_pwait2,
};

}  // namespace bench
