// What the services of `libuv` share, connections and datagrams alike.
#pragma once

#include <array>

#include "models/loop/ticker.h"
#include "models/references/libuv.h"
#include "models/talk/datagram.h"
#include "models/talk/sockets.h"

namespace bench::on_libuv {

struct Server {
  explicit Server(ServerRun& serving)
      : run(serving), ticker(serving.idle_timeout()), mailbox(serving.hub(), Mailbox::Sleeps::in_a_loop) {}
  ServerRun& run;
  Ticker ticker;
  Mailbox mailbox;
  std::uint32_t ticks = 0;
  std::array<char, largest_datagram> room;  // of which a connection takes receive_bytes
  Output out;
  Loop loop;
};

// The first pending bytes, as libuv takes them.
inline std::size_t gather(const Output& out, std::array<uv_buf_t, pieces_at_once>& buffers) {
  std::array<iovec, pieces_at_once> vectors;
  std::size_t size = 0;
  for (const iovec& vector : out.gather(vectors)) {
    buffers[size++] = uv_buf_init(static_cast<char*>(vector.iov_base), static_cast<unsigned>(vector.iov_len));
  }
  return size;
}

// An owner goes when the last of its handles has closed and none of its requests is under way.
class Owner {
 public:
  virtual ~Owner() = default;

  // A tick of the deadlines, which a connection is told of.
  virtual void tick() {}

  // There is mail, which a connection is told of.
  virtual void mail() {}

  static Owner& of(const uv_handle_t* handle) { return *static_cast<Owner*>(handle->data); }

  static void close(uv_handle_t* handle) {
    if (uv_is_closing(handle)) return;
    uv_close(handle, [](uv_handle_t* closed) { of(closed).let_go(); });
  }

 protected:
  template <typename Handle>
  void own(Handle& handle) {
    handle.data = this;
    hold();
  }

  // For as long as a request is under way.
  void hold() noexcept { ++held_; }
  void let_go() {
    if (--held_ == 0) delete this;
  }

 private:
  int held_ = 0;
};

template <typename Derived, typename Handle>
Derived& owner_of(const Handle* handle) {
  return static_cast<Derived&>(*static_cast<Owner*>(handle->data));
}

inline void close_all(Server& server) {
  uv_walk(
      server.loop.get(), [](uv_handle_t* handle, void*) { Owner::close(handle); }, nullptr);
}

// Adds to the loop what accepts connections, or receives datagrams; it goes with its last handle.
void accept_connections(Server& server);
void receive_datagrams(Server& server);

}  // namespace bench::on_libuv
