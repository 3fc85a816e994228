// A server of `reactor-pool`: a connection is held by the reactor's thread or by one worker, as an atomic says.
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "models/loop/ticker.h"
#include "models/loop/timed_pool.h"
#include "models/reactor_pool.h"
#include "models/talk/answer.h"
#include "models/talk/connection_state.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"
#include "models/talk/session_transfer.h"
#include "models/talk/sockets.h"

namespace bench {
namespace {

// Where a connection is held.
enum class Holder : std::uint8_t {
  none,       // it is over, and its descriptor may be another's
  epoll,      // it is watched, and the reactor's thread may take it
  worker,     // a worker has it, or the queue to them, or a timer
  signalled,  // the same, and it was ready again before it was let go
};

// What its holder is to do about it.
enum class Event : std::uint8_t { first, ready, resumed, too_late, mail };

// Made when its descriptor is first used, and used again with it.
struct Connection {
  std::atomic<Holder> holder{Holder::none};
  std::atomic<std::uint32_t> late_tick{0};  // from which on the peer has been silent for too long

  // Of its holder.
  UniqueFd socket;
  std::optional<ConnectionState> state;
  Output unsent;                 // what the socket would not take
  std::vector<std::byte> first;  // that came with the connection, until its session has it
  Event event = Event::ready;
};

class PooledServer {
 public:
  explicit PooledServer(ServerRun& server)
      : server_(server),
        ticker_(server.idle_timeout()),
        mailbox_(server.hub(), Mailbox::Sleeps::in_a_loop),
        pool_(server, server.workers()) {
    make_nonblocking(server.socket());
    poller().watch(ticker_.fd(), Interest::read);
    if (mailbox_.used()) poller().watch(mailbox_.fd(), Interest::read);
    has_connections(server.transport()) ? poller().watch(server.socket(), Interest::read)
                                        : poller().watch_once(server.socket(), Interest::read);
  }

  // Serves until the server is to stop; its connections are closed then.
  void run() {
    while (!server_.stopping()) {
      const std::span<const Ready> found = pool_.wait(mailbox_.may_sleep() ? no_deadline : 0);
      mailbox_.slept();
      for (const Ready& ready : found) {
        if (server_.stopping()) return;
        if (ready.fd == server_.socket()) {
          on_socket();
        } else if (ready.fd == ticker_.fd()) {
          on_tick();
        } else if (mailbox_.used() && ready.fd == mailbox_.fd()) {
          mailbox_.drain();
        } else if (Connection* connection = find(ready.fd)) {
          on_report(*connection);
        }
      }
      if (mailbox_.take()) deliver_mail();
    }
  }

 private:
  using Scratch = TimedPool::Scratch;

  EpollPoller& poller() { return pool_.poller(); }

  // ---- In the reactor's thread ----

  Connection* find(int fd) {
    const auto slot = static_cast<std::size_t>(fd);
    return slot < connections_.size() ? connections_[slot].get() : nullptr;
  }

  void on_socket() {
    if (has_connections(server_.transport())) return accept_some();
    pool_.hand_over([this](Scratch& scratch) { take_datagram(scratch); });
  }

  void accept_some() {
    for (int i = 0; i < most_in_a_row; ++i) {
      Newcomer newcomer;
      switch (accept_one(server_, newcomer, SOCK_NONBLOCK)) {
        case Accepted::connection: add(std::move(newcomer)); break;
        case Accepted::none:
        case Accepted::stopped: return;
        case Accepted::no_descriptor:
          // The peer waits in the backlog and would wake the loop without end.
          server_.count_refused();
          poller().change(server_.socket(), Interest::nothing);
          pool_.hand_over_at(now_ns() + retry_pause.count(),
                             [this](auto&) { poller().change(server_.socket(), Interest::read); });
          return;
      }
    }
  }

