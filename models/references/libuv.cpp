// libuv: the reference of `epoll`, callbacks as libuv's loop runs them (Node.js lives on it).
//
// Units: the one thread. Each task runs in a callback until it must wait, starts its timer and returns to the loop.
// System calls for a task: a share of an epoll_wait for each of its waits. A callback is never interrupted, not at a
// checkpoint either. libuv counts in whole milliseconds and from the beginning of one: a wait has to be rounded up and
// lengthened by one in order not to be cut short, so that it takes up to 2 ms more than under `epoll`. Files are read
// and written by libuv's pool of four threads, where `epoll` does that in the callback.
//
// As a server it keeps all connections in the one loop: one that is readable is read into a buffer that all share,
// answered by uv_try_write, and what the socket does not take is left to uv_write. Where it differs from `epoll`: read
// and write in the place of recv and send; handles that are closed in two turns of the loop; and datagrams are received
// until there are none, with one call that finds nothing at each wake-up. Connections are accepted by the same calls as
// under `epoll`, on a handle that only polls: where descriptors have run out, libuv's own listener would take
// connections and close them without a word. System calls for a request: read, write, and a share of an epoll_wait.
#include <uv.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <system_error>
#include <vector>

#include "models/loop/parking.h"
#include "models/loop/poller.h"
#include "models/loop/ticker.h"
#include "models/model.h"
#include "models/talk/connection_state.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"
#include "models/talk/sockets.h"

