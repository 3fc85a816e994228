// A server of `libuv`: the one loop, and the deadlines of its connections.
#include "models/references/libuv_server.h"

namespace bench::on_libuv {
namespace {

class Deadlines final : public Owner {
 public:
  explicit Deadlines(Server& server) : server_(server) {
    check(uv_poll_init(server_.loop.get(), &ticks_, server_.ticker.fd()), "uv_poll_init");
    own(ticks_);
    uv_poll_start(&ticks_, UV_READABLE, on_tick);
  }

 private:
  static void on_tick(uv_poll_t* poll, int, int) {
    Server& server = owner_of<Deadlines>(poll).server_;
    // One tick at most, however long the loop was busy: what came meanwhile has not been looked at yet.
    if (server.ticker.take() == 0) return;
    ++server.ticks;
    server.run.guard([&] { uv_walk(server.loop.get(), tell, nullptr); });
  }

  static void tell(uv_handle_t* handle, void*) {
    if (handle->type == UV_TCP && !uv_is_closing(handle)) Owner::of(handle).tick();
  }

  Server& server_;
  uv_poll_t ticks_;
};

}  // namespace

void serve(ServerRun& run) {
  const Run::Unit unit(run);
  make_nonblocking(run.socket());
  Server server(run);
  new Deadlines(server);  // they and all others are deleted once their handles are closed
  if (run.transport() == Transport::tcp) {
    accept_connections(server);
  } else {
    receive_datagrams(server);
  }
  server.loop.run();
}

}  // namespace bench::on_libuv