  void add(Newcomer newcomer) {
    const int fd = newcomer.socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (connections_.size() <= slot) connections_.resize(slot + 1);
    if (!connections_[slot]) connections_[slot] = std::make_unique<Connection>();
    Connection& connection = *connections_[slot];
    connection.holder.load(std::memory_order_acquire);  // after the one before was closed
    connection.socket = std::move(newcomer.socket);
    connection.state.emplace(server_, tick_);
    connection.late_tick = connection.state->late_from(ticker_.patience());
    // One that has something for its session already goes to a worker before it is watched for more.
    const bool has_first = !newcomer.first.empty();
    connection.first = std::move(newcomer.first);
    connection.holder.store(has_first ? Holder::worker : Holder::epoll, std::memory_order_release);
    try {
      poller().watch_once(fd, has_first ? Interest::nothing : Interest::read);
    } catch (const std::system_error&) {
      server_.count_refused();
      return close(connection);
    }
    if (has_first) hand_over(connection, Event::first);
  }

  void on_report(Connection& connection) {
    Holder holder = Holder::epoll;
    if (connection.holder.compare_exchange_strong(holder, Holder::worker, std::memory_order_acq_rel)) {
      return hand_over(connection, Event::ready);
    }
    // Ready between being watched and being let go: the worker is to go on with it. Or it is over.
    holder = Holder::worker;
    if (connection.holder.compare_exchange_strong(holder, Holder::signalled, std::memory_order_acq_rel)) return;
    // Let go meanwhile.
    if (holder == Holder::epoll) on_report(connection);
  }

  void on_tick() {
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (ticker_.take() == 0) return;
    const std::uint32_t now = ++tick_;
    for (const auto& connection : connections_) {
      if (!connection || connection->holder.load(std::memory_order_relaxed) != Holder::epoll) continue;
      if (static_cast<std::int32_t>(now - connection->late_tick) < 0) continue;
      Holder holder = Holder::epoll;
      if (connection->holder.compare_exchange_strong(holder, Holder::worker, std::memory_order_acq_rel)) {
        hand_over(*connection, Event::too_late);
      }
    }
  }

  // One that a worker has is told by it before it is let go.
  void deliver_mail() {
    for (const auto& connection : connections_) {
      if (!connection) continue;
      Holder holder = Holder::worker;
      if (connection->holder.compare_exchange_strong(holder, Holder::signalled, std::memory_order_acq_rel)) continue;
      holder = Holder::epoll;
      if (connection->holder.compare_exchange_strong(holder, Holder::worker, std::memory_order_acq_rel)) {
        hand_over(*connection, Event::mail);
      }
    }
  }

  // ---- By the holder of the connection, in any thread ----

  void hand_over(Connection& connection, Event event) {
    connection.event = event;
    pool_.hand_over([this, &connection](Scratch& scratch) { serve(connection, scratch); });
  }

  void close(Connection& connection) {
    connection.state.reset();
    connection.unsent.release();
    const UniqueFd closed = std::move(connection.socket);  // after the store; then another may have its number
    connection.holder.store(Holder::none, std::memory_order_release);
  }

  // ---- In a worker ----

  // Goes on with a connection until it is to be watched, or waits, or is over.
  void serve(Connection& connection, Scratch& scratch) {
    while (on_event(connection, scratch) && !let_go(connection)) connection.event = Event::ready;
  }

  // Has the connection watched; false when it is ready again already and still held.
  bool let_go(Connection& connection) {
    connection.late_tick = connection.state->late_from(ticker_.patience());
    poller().watch_again(connection.socket.get(),
                         interest_in(connection.state->wants_bytes(), connection.state->has_unsent()));
    Holder holder = Holder::worker;
    if (connection.holder.compare_exchange_strong(holder, Holder::epoll, std::memory_order_acq_rel)) return true;
    connection.holder.store(Holder::worker, std::memory_order_relaxed);
    return false;
  }

  // This and what it calls return whether the connection is to be watched; otherwise it is held no longer.
  bool on_event(Connection& connection, Scratch& scratch) {
    switch (connection.event) {
      case Event::first: return on_first(connection, scratch);
      case Event::ready: return on_ready(connection, scratch);
      case Event::resumed:
        return act(connection, connection.state->resumed(output_of(connection, scratch), tick_), scratch);
      case Event::too_late: return act(connection, connection.state->too_late(server_, scratch.out, tick_), scratch);
      case Event::mail: return tell_mail(connection, scratch);
    }
    return false;
  }

  bool on_first(Connection& connection, Scratch& scratch) {
    const std::vector<std::byte> first = std::exchange(connection.first, {});
    return act(connection, connection.state->received(first, scratch.out, tick_), scratch);
  }

