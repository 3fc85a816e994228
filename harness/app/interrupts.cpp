#include "harness/app/interrupts.h"

#include <signal.h>

#include <atomic>

namespace bench {
namespace {

std::atomic<int> count{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

// Nobody is there any more to ask a second time.
void handle(int number) { count.fetch_add(number == SIGHUP ? 2 : 1); }

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
