// A server of `asio`: a coroutine for each connection and one that accepts, or one that receives datagrams.
#include <array>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "models/loop/ticker.h"
#include "models/references/asio.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"
#include "models/talk/session_transfer.h"
#include "models/talk/sockets.h"

namespace bench::on_asio {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

struct Connection;

// What the coroutines of a server share. When the context goes, all coroutines that still wait are destroyed.
struct Server {
  explicit Server(ServerRun& serving)
      : run(serving), ticker(serving.idle_timeout()), mailbox(serving.hub(), Mailbox::Sleeps::in_a_loop) {}
  ServerRun& run;
  Ticker ticker;
  Mailbox mailbox;
  std::uint32_t ticks = 0;
  std::list<Connection*> connections;
  asio::io_context context{1};  // one thread
};

struct Connection {
  Connection(Server& home, tcp::socket accepted)
      : server(home),
        socket(std::move(accepted)),
        conversation(home.run),
        place(home.connections.insert(home.connections.end(), this)) {}
  ~Connection() { server.connections.erase(place); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The operation that follows is cancelled when it has brought nothing for so many ticks.
  void expect_within(std::uint32_t most_ticks) { until_tick = server.ticks + most_ticks; }
  bool is_late() const { return server.ticks > until_tick; }

  Server& server;
  tcp::socket socket;
  Conversation conversation;
  Output out;
  std::uint32_t until_tick = 0;
  bool reads = false;  // and is told of mail by the end of that
  bool ended_by_mail = false;
  std::list<Connection*>::iterator place;
  std::array<std::byte, receive_bytes> room;  // not cleared: pages that are not used cost no memory
};

// The front of what is to be sent, as Asio takes it.
class Front {
 public:
  explicit Front(const Output& out) {
    std::array<iovec, pieces_at_once> vectors;
    for (const iovec& vector : out.gather(vectors)) buffers_[size_++] = asio::buffer(vector.iov_base, vector.iov_len);
  }
  using value_type = asio::const_buffer;
  using const_iterator = const value_type*;
  const_iterator begin() const noexcept { return buffers_.data(); }
  const_iterator end() const noexcept { return buffers_.data() + size_; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::array<asio::const_buffer, pieces_at_once> buffers_;
  std::size_t size_ = 0;
};

// Sends all of `out`; false when the connection is of no more use.
awaitable<bool> send_all(Connection& connection) {
  Output& out = connection.out;
  const bool large = out.pending() > receive_bytes;  // too large to be kept by a connection that may be idle next
  while (!out.empty()) {
    connection.expect_within(connection.server.ticker.idle_ticks());
    asio::error_code error;
    const Front front(out);
    auto sending = front.size() == 1 ? connection.socket.async_write_some(*front.begin(), with(error))
                                     : connection.socket.async_write_some(front, with(error));
    const std::size_t sent = co_await std::move(sending);
    if (error == asio::error::operation_aborted) connection.server.run.count_timed_out();
    if (error) co_return false;
    out.consume(sent);
  }
  if (large) out.release();
  co_return true;
}

// What the peer still sends is thrown away until it ends, lest a reset overtake the last reply.
awaitable<void> close_after_last_word(Connection& connection) {
  asio::error_code error;
  connection.socket.shutdown(tcp::socket::shutdown_send, error);
  connection.expect_within(connection.server.ticker.linger_ticks());
  while (!error && !connection.is_late()) {
    auto reading = connection.socket.async_read_some(asio::buffer(connection.room), with(error));
    co_await std::move(reading);
  }
}

// A file is read and written at once, and the end of a child is waited for.
awaitable<void> transfer(Server& server, Operation& operation) {
  // The descriptor is the session's.
  struct Watched {
    Watched(Server& server, int fd) : descriptor(server.context, fd) {}
    ~Watched() { descriptor.release(); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    asio::posix::stream_descriptor descriptor;
  };
  while (!transfer_now(operation)) {
    Watched child(server, operation.transfer.fd);
    auto ended = child.descriptor.async_wait(asio::posix::descriptor_base::wait_read, use_awaitable);
    co_await std::move(ended);
  }
}

awaitable<void> serve_connection(Server& server, tcp::socket accepted) {
  const Run::Unit unit(server.run);
  const auto own = std::make_unique<Connection>(server, std::move(accepted));
  Connection& connection = *own;
  Conversation& conversation = connection.conversation;
  asio::steady_timer timer(server.context);
  Wanted wanted;
  bool peer_ended = false;
  while (true) {
    if (!connection.out.empty()) {
      auto sending = send_all(connection);
      const bool sent = co_await std::move(sending);
      if (!sent) co_return;
    }
    switch (wanted.next) {
      case Next::read: {
        if (conversation.has_mail()) {
          wanted = conversation.tell(Why::message, connection.out);
          break;
        }
        connection.expect_within(server.ticker.idle_ticks());
        connection.reads = true;
        connection.ended_by_mail = false;
        asio::error_code error;
        auto reading = connection.socket.async_read_some(asio::buffer(connection.room), with(error));
        const std::size_t size = co_await std::move(reading);
        connection.reads = false;
        if (error == asio::error::operation_aborted && connection.ended_by_mail) break;
        if (error == asio::error::operation_aborted) {
          server.run.count_timed_out();
          conversation.tell(Why::timed_out, connection.out);
          wanted.next = Next::close;
        } else if (error == asio::error::eof) {
          peer_ended = true;
          wanted = conversation.tell(Why::end, connection.out);
        } else if (error) {
          co_return;
        } else {
          wanted = conversation.receive(std::span(connection.room).first(size), connection.out);
        }
        break;
      }
      case Next::drain: wanted = conversation.tell(Why::drained, connection.out); break;
      case Next::wait: {
        auto sleeping = sleep(timer, std::chrono::nanoseconds(wanted.amount));
        co_await std::move(sleeping);
        wanted = conversation.tell(Why::resumed, connection.out);
        break;
      }
      case Next::compute:
        compute(server.run, wanted.amount);  // and all others wait
        wanted = conversation.tell(Why::resumed, connection.out);
        break;
      case Next::transfer: {
        auto transferring = transfer(server, *wanted.operation);
        co_await std::move(transferring);
        wanted = conversation.tell(Why::resumed, connection.out);
        break;
      }
      case Next::close:
        if (!peer_ended) {
          auto closing = close_after_last_word(connection);
          co_await std::move(closing);
        }
        co_return;
    }
  }
}

awaitable<void> accept_connections(Server& server) {
  // The family is of no matter to a socket that exists already.
  tcp::acceptor listener(server.context, tcp::v4(), duplicate(server.run.socket()).release());
  asio::steady_timer timer(server.context);
  while (true) {
    asio::error_code error;
    auto accepting = listener.async_accept(with(error));
    tcp::socket connection = co_await std::move(accepting);
    if (server.run.stopping()) break;
    if (!error) {
      start(server.context, server.run, serve_connection(server, std::move(connection)));
      continue;
    }
    server.run.count_refused();
    auto moment = sleep(timer, retry_pause);
    co_await std::move(moment);
  }
  server.context.stop();
}

// A datagram on its way to be answered.
struct Answer {
  explicit Answer(ServerRun& server) : unit(server), conversation(server) {}
  Run::Unit unit;
  Conversation conversation;
  udp::endpoint peer;
  Output out;
};

awaitable<void> send_answer(udp::socket& socket, const Answer& answer) {
  if (answer.out.empty()) co_return;
  asio::error_code lost;  // as datagrams may be
  auto sending = socket.async_send_to(Front(answer.out), answer.peer, with(lost));
  co_await std::move(sending);
}

awaitable<void> answer_later(Server& server, udp::socket& socket, std::unique_ptr<Answer> answer, Wanted wanted) {
  asio::steady_timer timer(server.context);
  while (wanted.next == Next::wait || wanted.next == Next::compute) {
    if (wanted.next == Next::compute) {
      compute(server.run, wanted.amount);
    } else {
      auto sleeping = sleep(timer, std::chrono::nanoseconds(wanted.amount));
      co_await std::move(sleeping);
    }
    wanted = answer->conversation.tell(Why::resumed, answer->out);
  }
  auto answering = send_answer(socket, *answer);
  co_await std::move(answering);
}

awaitable<void> receive_datagrams(Server& server, udp::socket& socket) {
  std::vector<std::byte> room(largest_datagram);
  while (true) {
    auto answer = std::make_unique<Answer>(server.run);
    asio::error_code error;
    auto receiving = socket.async_receive_from(asio::buffer(room), answer->peer, with(error));
    const std::size_t size = co_await std::move(receiving);
    if (error) continue;
    const Wanted wanted = answer->conversation.receive(std::span(room).first(size), answer->out);
    if (wanted.next == Next::wait || wanted.next == Next::compute) {
      start(server.context, server.run, answer_later(server, socket, std::move(answer), wanted));
    } else {
      auto answering = send_answer(socket, *answer);
      co_await std::move(answering);
    }
  }
}

// A socket that is shut down hangs up, which is no reason for a receive without waiting to return anything.
awaitable<void> wait_for_hang_up(Server& server, udp::socket& socket) {
  while (!server.run.stopping()) {
    auto waiting = socket.async_wait(udp::socket::wait_error, use_awaitable);
    co_await std::move(waiting);
  }
  server.context.stop();
}

awaitable<void> keep_deadlines(Server& server) {
  asio::posix::stream_descriptor ticks(server.context, duplicate(server.ticker.fd()).release());
  while (true) {
    auto tick = ticks.async_wait(asio::posix::descriptor_base::wait_read, use_awaitable);
    co_await std::move(tick);
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (server.ticker.take() == 0) continue;
    ++server.ticks;
    for (Connection* connection : server.connections) {
      if (connection->is_late()) connection->socket.cancel();
    }
  }
}

// Whoever publishes rings at each time: Asio does not tell when it is about to sleep.
awaitable<void> deliver_mail(Server& server) {
  asio::posix::stream_descriptor alarm(server.context, duplicate(server.mailbox.fd()).release());
  while (true) {
    if (server.mailbox.may_sleep()) {
      auto rung = alarm.async_wait(asio::posix::descriptor_base::wait_read, use_awaitable);
      co_await std::move(rung);
      server.mailbox.slept();
      server.mailbox.drain();
    }
    if (!server.mailbox.take()) continue;
    for (Connection* connection : server.connections) {
      if (!connection->reads) continue;
      connection->ended_by_mail = true;
      connection->socket.cancel();
    }
    auto turn = asio::post(server.context, use_awaitable);
    co_await std::move(turn);
  }
}

}  // namespace

void serve(ServerRun& run) {
  Server server(run);
  if (server.mailbox.used()) start(server.context, run, deliver_mail(server));
  start(server.context, run, keep_deadlines(server));
  if (run.transport() == Transport::tcp) {
    start(server.context, run, accept_connections(server));
    server.context.run();
    return;
  }
  udp::socket socket(server.context, udp::v4(), duplicate(run.socket()).release());
  start(server.context, run, wait_for_hang_up(server, socket));
  start(server.context, run, receive_datagrams(server, socket));
  server.context.run();
}

}  // namespace bench::on_asio
