#include "models/blocking/blocking.h"

#include <cerrno>
#include <ctime>

#include "measure/clock.h"
#include "workloads/futex.h"

namespace bench {
namespace {

timespec timespec_of(std::int64_t ns) { return {.tv_sec = ns / second_ns, .tv_nsec = ns % second_ns}; }

}  // namespace

void sleep_until(std::int64_t deadline_ns) {
  const timespec deadline = timespec_of(deadline_ns);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

void park_until_woken(Waiting& waiting, std::chrono::nanoseconds at_most) {
  if (!waiting.park()) return;
  if (at_most == for_ever) {
    while (waiting.state.load() == Waiting::parked) futex_wait(waiting.state, Waiting::parked, Sharing::processes);
    return waiting.resumed();
  }
  const std::int64_t deadline_ns = now_ns() + at_most.count();
  const timespec deadline = timespec_of(deadline_ns);
  while (waiting.state.load() == Waiting::parked) {
    if (now_ns() >= deadline_ns && waiting.give_up()) return;
    futex_wait_until(waiting.state, Waiting::parked, Sharing::processes, deadline);
  }
  waiting.resumed();
}

void wake_futex(Waiting& waiting) noexcept { futex_wake_one(waiting.state, Sharing::processes); }

}  // namespace bench
