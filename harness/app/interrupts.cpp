#include "harness/app/interrupts.h"

#include <signal.h>

#include <atomic>

namespace bench {
namespace {

std::atomic<int> count{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

// A shell and the kernel may both tell of a terminal that goes away: that is one wish.
void handle(int number) {
  int none = 0;
  if (number == SIGHUP) {
    count.compare_exchange_strong(none, 1);
  } else {
    count.fetch_add(1);
  }
}

}  // namespace

void count_interrupts() {
  struct sigaction action {};
  action.sa_handler = handle;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A terminal that goes away ends the plan, unless nohup(1) says otherwise.
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

int interrupts() { return count.load(); }

}  // namespace bench
