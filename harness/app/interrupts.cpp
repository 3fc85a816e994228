#include "harness/app/interrupts.h"

#include <signal.h>

#include <atomic>

namespace bench {
namespace {

std::atomic<int> count{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

void handle(int) { count.fetch_add(1); }

}  // namespace

void count_interrupts() {
  struct sigaction action {};
  action.sa_handler = handle;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int interrupts() { return count.load(); }

}  // namespace bench
