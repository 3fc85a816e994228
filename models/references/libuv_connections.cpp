// The connections of `libuv`: read into a buffer that all share, answered at once as far as the socket takes it.
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "models/references/libuv_server.h"
#include "models/talk/connection_state.h"
#include "models/talk/session_transfer.h"

namespace bench::on_libuv {
namespace {

// A child process that a session waits for; the descriptor is the session's.
class Child final : public Owner {
 public:
  Child(Server& server, int pidfd, std::function<void()> ended) : server_(server), ended_(std::move(ended)) {
    check(uv_poll_init(server_.loop.get(), &poll_, pidfd), "uv_poll_init");
    own(poll_);
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto& self = owner_of<Child>(handle);
      self.server_.run.guard([&] { self.ended_(); });
    });
  }

  void end() { close(as_handle(poll_)); }

 private:
  Server& server_;
  std::function<void()> ended_;
  uv_poll_t poll_;
};

class Connection final : public Owner {
 public:
  explicit Connection(Server& server) : server_(server), state_(server.run, server.ticks) {
    uv_tcp_init(server_.loop.get(), &socket_);
    own(socket_);
    uv_timer_init(server_.loop.get(), &timer_);
    own(timer_);
  }

  void open(UniqueFd accepted) {
    if (uv_tcp_open(&socket_, accepted.get()) != 0) return close();
    accepted.release();
    watch();
  }

  void tick() override {
    if (const std::size_t left = uv_stream_get_write_queue_size(stream()); left != left_) {
      left_ = left;
      state_.moved(server_.ticks);
    }
    if (!state_.is_late(server_.ticks, server_.ticker.patience())) return;
    act(state_.too_late(server_.run, server_.out, server_.ticks));
  }

  void mail() override { act(state_.mail_came(output(), server_.ticks)); }

 private:
  uv_stream_t* stream() noexcept { return reinterpret_cast<uv_stream_t*>(&socket_); }

  void close() {
    Owner::close(as_handle(socket_));
    Owner::close(as_handle(timer_));
    if (child_) std::exchange(child_, nullptr)->end();
  }

