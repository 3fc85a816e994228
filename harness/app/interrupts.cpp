#include "harness/app/interrupts.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "measure/clock.h"

namespace bench {
namespace {

std::atomic<int> count{0};
std::atomic<std::int64_t> hung_up_ns{0};  // when the terminal went away; 0 while it is there
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free,
              "used in a signal handler");

// A shell and the kernel may both tell of a terminal that goes away.
void handle(int number) {
  std::int64_t never = 0;
  if (number == SIGHUP && !hung_up_ns.compare_exchange_strong(never, now_ns())) return;
  count.fetch_add(1);
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

int interrupts() {
  // Nobody is there any more to ask a second time. By then a load has ended its window and has its last replies, unless
  // the server is silent, and what it measured is kept.
  constexpr std::int64_t patience_ns = 5 * second_ns;
  const std::int64_t since_ns = hung_up_ns.load();
  return since_ns != 0 && now_ns() - since_ns > patience_ns ? std::max(count.load(), 2) : count.load();
}

}  // namespace bench
