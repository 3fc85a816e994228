// The datagrams of `libuv`: each is answered by itself, at once or after its waits.
#include <array>
#include <cstring>
#include <span>

#include "models/references/libuv_server.h"
#include "models/talk/conversation.h"

namespace bench::on_libuv {
namespace {

// A datagram on its way to be answered.
class Answer final : public Owner {
 public:
  Answer(Server& server, uv_udp_t& socket, const sockaddr* peer)
      : server_(server), socket_(socket), conversation_(server.run) {
    std::memcpy(&peer_, peer, peer->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  }

  void start(std::span<const std::byte> bytes) { act(conversation_.receive(bytes, server_.out)); }

 private:
  static void on_timer(uv_timer_t* timer) {
    auto& self = owner_of<Answer>(timer);
    self.server_.run.guard([&] { self.act(self.conversation_.tell(Why::resumed, self.server_.out)); });
  }

  void act(Wanted wanted) {
    while (wanted.next == Next::compute) {
      compute(server_.run, wanted.amount);
      wanted = conversation_.tell(Why::resumed, server_.out);
    }
    if (wanted.next == Next::wait) return wait(std::chrono::nanoseconds(wanted.amount));
    std::array<uv_buf_t, pieces_at_once> buffers;
    const auto size = static_cast<unsigned>(gather(server_.out, buffers));
    // One that the system will not take is lost, as datagrams are.
    if (size != 0) uv_udp_try_send(&socket_, buffers.data(), size, reinterpret_cast<const sockaddr*>(&peer_));
    server_.out.clear();
    timed_ ? close(as_handle(timer_)) : delete this;
  }

  void wait(std::chrono::nanoseconds duration) {
    if (!timed_) {
      timed_ = true;
      uv_timer_init(server_.loop.get(), &timer_);
      own(timer_);
    }
    start_timer(timer_, duration, on_timer);
  }

  Server& server_;
  uv_udp_t& socket_;
  Conversation conversation_;
  sockaddr_storage peer_;
  uv_timer_t timer_;
  bool timed_ = false;  // there is a timer
};

class Datagrams final : public Owner {
 public:
  explicit Datagrams(Server& server) : server_(server) {
    uv_udp_init(server_.loop.get(), &socket_);
    own(socket_);
    check(uv_udp_open(&socket_, duplicate(server_.run.socket()).release()), "uv_udp_open");
    uv_udp_recv_start(&socket_, on_room, on_received);
  }

 private:
  static void on_room(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto& room = owner_of<Datagrams>(handle).server_.room;
    *buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
  }

  static void on_received(uv_udp_t* socket, ssize_t size, const uv_buf_t*, const sockaddr* peer, unsigned) {
    auto& self = owner_of<Datagrams>(socket);
    Server& server = self.server_;
    if (server.run.stopping()) return close_all(server);
    if (size < 0 || !peer) return;  // there are no more
    server.run.guard([&] {
      const auto bytes = std::as_bytes(std::span(server.room)).first(static_cast<std::size_t>(size));
      (new Answer(server, *socket, peer))->start(bytes);
    });
  }

  Server& server_;
  uv_udp_t socket_;
};

}  // namespace

void receive_datagrams(Server& server) { new Datagrams(server); }

}  // namespace bench::on_libuv