  static void on_room(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(owner_of<Connection>(handle).server_.room.data(), receive_bytes);
  }

  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
    auto& self = owner_of<Connection>(stream);
    self.server_.run.guard([&] { self.on_bytes(size); });
  }

  static void on_timer(uv_timer_t* timer) {
    auto& self = owner_of<Connection>(timer);
    self.server_.run.guard([&] { self.act(self.state_.resumed(self.output(), self.server_.ticks)); });
  }

  static void on_written(uv_write_t* request, int status) {
    auto& self = owner_of<Connection>(request->handle);
    self.server_.run.guard([&] { self.on_sent(status); });
  }

  void on_bytes(ssize_t size) {
    if (size == 0) return;  // libuv has looked, and found nothing
    if (size == UV_EOF) return act(state_.peer_ended(output(), server_.ticks));
    if (size < 0) return act(state_.failed());
    const auto bytes = std::as_bytes(std::span(server_.room)).first(static_cast<std::size_t>(size));
    act(state_.received(bytes, output(), server_.ticks));
  }

  // Where replies are put: what libuv is sending must stay as it is.
  Output& output() { return state_.has_unsent() ? behind_ : server_.out; }

  // Does what the connection's state says, until that is something that takes time.
  void act(Todo todo) {
    while (true) {
      switch (todo) {
        case Todo::send: todo = state_.tried_to_send(send_now(), server_.out); break;
        case Todo::compute:
          compute(server_.run, state_.amount());  // and all others wait
          todo = state_.resumed(output(), server_.ticks);
          break;
        case Todo::start_timer:
          start_timer(timer_, std::chrono::nanoseconds(state_.amount()), on_timer);
          return watch();
        case Todo::transfer:
          if (!transfer()) return watch();
          todo = state_.resumed(output(), server_.ticks);
          break;
        case Todo::watch: return watch();
        case Todo::shut_down: todo = state_.shut_down(shut_down(), server_.ticks); break;
        case Todo::close: return close();
      }
    }
  }

  // False: it is under way. Files are read and written by libuv's threads.
  bool transfer() {
    Operation& operation = state_.operation();
    const Transfer& transfer = operation.transfer;
    if (transfer.kind == Transfer::Kind::read_at || transfer.kind == Transfer::Kind::write_at) {
      const uv_buf_t bytes = uv_buf_init(reinterpret_cast<char*>(transfer.data), static_cast<unsigned>(transfer.bytes));
      auto file = std::make_unique<uv_fs_t>();
      file->data = this;
      const auto start = transfer.kind == Transfer::Kind::write_at ? uv_fs_write : uv_fs_read;
      check(start(server_.loop.get(), file.get(), transfer.fd, &bytes, 1, transfer.offset, on_file),
            "uv_fs_read, _write");
      static_cast<void>(file.release());  // until on_file()
      hold();
      return false;
    }
    if (transfer_now(operation)) return true;
    child_ = new Child(server_, transfer.fd, [this] { on_child_end(); });
    return false;
  }

  static void on_file(uv_fs_t* request) {
    const std::unique_ptr<uv_fs_t> file(request);
    auto& self = *static_cast<Connection*>(file->data);
    const auto result = file->result;
    uv_fs_req_cleanup(request);
    if (!uv_is_closing(as_handle(self.socket_))) {
      self.server_.run.guard([&] {
        self.state_.operation().result = result;
        self.act(self.state_.resumed(self.output(), self.server_.ticks));
      });
    }
    self.let_go();
  }

  void on_child_end() {
    Operation& operation = state_.operation();
    if (!transfer_now(operation)) return;
    std::exchange(child_, nullptr)->end();
    act(state_.resumed(output(), server_.ticks));
  }

  // Sends what the socket takes, and leaves the rest to libuv.
  Attempt send_now() {
    Output& out = server_.out;
    std::array<uv_buf_t, pieces_at_once> buffers;
    while (!out.empty()) {
      const int sent = uv_try_write(stream(), buffers.data(), static_cast<unsigned>(gather(out, buffers)));
      if (sent == UV_EAGAIN) {
        std::swap(unsent_, out);
        return send_later() ? Attempt::would_block : Attempt::failed;
      }
      if (sent < 0) {
        out.clear();
        return Attempt::failed;
      }
      out.consume(static_cast<std::size_t>(sent));
    }
    return Attempt::done;
  }

  bool send_later() {
    std::array<uv_buf_t, pieces_at_once> buffers;
    const std::size_t size = gather(unsent_, buffers);
    under_way_ = 0;
    for (const uv_buf_t& buffer : std::span(buffers).first(size)) under_way_ += buffer.len;
    return uv_write(&write_, stream(), buffers.data(), static_cast<unsigned>(size), on_written) == 0;
  }

  void on_sent(int status) {
    if (uv_is_closing(as_handle(socket_))) return;
    if (status < 0) return act(state_.failed());
    state_.moved(server_.ticks);
    unsent_.consume(under_way_);
    if (unsent_.empty()) std::swap(unsent_, behind_);
    if (!unsent_.empty()) {
      if (!send_later()) act(state_.failed());
      return;
    }
    unsent_.release();
    behind_.release();
    act(state_.all_sent(server_.out, server_.ticks));
  }

  // Reads in the states that need it, and in no other.
  void watch() {
    const bool read = state_.wants_bytes();
    if (read == reads_) return;
    reads_ = read;
    read ? uv_read_start(stream(), on_room, on_read) : uv_read_stop(stream());
  }

  bool shut_down() {
    const auto ended = [](uv_shutdown_t* request, int status) {
      if (status < 0) owner_of<Connection>(request->handle).close();
    };
    return uv_shutdown(&shutdown_, stream(), ended) == 0;
  }

  Server& server_;
  ConnectionState state_;
  uv_tcp_t socket_;
  uv_timer_t timer_;
  uv_write_t write_;
  uv_shutdown_t shutdown_;
  Child* child_ = nullptr;  // that is waited for
  Output unsent_;           // what libuv is sending
  Output behind_;           // what comes after it
  std::size_t under_way_ = 0;
  std::size_t left_ = 0;  // unsent at the last tick
  bool reads_ = false;
};

class Listener final : public Owner {
 public:
  explicit Listener(Server& server) : server_(server) {
    check(uv_poll_init(server_.loop.get(), &poll_, server_.run.socket()), "uv_poll_init");
    own(poll_);
    uv_timer_init(server_.loop.get(), &again_);
    own(again_);
    listen();
  }

 private:
  void listen() { uv_poll_start(&poll_, UV_READABLE, on_readable); }

  static void on_readable(uv_poll_t* poll, int, int) {
    auto& self = owner_of<Listener>(poll);
    self.server_.run.guard([&] { self.accept_some(); });
  }

  void accept_some() {
    for (int i = 0; i < most_in_a_row; ++i) {
      Newcomer newcomer;
      switch (accept_one(server_.run, newcomer, SOCK_NONBLOCK)) {
        case Accepted::connection: (new Connection(server_))->open(std::move(newcomer.socket)); break;
        case Accepted::none: return;
        case Accepted::stopped: return close_all(server_);
        case Accepted::no_descriptor: return refuse();
      }
    }
  }

  // The next ones wait in the backlog, and would wake the loop without end.
  void refuse() {
    server_.run.count_refused();
    uv_poll_stop(&poll_);
    start_timer(again_, retry_pause, [](uv_timer_t* timer) { owner_of<Listener>(timer).listen(); });
  }

  Server& server_;
  uv_poll_t poll_;
  uv_timer_t again_;
};

}  // namespace

void accept_connections(Server& server) { new Listener(server); }

}  // namespace bench::on_libuv
