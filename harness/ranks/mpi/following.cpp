#include "harness/ranks/mpi/following.h"

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "measure/clock.h"

namespace bench {

Follower::Follower(const CrewSetup& setup, const Joined& joined, std::uint32_t rank)
    : joined_(joined), parts_(setup, joined, rank, [this] {
        look_after_leader();
        return true;
      }) {}

void Follower::follow() {
  // Of what has started the ranks, which sends them to all: the leader decides what becomes of the plan.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  SharedArray<RunReport> unused(1);  // the sum is at the leader
  while (true) {
    Order order;
    if (!receive_from(0, Tag::order, order)) {
      look_after_leader();
      std::this_thread::sleep_for(glance);
      continue;
    }
    if (order.kind == Order::Kind::run && !carry_out(order.request)) return;
    if (order.kind == Order::Kind::merge) parts_.reduce(order.took_part, *unused.data());
    if (order.kind == Order::Kind::dismiss) return;
  }
}

// Shows that this process is alive and not stopped.
void Follower::look_after_leader() {
  char byte = 0;
  if (recv(joined_.to_leader.get(), &byte, 1, MSG_DONTWAIT) == 0) leave_at_once(1);
  if (now_ns() < next_beat_ns_) return;
  next_beat_ns_ = now_ns() + std::chrono::nanoseconds(heartbeat).count();
  constexpr char pulse = '.';
  [[maybe_unused]] const auto sent = send(joined_.to_leader.get(), &pulse, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Follower::carry_out(const RunRequest& request) {
  std::uint32_t told = 0;
  std::int64_t next_word_ns = now_ns();
  Wish wish = Wish::all;
  bool dismissed = false;
  const Word end = parts_.run(request, [&](RunSteps& steps) {
    look_after_leader();
    if (const std::uint32_t reached = steps.reached.load(); reached > told) {
      told = reached;
      send_to(0, Tag::word, Word{.kind = Word::Kind::reached, .step = told, .port = steps.port.load()});
    }
    if (told < static_cast<std::uint32_t>(RunStep::connected) && now_ns() >= next_word_ns) {
      next_word_ns = now_ns() + std::chrono::nanoseconds(heartbeat).count();
      send_to(0, Tag::word, word_of(parts_.connecting()));
    }
    for (Order order; receive_from(0, Tag::order, order);) {
      if (order.kind == Order::Kind::go_on) Parts::go_on(steps, order.step, order.port);
      if (order.kind == Order::Kind::end_soon) wish = std::max(wish, Wish::so_far);
      if (order.kind == Order::Kind::cancel) wish = Wish::nothing;
      if (order.kind == Order::Kind::dismiss) {
        wish = Wish::nothing;
        dismissed = true;
      }
    }
    return wish;
  });
  if (!dismissed) send_to(0, Tag::word, end);
  return !dismissed;
}

}  // namespace bench
