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

// Looked for between two turns of the loop.
class Mail final : public Owner {
 public:
  explicit Mail(Server& server) : server_(server) {
    uv_prepare_init(server_.loop.get(), &before_);
    own(before_);
    uv_prepare_start(&before_, [](uv_prepare_t* handle) { owner_of<Mail>(handle).before_sleep(); });
    uv_check_init(server_.loop.get(), &after_);
    own(after_);
    uv_check_start(&after_, [](uv_check_t* handle) { owner_of<Mail>(handle).server_.mailbox.slept(); });
    uv_idle_init(server_.loop.get(), &awake_);
    own(awake_);
    check(uv_poll_init(server_.loop.get(), &alarm_, server_.mailbox.fd()), "uv_poll_init");
    own(alarm_);
    uv_poll_start(&alarm_, UV_READABLE,
                  [](uv_poll_t* handle, int, int) { owner_of<Mail>(handle).server_.mailbox.drain(); });
  }

 private:
  void before_sleep() {
    if (server_.mailbox.take()) server_.run.guard([&] { uv_walk(server_.loop.get(), tell, nullptr); });
    if (server_.mailbox.may_sleep()) {
      uv_idle_stop(&awake_);
    } else {  // the loop does not sleep while an idle handle is active
      uv_idle_start(&awake_, [](uv_idle_t*) {});
    }
  }

  static void tell(uv_handle_t* handle, void*) {
    if (handle->type == UV_TCP && !uv_is_closing(handle)) Owner::of(handle).mail();
  }

  Server& server_;
  uv_prepare_t before_;
  uv_check_t after_;
  uv_idle_t awake_;
  uv_poll_t alarm_;
};

}  // namespace

void serve(ServerRun& run) {
  const Run::Unit unit(run);
  make_nonblocking(run.socket());
  Server server(run);
  new Deadlines(server);  // they and all others are deleted once their handles are closed
  if (server.mailbox.used()) new Mail(server);
  if (run.transport() == Transport::tcp) {
    accept_connections(server);
  } else {
    receive_datagrams(server);
  }
  server.loop.run();
}

}  // namespace bench::on_libuv
