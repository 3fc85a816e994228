// The event loop of a server, over any poller: each descriptor that is ready is called back, and nothing blocks.
//
// The loop has one buffer to receive into and one Output for replies; a connection keeps only what its socket would not
// take. Deadlines are kept by a ticker of about a second, so that a loop without service waits never arms a timer.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "measure/clock.h"
#include "models/loop/poller.h"
#include "models/loop/ticker.h"
#include "models/loop/timers.h"
#include "models/talk/answer.h"
#include "models/talk/connection_state.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"
#include "models/talk/session_transfer.h"
#include "models/talk/sockets.h"

namespace bench {

template <Poller AnyPoller>
class Reactor {
 public:
  /// Throws std::system_error.
  explicit Reactor(ServerRun& server)
      : server_(server), ticker_(server.idle_timeout()), mailbox_(server.hub(), Mailbox::Sleeps::in_a_loop) {
    make_nonblocking(server.socket());
    poller_.watch(server.socket(), Interest::read);
    poller_.watch(ticker_.fd(), Interest::read);
    if (mailbox_.used()) poller_.watch(mailbox_.fd(), Interest::read);
  }

  /// Serves until the server is to stop; its connections are closed then.
  void run() {
    while (!server_.stopping()) {
      const std::span<const Ready> found = poller_.wait(mailbox_.may_sleep() ? timers_.next_deadline_ns() : 0);
      mailbox_.slept();
      for (const Ready& ready : found) {
        if (ready.fd == server_.socket()) {
          has_connections(server_.transport()) ? accept_some() : take_datagrams();
        } else if (ready.fd == ticker_.fd()) {
          on_tick();
        } else if (mailbox_.used() && ready.fd == mailbox_.fd()) {
          mailbox_.drain();
          poller_.exhausted(ready.fd, Interest::read);
        } else if (transfers_.contains(ready.fd)) {
          go_on_with_transfer(ready.fd);
        } else if (Connection* connection = find(ready.fd)) {
          on_ready(*connection, ready);
        }
        if (server_.stopping()) return;
      }
      if (!timers_.empty()) fire_timers();
      if (mailbox_.take()) deliver_mail();
    }
  }

 private:
  struct Connection {
    Connection(ServerRun& server, std::uint32_t now) : state(server, now) {}
    UniqueFd socket;
    Interest interest = Interest::read;
    ConnectionState state;
    Output unsent;  // what the socket would not take
    std::uint64_t serial = 0;
  };

  // Of a connection, or with one of the values below for `fd`. A connection may be gone, and its descriptor another's,
  // when its timer is due.
  static constexpr int answer_due = -1;
  static constexpr int accept_again = -2;
  struct Timer {
    int fd;
    std::uint64_t serial;
  };

  void accept_some() {
    for (int i = 0; i < most_in_a_row; ++i) {
      Newcomer newcomer;
      switch (accept_one(server_, newcomer, SOCK_NONBLOCK)) {
        case Accepted::connection:
          if (!add(std::move(newcomer))) return refuse();
          break;
        case Accepted::none: return poller_.exhausted(server_.socket(), Interest::read);
        case Accepted::stopped: return;
        case Accepted::no_descriptor: return refuse();
      }
    }
  }

  // One could not be taken. The next ones wait in the backlog, and would wake the loop without end.
  void refuse() {
    server_.count_refused();
    poller_.change(server_.socket(), Interest::nothing);
    timers_.arm(now_ns() + retry_pause.count(), {.fd = accept_again, .serial = 0});
  }

  // False, with the connection closed, when the poller takes no more.
  bool add(Newcomer newcomer) {
    const auto slot = static_cast<std::size_t>(newcomer.socket.get());
    try {
      poller_.watch(newcomer.socket.get(), Interest::read);
    } catch (const std::system_error&) {
      return false;
    }
    if (connections_.size() <= slot) connections_.resize(slot + 1);
    connections_[slot] = std::make_unique<Connection>(server_, tick_);
    Connection& connection = *connections_[slot];
    connection.socket = std::move(newcomer.socket);
    connection.serial = ++serials_;
    if (!newcomer.first.empty()) act(connection, connection.state.received(newcomer.first, out_, tick_));
    return true;
  }