  bool on_ready(Connection& connection, Scratch& scratch) {
    if (!connection.state->has_unsent()) return on_readable(connection, scratch);
    const std::size_t before = connection.unsent.pending();
    const Attempt sent = send_pending(connection.socket.get(), connection.unsent);
    if (connection.unsent.pending() != before) connection.state->moved(tick_);
    switch (sent) {
      case Attempt::would_block: return !connection.state->wants_bytes() || on_readable(connection, scratch);
      case Attempt::failed: return act(connection, connection.state->failed(), scratch);
      case Attempt::done: break;
    }
    connection.unsent.release();
    return act(connection, connection.state->all_sent(scratch.out, tick_), scratch);
  }

  bool on_readable(Connection& connection, Scratch& scratch) {
    ConnectionState& state = *connection.state;
    std::size_t size = 0;
    switch (receive_some(connection.socket.get(), scratch.room, size)) {
      case Attempt::would_block: return tell_mail(connection, scratch);
      case Attempt::failed: return act(connection, state.failed(), scratch);
      case Attempt::done: break;
    }
    Output& out = output_of(connection, scratch);
    const auto bytes = std::span(scratch.room).first(size);
    return act(connection, size == 0 ? state.peer_ended(out, tick_) : state.received(bytes, out, tick_), scratch);
  }

  bool tell_mail(Connection& connection, Scratch& scratch) {
    return act(connection, connection.state->mail_came(output_of(connection, scratch), tick_), scratch);
  }

  // Replies go to the worker's Output, behind those that the socket would not take before.
  static Output& output_of(Connection& connection, Scratch& scratch) {
    return connection.state->has_unsent() ? connection.unsent : scratch.out;
  }

  // Does what the connection's state says, until that is something that takes time.
  bool act(Connection& connection, Todo todo, Scratch& scratch) {
    ConnectionState& state = *connection.state;
    while (true) {
      switch (todo) {
        case Todo::send: {
          const Attempt sent = send_pending(connection.socket.get(), scratch.out);
          if (sent == Attempt::would_block) std::swap(connection.unsent, scratch.out);
          scratch.out.clear();
          todo = state.tried_to_send(sent, scratch.out);
          break;
        }
        case Todo::compute:
          compute(server_, state.amount());
          todo = state.resumed(output_of(connection, scratch), tick_);
          break;
        case Todo::start_timer:
          connection.event = Event::resumed;
          pool_.hand_over_at(now_ns() + static_cast<std::int64_t>(state.amount()),
                             [this, &connection](Scratch& later) { serve(connection, later); });
          return false;
        case Todo::transfer:
          transfer(server_, state.operation());
          todo = server_.stopping() ? state.failed() : state.resumed(output_of(connection, scratch), tick_);
          break;
        case Todo::watch: return true;
        case Todo::shut_down: todo = state.shut_down(shutdown(connection.socket.get(), SHUT_WR) == 0, tick_); break;
        case Todo::close: close(connection); return false;
      }
    }
  }

  void take_datagram(Scratch& scratch) {
    const bool received = scratch.datagram.receive_now(server_);
    poller().watch_again(server_.socket(), Interest::read);
    if (!received) return;
    const auto answer = std::make_shared<Answer>(server_, scratch.datagram);
    finish(answer, answer->conversation.receive(scratch.datagram.bytes(), scratch.out), scratch);
  }

  // Sends the answer, or has that done once its timer is over.
  void finish(const std::shared_ptr<Answer>& answer, Wanted wanted, Scratch& scratch) {
    while (wanted.next == Next::compute) {
      compute(server_, wanted.amount);
      wanted = answer->conversation.tell(Why::resumed, scratch.out);
    }
    if (wanted.next != Next::wait) return send_datagram(server_.socket(), answer->request, scratch.out);
    pool_.hand_over_at(now_ns() + static_cast<std::int64_t>(wanted.amount), [this, answer](Scratch& later) {
      finish(answer, answer->conversation.tell(Why::resumed, later.out), later);
    });
  }

  ServerRun& server_;
  Ticker ticker_;
  Mailbox mailbox_;
  std::atomic<std::uint32_t> tick_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor; the reactor's thread looks them up
  TimedPool pool_;                                        // its workers end first
};

}  // namespace

void serve_reactor_pool(ServerRun& server) {
  const Run::Unit unit(server);
  PooledServer(server).run();
}

}  // namespace bench
