#include "harness/load/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <new>
#include <numeric>
#include <random>
#include <stdexcept>
#include <system_error>

#include "harness/load/client_socket.h"
#include "measure/clock.h"

namespace bench {
namespace {

// What the kernel says of the thread whose schedstat file this is; zeros where it does not tell.
RunQueueTimes run_queue_times(const UniqueFd& file) {
  std::array<char, 100> text{};
  if (!file.valid() || pread(file.get(), text.data(), text.size() - 1, 0) <= 0) return {};
  char* at = nullptr;
  std::strtoll(text.data(), &at, 10);  // how long it ran
  RunQueueTimes times;
  times.waited_ns = std::strtoll(at, &at, 10);
  times.turns = std::strtoll(at, nullptr, 10);
  return times;
}

// The same server at each of its addresses.
std::vector<Target> at_each_address(const Target& target) {
  std::vector<Target> all{target};
  all.front().others.clear();
  for (const auto& [address, size] : target.others) {
    all.push_back(all.front());
    all.back().address = address;
    all.back().address_size = size;
  }
  return all;
}

// Connections that are made anew have numbers past those of all parts of a load, each part from a range of its own.
std::uint64_t reconnected_numbers(const LoadPlan& plan) {
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  if (plan.generators == 1) return plan.connections;
  return most * (plan.number + 1);
}

}  // namespace

Worker::Worker(const LoadPlan& plan, const WorkerShare& share, WorkerLink link)
    : plan_(plan),
      share_(share),
      link_(link),
      window_(link.report.window),
      tcp_(plan.target.transport == Transport::tcp),
      transfers_(plan.target.transport == Transport::udp_transfers),
      split_classes_(plan.classes != 0),
      reset_at_close_(may_run_out_of_ports(plan.target, plan.sources)),
      targets_(at_each_address(plan.target)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      scratch_(max_tail_bytes + receive_bytes),
      connections_(share.connections),
      requests_(std::size_t{share.active} * plan.pipeline),
      free_(share.connections, plan.pipeline),
      next_number_(reconnected_numbers(plan) + share.worker),
      to_begin_(share.connections),
      users_(in_turn() ? share.active : 1) {
  if (!epoll_.valid()) throw std::system_error(errno, std::generic_category(), "epoll_create1 for the load");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = wake_mark}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, link.wake, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl for the load");
  }
  for (std::uint32_t index = 0; index < share.connections; ++index) {
    connections_[index].number = share.first_connection + index;
    connections_[index].active = index < share.active;
    connections_[index].heavy = index < share.heavy;
    queued_.push_back(index);
  }
  // A server that deals connections out in turn must not deal them out by kind.
  std::mt19937_64 random(plan.seed + share.worker);
  std::shuffle(queued_.begin(), queued_.end(), random);
  // Nor do those whose requests are heavy have their turn one after the other.
  std::iota(users_.begin(), users_.end(), 0U);
  std::shuffle(users_.begin(), users_.end(), random);
}