  void close(Connection& connection) {
    const int fd = connection.socket.get();
    if (!transfers_.empty()) forget_transfer(fd);
    poller_.closing(fd);
    connections_[static_cast<std::size_t>(fd)].reset();
  }

  // Receives into room_.
  Attempt receive(Connection& connection, std::size_t& size) {
    const int fd = connection.socket.get();
    const Attempt received = receive_some(fd, room_, size);
    // A stream that fills less than there was room for has no more, epoll(7).
    const bool took_all = is_stream_ && size < room_.size();
    if (received == Attempt::would_block || took_all) poller_.exhausted(fd, Interest::read);
    return received;
  }

  Attempt send(Connection& connection, Output& out) {
    const Attempt sent = send_pending(connection.socket.get(), out);
    if (sent == Attempt::would_block) poller_.exhausted(connection.socket.get(), Interest::write);
    return sent;
  }

  void on_ready(Connection& connection, const Ready& ready) {
    if (ready.broken && connection.state.is_waiting()) return close(connection);  // or it would wake the loop on
    if (ready.writable && connection.state.has_unsent() && on_writable(connection)) return;
    if (ready.readable && connection.state.wants_bytes()) return on_readable(connection);
    watch(connection, true);
  }

  void on_readable(Connection& connection) {
    std::size_t size = 0;
    switch (receive(connection, size)) {
      case Attempt::would_block: return;
      case Attempt::failed: return close(connection);
      case Attempt::done: break;
    }
    ConnectionState& state = connection.state;
    act(connection, size == 0 ? state.peer_ended(output_of(connection), tick_)
                              : state.received(std::span(room_).first(size), output_of(connection), tick_));
  }

  // False when the socket is full, still or again: the connection is as it was, and may have something to be read.
  bool on_writable(Connection& connection) {
    const std::size_t before = connection.unsent.pending();
    const Attempt sent = send(connection, connection.unsent);
    if (connection.unsent.pending() != before) connection.state.moved(tick_);
    if (sent == Attempt::would_block) return false;
    if (sent == Attempt::failed) {
      close(connection);
      return true;
    }
    connection.unsent.release();
    act(connection, connection.state.all_sent(out_, tick_));
    return true;
  }

  // Replies go to the loop's Output, behind those that the socket would not take before.
  Output& output_of(Connection& connection) { return connection.state.has_unsent() ? connection.unsent : out_; }

  // Does what the connection's state says, until that is something that takes time.
  void act(Connection& connection, Todo todo) {
    ConnectionState& state = connection.state;
    while (true) {
      switch (todo) {
        case Todo::send: {
          const Attempt sent = send(connection, out_);
          if (sent == Attempt::would_block) std::swap(connection.unsent, out_);
          if (sent == Attempt::failed) out_.clear();
          todo = state.tried_to_send(sent, out_);
          break;
        }
        case Todo::compute:
          compute(server_, state.amount());  // and all others wait
          todo = state.resumed(output_of(connection), tick_);
          break;
        case Todo::start_timer:
          timers_.arm(now_ns() + static_cast<std::int64_t>(state.amount()),
                      {.fd = connection.socket.get(), .serial = connection.serial});
          return watch(connection);
        case Todo::transfer: todo = transfer(connection); break;
        case Todo::watch: return watch(connection);
        case Todo::shut_down: todo = state.shut_down(shutdown(connection.socket.get(), SHUT_WR) == 0, tick_); break;
        case Todo::close: return close(connection);
      }
    }
  }

  // Watches what the connection's state needs. A socket that need not be read stays watched until it is readable out of
  // turn: mostly nothing comes before the reply, and two calls are saved.
  void watch(Connection& connection, bool out_of_turn = false) {
    const bool to_read = connection.state.wants_bytes() || (reads(connection.interest) && !out_of_turn);
    const Interest interest = interest_in(to_read, connection.state.has_unsent());
    if (interest == connection.interest) return;
    poller_.change(connection.socket.get(), interest);
    connection.interest = interest;
  }

  // Does what the session asks for, a file right here. The end of a child is waited for; where it cannot be watched,
  // that costs the connection.
  Todo transfer(Connection& connection) {
    Operation& operation = connection.state.operation();
    if (transfer_now(operation)) return connection.state.resumed(output_of(connection), tick_);
    try {
      poller_.watch(operation.transfer.fd, Interest::read);
    } catch (const std::system_error&) {
      server_.count_refused();
      return connection.state.failed();
    }
    transfers_[operation.transfer.fd] = connection.socket.get();
    return Todo::watch;
  }