namespace bench {
namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

// An event loop, closed with all handles that were made in it.
class Loop {
 public:
  Loop() { check(uv_loop_init(&loop_), "uv_loop_init"); }
  ~Loop() {
    run();
    uv_loop_close(&loop_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() noexcept { return &loop_; }

  // Calls back until no handle is active.
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_;
};

template <typename Handle>
uv_handle_t* as_handle(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

void start_timer(uv_timer_t& timer, std::chrono::nanoseconds wait, uv_timer_cb due) {
  constexpr std::int64_t ms = 1'000'000;
  uv_update_time(timer.loop);  // or the wait would count from when the loop last slept
  uv_timer_start(&timer, due, static_cast<std::uint64_t>((wait.count() + ms - 1) / ms + 1), 0);
}

// ---- Jobs ----

// The tasks that wait for others: looked after between two turns of the loop.
class ParkedTasks {
 public:
  // `resume(waiting)` lets a task go on that has been woken.
  ParkedTasks(JobRun& job, Loop& loop, std::function<void(Waiting&)> resume)
      : parking_(job), resume_(std::move(resume)) {
    if (!parking_.used()) return;
    uv_prepare_init(loop.get(), &before_);
    uv_check_init(loop.get(), &after_);
    uv_timer_init(loop.get(), &bound_);
    check(uv_poll_init(loop.get(), &alarm_, parking_.fd()), "uv_poll_init");
    for (uv_handle_t* handle : handles()) handle->data = this;
  }
  ~ParkedTasks() {
    if (!parking_.used()) return;
    for (uv_handle_t* handle : handles()) uv_close(handle, nullptr);
    uv_run(before_.loop, UV_RUN_DEFAULT);  // until they are closed
  }
  ParkedTasks(const ParkedTasks&) = delete;
  ParkedTasks& operator=(const ParkedTasks&) = delete;

  Parking& parking() noexcept { return parking_; }

  // The loop goes on until stop().
  void start() {
    if (!parking_.used()) return;
    uv_prepare_start(&before_, [](uv_prepare_t* handle) { of(handle).before_sleep(); });
    uv_check_start(&after_, [](uv_check_t* handle) { of(handle).parking_.slept(); });
    uv_poll_start(&alarm_, UV_READABLE, [](uv_poll_t* handle, int, int) { of(handle).parking_.drain(); });
  }
  void stop() {
    if (!parking_.used()) return;
    uv_prepare_stop(&before_);
    uv_check_stop(&after_);
    uv_timer_stop(&bound_);
    uv_poll_stop(&alarm_);
  }

 private:
  template <typename Handle>
  static ParkedTasks& of(Handle* handle) {
    return *static_cast<ParkedTasks*>(handle->data);
  }

  std::array<uv_handle_t*, 4> handles() {
    return {as_handle(before_), as_handle(after_), as_handle(bound_), as_handle(alarm_)};
  }

  void before_sleep() {
    parking_.resume_all(resume_);
    const std::int64_t deadline_ns = parking_.sleep_until(no_deadline);
    if (deadline_ns == no_deadline || uv_is_active(as_handle(before_)) == 0) return;
    if (deadline_ns == 0) {  // something has come: the loop does not sleep
      uv_timer_start(
          &bound_, [](uv_timer_t*) {}, 0, 0);
      return;
    }
    start_timer(bound_, std::chrono::nanoseconds(std::max<std::int64_t>(deadline_ns - now_ns(), 0)),
                [](uv_timer_t*) {});
  }

  Parking parking_;
  std::function<void(Waiting&)> resume_;
  uv_prepare_t before_{};
  uv_check_t after_{};
  uv_timer_t bound_{};  // for who has waited for long enough
  uv_poll_t alarm_{};
};

class Task {
 public:
  // What the tasks of a job share.
  struct Batch {
    Batch(JobRun& run, std::vector<Task>& tasks)
        : job(run), parked(run, loop, [&tasks](Waiting& waiting) { tasks[waiting.task].advance_task(); }) {}
    JobRun& job;
    Loop loop;
    ParkedTasks parked;
    std::uint32_t unfinished = 0;
  };

  // Starts task `index`, which runs up to its first wait.
  void start(Batch& batch, std::uint32_t index) {
    batch_ = &batch;
    index_ = index;
    uv_timer_init(batch.loop.get(), &timer_);
    timer_.data = this;
    script_ = batch.job.begin(index, batch.parked.parking().home());
    advance_task();
  }

  // For the driver.
  static Done checkpoint() noexcept { return Done::now; }
  Done wait_for(std::chrono::nanoseconds duration) {
    start_timer(timer_, duration, [](uv_timer_t* timer) { static_cast<Task*>(timer->data)->advance_task(); });
    return Done::later;
  }
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    return batch_->parked.parking().park(waiting, at_most);
  }
  Done transfer(Operation& operation) {
    Transfer& transfer = operation.transfer;
    switch (transfer.kind) {
      case Transfer::Kind::read_at:
      case Transfer::Kind::write_at: return begin_file(transfer);
      case Transfer::Kind::close: forget(transfer.fd); break;
      default: break;
    }
    const Readiness wanted = try_transfer(transfer, operation.result);
    if (wanted == Readiness::done) return Done::now;
    operation.again = true;
    watch(transfer.fd, wanted == Readiness::to_read ? UV_READABLE : UV_WRITABLE);
    return Done::later;
  }

 private:
  static void on_file(uv_fs_t* request) {
    Task& task = *static_cast<Task*>(request->data);
    task.script_.operation().result = request->result;
    uv_fs_req_cleanup(request);
    task.advance_task();
  }

  Done begin_file(const Transfer& transfer) {
    const uv_buf_t bytes = uv_buf_init(reinterpret_cast<char*>(transfer.data), static_cast<unsigned>(transfer.bytes));
    file_.data = this;
    const auto start = transfer.kind == Transfer::Kind::write_at ? uv_fs_write : uv_fs_read;
    check(start(timer_.loop, &file_, transfer.fd, &bytes, 1, transfer.offset, on_file), "uv_fs_read, _write");
    return Done::later;
  }

  void watch(int fd, int events) {
    if (watched_fd_ != fd) {
      forget(watched_fd_);
      watched_ = new uv_poll_t{};
      check(uv_poll_init(timer_.loop, watched_, fd), "uv_poll_init");
      watched_fd_ = fd;
    }
    watched_->data = this;
    check(uv_poll_start(watched_, events,
                        [](uv_poll_t* handle, int, int) {
                          uv_poll_stop(handle);
                          static_cast<Task*>(handle->data)->advance_task();
                        }),
          "uv_poll_start");
  }

  // A handle goes once the loop has closed it.
  void forget(int fd) {
    if (!watched_ || fd != watched_fd_) return;
    uv_close(reinterpret_cast<uv_handle_t*>(watched_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    watched_ = nullptr;
    watched_fd_ = -1;
  }

  void advance_task() {
    try {
      if (!drive(script_, *this)) return;
    } catch (...) {
      batch_->job.fail_task(index_);
    }
    batch_->job.end(index_);
    script_ = Script();
    forget(watched_fd_);
    uv_close(as_handle(timer_), nullptr);
    if (--batch_->unfinished == 0) batch_->parked.stop();
  }

  Batch* batch_ = nullptr;
  std::uint32_t index_ = 0;
  uv_timer_t timer_;
  uv_fs_t file_;
  uv_poll_t* watched_ = nullptr;
  int watched_fd_ = -1;
  Script script_;
};
static_assert(Host<Task>);

// ---- Services ----

struct Server {
  explicit Server(ServerRun& serving) : run(serving), ticker(serving.idle_timeout()) {}
  ServerRun& run;
  Ticker ticker;
  std::uint32_t ticks = 0;
  std::array<char, largest_datagram> room;  // of which a connection takes receive_bytes
  Output out;
  Loop loop;
};

// The first pending bytes, as libuv takes them.
std::size_t gather(const Output& out, std::array<uv_buf_t, pieces_at_once>& buffers) {
  std::array<iovec, pieces_at_once> vectors;
  std::size_t size = 0;
  for (const iovec& vector : out.gather(vectors)) {
    buffers[size++] = uv_buf_init(static_cast<char*>(vector.iov_base), static_cast<unsigned>(vector.iov_len));
  }
  return size;
}

// One of a server's handles closes, and with its last one its owner.
class Owner {
 public:
  virtual ~Owner() = default;

  static Owner& of(const uv_handle_t* handle) { return *static_cast<Owner*>(handle->data); }

  static void close(uv_handle_t* handle) {
    if (uv_is_closing(handle)) return;
    uv_close(handle, [](uv_handle_t* closed) {
      if (--of(closed).handles_ == 0) delete &of(closed);
    });
  }

 protected:
  template <typename Handle>
  void own(Handle& handle) {
    handle.data = this;
    ++handles_;
  }

 private:
  int handles_ = 0;
};

template <typename Derived, typename Handle>
Derived& owner_of(const Handle* handle) {
  return static_cast<Derived&>(*static_cast<Owner*>(handle->data));
}

void close_all(Server& server) {
  uv_walk(
      server.loop.get(), [](uv_handle_t* handle, void*) { Owner::close(handle); }, nullptr);
}

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

  void tick() {
    if (const std::size_t left = uv_stream_get_write_queue_size(stream()); left != left_) {
      left_ = left;
      state_.moved(server_.ticks);
    }
    if (!state_.is_late(server_.ticks, server_.ticker.patience())) return;
    act(state_.too_late(server_.run, server_.out, server_.ticks));
  }

 private:
  uv_stream_t* stream() noexcept { return reinterpret_cast<uv_stream_t*>(&socket_); }

  void close() {
    Owner::close(as_handle(socket_));
    Owner::close(as_handle(timer_));
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
        case Todo::watch: return watch();
        case Todo::shut_down: todo = state_.shut_down(shut_down(), server_.ticks); break;
        case Todo::close: return close();
      }
    }
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
  Output unsent_;  // what libuv is sending
  Output behind_;  // what comes after it
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
      UniqueFd socket;
      switch (accept_one(server_.run, socket, SOCK_NONBLOCK)) {
        case Accepted::connection: (new Connection(server_))->open(std::move(socket)); break;
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
    if (handle->type == UV_TCP && !uv_is_closing(handle)) owner_of<Connection>(handle).tick();
  }

  Server& server_;
  uv_poll_t ticks_;
};

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

void serve_libuv(ServerRun& run) {
  const Run::Unit unit(run);
  make_nonblocking(run.socket());
  Server server(run);
  new Deadlines(server);  // they and all others are deleted once their handles are closed
  if (run.transport() == Transport::tcp) {
    new Listener(server);
  } else {
    new Datagrams(server);
  }
  server.loop.run();
}

void run_libuv(JobRun& job) {
  const Run::Unit unit(job);
  std::vector<Task> tasks(job.tasks());
  Task::Batch batch(job, tasks);
  while (job.next_batch()) {
    batch.unfinished = job.tasks();
    batch.parked.start();
    for (std::uint32_t index = 0; index < job.tasks(); ++index) tasks[index].start(batch, index);
    batch.loop.run();
  }
}

}  // namespace

extern constinit const Model libuv_model{
    .name = "libuv",
    .summary = "callbacks on libuv's loop, in one thread; compare with epoll",
    .aliases = {"uv"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .run = run_libuv,
    .serve = serve_libuv,
};

}  // namespace bench