void Worker::run() {
  schedstat_ = UniqueFd(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  prctl(PR_SET_TIMERSLACK, 1);  // nanosecond, of this thread; the default of 50 µs would delay every due request
  now_ns_ = now_ns();
  await(LoadPhase::connect);
  connect_all();
  while (true) {
    await(LoadPhase::warm_up);
    const LoadPhase phase = link_.control.phase.load(std::memory_order_acquire);
    if (phase == LoadPhase::warm_up) load(false);
    if (phase == LoadPhase::window) load(true);
    if (phase == LoadPhase::finish) return;
  }
}

// Until the coordinator wants `phase` or a later one, and this one has not been done.
void Worker::await(LoadPhase phase) {
  turn_at_ns_ = INT64_MAX;
  const LoadPhase done = link_.report.done.load(std::memory_order_relaxed);
  while (true) {
    const LoadPhase wanted = link_.control.phase.load(std::memory_order_acquire);
    if (wanted >= phase && wanted > done) return;
    turn();
  }
}

void Worker::report_done(LoadPhase phase) {
  mode_ = Mode::paused;
  link_.report.done.store(phase, std::memory_order_release);
  constexpr std::uint64_t one = 1;
  if (write(link_.done, &one, sizeof one) != sizeof one) {
    throw std::system_error(errno, std::generic_category(), "write to the coordinator's eventfd");
  }
}

void Worker::connect_all() {
  mode_ = Mode::connecting;
  const std::int64_t deadline_ns = now_ns() + plan_.connect_deadline.count();
  turn_at_ns_ = deadline_ns;
  while (link_.report.connections_established + abandoned_ != share_.connections && now_ns_ < deadline_ns) turn();
  for (std::uint32_t index = 0; index < share_.connections; ++index) {
    if (connections_[index].established_once) continue;
    if (connections_[index].state == State::connecting) count_error(LoadError::connect_timeout);
    if (connections_[index].turned_away) count_error(LoadError::other, "the socket's backlog is full");
    close_connection(index);
    connections_[index].state = State::abandoned;
  }
  touch_window();
  prepare_load();
  report_done(LoadPhase::connect);
}

// The first write to each page costs a fault, which would keep the first requests waiting.
void Worker::touch_window() {
  WorkerReport& report = link_.report;
  new (&report.latency) Histogram;
  new (&report.send_lag) Histogram;
  for (auto& of_class : std::span(report.classes).first(plan_.classes)) new (&of_class) WorkerReport::ClassWindow{};
}

void Worker::restart_window() {
  WorkerReport& report = link_.report;
  window_ = {};
  report.latency.clear();
  report.send_lag.clear();
  for (auto& of_class : std::span(report.classes).first(plan_.classes)) {
    of_class.counts = {};
    of_class.latency.clear();
  }
}

// Of the next phase, what takes long where there are many connections.
void Worker::prepare_load() {
  due_ = {};
  if (share_.rate == 0) return;
  const std::uint64_t seed = (plan_.seed * 2 + loads_++) * share_.workers + share_.worker;
  due_ = DueRequests(plan_.arrivals, share_.rate, share_.phase, seed, users_);
}

void Worker::load(bool is_window) {
  const std::int64_t begin_ns = link_.control.begin_ns.load(std::memory_order_relaxed);
  const std::int64_t end_ns = link_.control.end_ns.load(std::memory_order_relaxed);
  turn_at_ns_ = begin_ns;
  while (now_ns_ < begin_ns) turn();
  begin_load(begin_ns, end_ns);
  turn_at_ns_ = end_ns;
  while (now_ns_ < end_ns_) turn();
  take_what_is_due();  // until the very end, whatever the last turn was about
  stop_load();
  drain(end_ns_, is_window);
  if (is_window) {
    count_unfinished();
    summarise_connections();
    leave_raw_latencies();
  }
  // What was due and could not be sent is of this phase, and is not made up for in the next.
  meter_.remove(due_.owed());
  if (!is_window) restart_window();
  prepare_load();
  report_done(is_window ? LoadPhase::window : LoadPhase::warm_up);
}

void Worker::begin_load(std::int64_t begin_ns, std::int64_t end_ns) {
  restart_window();
  std::uint64_t before_ns = 0;  // for how long what is under way has been so
  for (std::uint32_t index = 0; index < share_.connections; ++index) {
    Connection& connection = connections_[index];
    connection.window_replies = 0;
    for (std::uint32_t place = 0; place < connection.in_flight; ++place) {
      before_ns += static_cast<std::uint64_t>(begin_ns - request_at(index, place).due_ns);
    }
  }
  meter_.restart(begin_ns, before_ns);
  carried_ns_ = before_ns;
  raw_latencies_ns_.clear();
  meter_.step(now_ns_);
  due_.begin(begin_ns);
  end_ns_ = end_ns;
  slice_ = 0;
  slice_ns_ = (end_ns - begin_ns) / static_cast<std::int64_t>(window_slices) + 1;
  slice_end_ns_ = begin_ns + slice_ns_;
  read_thread_clocks();
  at_begin_ = total_;
  mode_ = Mode::running;
  // In an open loop whoever is free is listed already, and keeps its place: each has its turn before any has two.
  to_begin_ = open_loop() ? share_.connections : 0;
}

void Worker::stop_load() {
  mode_ = Mode::draining;
  to_begin_ = share_.connections;
  read_thread_clocks();
  window_.idle_ns = total_.idle_ns - at_begin_.idle_ns;
  window_.cpu_ns = total_.cpu_ns - at_begin_.cpu_ns;
  window_.kept_off_ns = std::max(total_.queued_ns - at_begin_.queued_ns, total_.absent_ns - at_begin_.absent_ns);
  window_.received_bytes = total_.received_bytes - at_begin_.received_bytes;
  window_.sent_bytes = total_.sent_bytes - at_begin_.sent_bytes;
  window_.backlog_at_end = due_.owed();
  window_.in_flight_at_end = meter_.count() - due_.owed();
  window_.in_flight_to_stop_ns = meter_.integral_ns() - carried_ns_;
  for (const Connection& connection : connections_) {
    if (!connection.active || !connection.established_once) continue;
    if (connection.state != State::pausing) ++window_.active_at_end;
  }
}

// Until all is over that is under way, or nothing more is to be expected. What a server that has fallen silent leaves
// of a warm-up goes on in the window, and counts from when it was sent.
void Worker::drain(std::int64_t stopped_ns, bool is_window) {
  constexpr std::int64_t look_again_ns = second_ns / 10;
  const std::int64_t deadline_ns = stopped_ns + plan_.drain.count();
  turn_at_ns_ = std::min(deadline_ns, stopped_ns + plan_.silence.count());
  while (!quiet()) {
    if (now_ns_ >= turn_at_ns_) {
      const bool silent = now_ns_ - last_reply_ns_ >= plan_.silence.count();
      if (now_ns_ >= deadline_ns || (silent && !(is_window && worth_waiting()))) return;
      turn_at_ns_ = std::min(deadline_ns, now_ns_ + look_again_ns);
    }
    turn();
  }
  await_deliveries(deadline_ns);
}

// A request that is answered may still be on its way to other connections. Nobody knows to how many: they have it once
// nothing has come for a while.
void Worker::await_deliveries(std::int64_t deadline_ns) {
  constexpr std::int64_t lull_ns = second_ns / 50;
  while (now_ns_ < std::min(deadline_ns, last_delivery_ns_ + lull_ns)) {
    turn_at_ns_ = std::min(deadline_ns, last_delivery_ns_ + lull_ns);
    turn();
  }
}

// Whether a request waits that may be answered: on a connection that stands, and not on one that has never been
// answered while others have.
bool Worker::worth_waiting() const {
  for (std::uint32_t index = 0; index < share_.active; ++index) {
    const Connection& connection = connections_[index];
    const bool waits = connection.in_flight != 0 || (in_turn() && due_.owes(index));
    if (waits && connection.state == State::open && (connection.answered || answered_ == 0)) return true;
  }
  return false;
}

void Worker::record_latency(std::int64_t latency_ns) {
  link_.report.latency.record(latency_ns);
  if (!plan_.raw_latencies.empty()) raw_latencies_ns_.push_back(latency_ns);
}

// One a line, in nanoseconds.
void Worker::leave_raw_latencies() const {
  if (plan_.raw_latencies.empty()) return;
  std::ofstream file(fmt::format("{}/{}-{}.txt", plan_.raw_latencies, plan_.number, share_.worker));
  for (const std::int64_t latency_ns : raw_latencies_ns_) file << latency_ns << '\n';
  if (!file.flush()) throw std::runtime_error(fmt::format("write raw latencies to {}", plan_.raw_latencies));
}

// A request without an answer has taken as long as it has waited: leaving it out would hide the worst.
void Worker::count_unfinished() {
  read_clock();
  const auto count = [&](std::int64_t due_ns) {
    ++window_.requests_unfinished;
    record_latency(now_ns_ - due_ns);
  };
  for (std::uint32_t index = 0; index < share_.active; ++index) {
    const Connection& connection = connections_[index];
    for (std::uint32_t place = 0; place < connection.in_flight; ++place) {
      const Request& request = request_at(index, place);
      count(request.due_ns);
      if (!split_classes_) continue;
      ++class_window(request).counts.unfinished;
      class_window(request).latency.record(now_ns_ - request.due_ns);
    }
  }
  // What has not been sent is of no class: the exchange says which one it asks for.
  meter_.remove(due_.owed());
  for (const std::uint32_t user : users_) {
    while (due_.owes(user)) count(due_.take(user));
  }
  window_.in_flight_integral_ns = meter_.integral_ns();
}

void Worker::summarise_connections() {
  for (const Connection& connection : connections_) {
    if (!connection.active || !connection.established_once) continue;
    ++window_.active_established;
    if (connection.window_replies != 0) ++window_.active_served;
    window_.replies_per_connection_max = std::max(window_.replies_per_connection_max, connection.window_replies);
    const auto replies = static_cast<double>(connection.window_replies);
    window_.replies_per_connection_sum += replies;
    window_.replies_per_connection_squares += replies * replies;
  }
}

void Worker::read_thread_clocks() {
  total_.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  look_at_run_queue();
  total_.queued_ns = run_queue_.kept_off_ns();
}

void Worker::look_at_run_queue() {
  run_queue_.look(run_queue_times(schedstat_));
  looked_ns_ = now_ns_;
}

bool Worker::quiet() const { return meter_.count() == 0 && connecting_ == 0; }

}  // namespace bench
