// The loop of a worker.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "harness/load/worker.h"
#include "measure/clock.h"

namespace bench {
namespace {
// How often to look for what has taken too long: by a twentieth of the shortest time that anything may take, and a
// millisecond, it is found too late at the most.
std::int64_t sweep_pause_ns(const LoadPlan& plan) {
  const bool tcp = plan.target.transport == Transport::tcp;
  const std::chrono::nanoseconds shortest =
      std::min(tcp ? plan.request_timeout : plan.datagram_timeout, plan.connect_deadline);
  return std::clamp(shortest.count() / 20, second_ns / 1000, tcp ? second_ns / 10 : second_ns / 50);
}

// Connections that are told at once that requests begin, so that the first replies do not wait for all of them.
constexpr std::uint32_t begun_at_once = 64;

}  // namespace

void Worker::turn() {
  if (may_connect()) begin_connections();
  if (to_begin_ != share_.connections) begin_requests();
  const int ready = wait_for_events(next_turn_ns());
  for (int i = 0; i < ready; ++i) {
    handle(events_[static_cast<std::size_t>(i)]);
    // A long batch of replies does not hold up what has become due meanwhile.
    if (due_.next_ns() <= now_ns_) take_what_is_due();
  }
  take_what_is_due();
  if (now_ns_ >= sweep_ns_) sweep();
}

std::int64_t Worker::next_turn_ns() const {
  if (to_begin_ != share_.connections) return 0;
  std::int64_t next_ns = std::min(turn_at_ns_, sweep_ns_);
  // While no connection can take a request, it does not matter when another one is due.
  if (mode_ == Mode::running && free_.front() != FreeLists::none) next_ns = std::min(next_ns, due_.next_ns());
  if (may_connect() && !pausing_.empty()) next_ns = std::min(next_ns, pausing_.top().first);
  return next_ns;
}

int Worker::wait_for_events(std::int64_t until_ns) {
  if (now_ns_ - looked_ns_ >= RunQueueMeter::apart_ns) look_at_run_queue();
  const std::int64_t begin_ns = now_ns();
  note_absence(begin_ns - now_ns_);
  const std::int64_t left_ns = std::max<std::int64_t>(until_ns - begin_ns, 0);
  const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
  const int ready = epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_pwait2 for the load");
  now_ns_ = std::max(until_ns, begin_ns);  // until then it has slept as it was asked to
  woken_ns_ = read_clock();
  total_.idle_ns += woken_ns_ - begin_ns;
  return std::max(ready, 0);
}

// The loop was away for `away_ns` between two readings of the clock that lie close together in the program.
void Worker::note_absence(std::int64_t away_ns) {
  constexpr std::int64_t shortest_ns = second_ns / 1000;  // much longer than any of its system calls takes
  if (away_ns < shortest_ns) return;
  total_.absent_ns += away_ns;
  if (mode_ == Mode::running) window_.longest_absence_ns = std::max(window_.longest_absence_ns, away_ns);
}

void Worker::handle(const epoll_event& event) {
  if (event.data.u64 == wake_mark) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = read(link_.wake, &count, sizeof count);  // the control says what is wanted
    if (mode_ == Mode::running) end_ns_ = turn_at_ns_ = link_.control.end_ns.load(std::memory_order_relaxed);
    return;
  }
  const auto index = static_cast<std::uint32_t>(event.data.u64);
  Connection& connection = connections_[index];
  if (connection.generation != event.data.u64 >> 32) return;  // closed earlier in this batch
  if (connection.state == State::connecting) {
    return connection.tls ? go_on_securing(index) : finish_connection(index, event.events);
  }
  if ((event.events & EPOLLOUT) != 0 && !flush(index)) return;
  if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(index);
}

void Worker::begin_requests() {
  const std::uint32_t end = std::min(to_begin_ + begun_at_once, share_.connections);
  for (; to_begin_ != end; ++to_begin_) {
    if (connections_[to_begin_].state != State::open) continue;
    woken_ns_ = read_clock();  // nobody was late: these are first requests
    connections_[to_begin_].free_since_ns = now_ns_;
    use_connection(to_begin_);
  }
}

// Counts the requests that are due, the last of them right before the stop, and sends as many as connections can take.
void Worker::take_what_is_due() {
  if (mode_ == Mode::running) {
    const std::int64_t until_ns = std::min(now_ns_, end_ns_ - 1);
    while (due_.next_ns() <= until_ns) {
      meter_.add_since(due_.next_ns());
      const std::uint32_t user = due_.fall_due();
      if (in_turn()) send_owed_by(user);
    }
  }
  if (!in_turn()) send_owed();
}

// Looks for what has taken too long.
void Worker::sweep() {
  sweep_ns_ = now_ns_ + sweep_pause_ns(plan_);
  for (std::uint32_t index = 0; index < share_.connections; ++index) {
    Connection& connection = connections_[index];
    if (connection.state == State::connecting) {
      if (now_ns_ - connection.since_ns >= plan_.connect_deadline.count()) connection_failed(index, ETIMEDOUT);
    } else if (connection.in_flight != 0) {
      if (transfers_) {
        go_on_with_transfer(index);
      } else if (!tcp_) {
        give_up_datagrams(index);
      } else if (is_overdue(index)) {
        fail(index, LoadError::timeout);
      }
    }
  }
}

}  // namespace bench