  void go_on_with_transfer(int fd) {
    Connection& connection = *connections_[static_cast<std::size_t>(transfers_[fd])];
    Operation& operation = connection.state.operation();
    if (!transfer_now(operation)) return poller_.exhausted(fd, Interest::read);
    poller_.forget(fd);
    transfers_.erase(fd);
    act(connection, connection.state.resumed(output_of(connection), tick_));
  }

  // The connection is closed, and its session with what it waited for.
  void forget_transfer(int socket) {
    const auto found = std::ranges::find(transfers_, socket, &std::pair<const int, int>::second);
    if (found == transfers_.end()) return;
    poller_.closing(found->first);
    transfers_.erase(found);
  }

  void deliver_mail() {
    for (const auto& connection : connections_) {
      if (connection) act(*connection, connection->state.mail_came(output_of(*connection), tick_));
    }
  }

  void fire_timers() {
    const std::int64_t now = now_ns();
    for (Timer timer{}; timers_.take_due(now, timer);) {
      if (timer.fd == accept_again) {
        poller_.change(server_.socket(), Interest::read);
      } else if (timer.fd == answer_due) {
        resume_answer(timer.serial);
      } else if (Connection* connection = find(timer)) {
        act(*connection, connection->state.resumed(output_of(*connection), tick_));
      }
    }
  }

  // Null for what was closed since it was reported: a connection, or a child that one waited for.
  Connection* find(int fd) {
    const auto slot = static_cast<std::size_t>(fd);
    return slot < connections_.size() ? connections_[slot].get() : nullptr;
  }

  Connection* find(const Timer& timer) {
    Connection* connection = find(timer.fd);
    return connection && connection->serial == timer.serial ? connection : nullptr;
  }

  void on_tick() {
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    const std::uint32_t ticks = ticker_.take();
    poller_.exhausted(ticker_.fd(), Interest::read);
    if (ticks == 0) return;
    ++tick_;
    for (const auto& connection : connections_) {
      if (!connection || !connection->state.is_late(tick_, ticker_.patience())) continue;
      act(*connection, connection->state.too_late(server_, out_, tick_));
    }
  }

  void take_datagrams() {
    for (int i = 0; i < most_in_a_row; ++i) {
      if (!datagram_.receive_now(server_)) return poller_.exhausted(server_.socket(), Interest::read);
      auto answer = std::make_unique<Answer>(server_, datagram_);
      const Wanted wanted = answer->conversation.receive(datagram_.bytes(), out_);
      finish(std::move(answer), wanted);
    }
  }

  void resume_answer(std::uint64_t serial) {
    auto answer = std::move(answers_.extract(serial).mapped());
    const Wanted wanted = answer->conversation.tell(Why::resumed, out_);
    finish(std::move(answer), wanted);
  }

  // Sends the answer, or keeps it until its timer is over.
  void finish(std::unique_ptr<Answer> answer, Wanted wanted) {
    while (wanted.next == Next::compute) {
      compute(server_, wanted.amount);
      wanted = answer->conversation.tell(Why::resumed, out_);
    }
    if (wanted.next == Next::wait) {
      timers_.arm(now_ns() + static_cast<std::int64_t>(wanted.amount), {.fd = answer_due, .serial = ++serials_});
      answers_.emplace(serials_, std::move(answer));
    } else {
      send_datagram(server_.socket(), answer->request, out_);
    }
  }

  ServerRun& server_;
  const bool is_stream_ = server_.transport() == Transport::tcp;  // what peers send has no datagrams' bounds
  AnyPoller poller_;
  Ticker ticker_;
  Mailbox mailbox_;
  Timers<Timer> timers_;
  std::vector<std::unique_ptr<Connection>> connections_;                // by descriptor
  std::unordered_map<int, int> transfers_;                              // that take time: descriptor to connection's
  std::unordered_map<std::uint64_t, std::unique_ptr<Answer>> answers_;  // that wait, by the serial of their timer
  std::uint64_t serials_ = 0;
  std::uint32_t tick_ = 0;
  std::array<std::byte, receive_bytes> room_;
  Output out_;
  Datagram datagram_;
};

}  // namespace bench
