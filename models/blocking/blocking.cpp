#include "models/blocking/blocking.h"

#include <cerrno>
#include <ctime>

namespace bench {

void sleep_until(std::int64_t deadline_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const timespec deadline{.tv_sec = deadline_ns / second_ns, .tv_nsec = deadline_ns % second_ns};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

void block_for(const Operation& operation) {
  switch (operation.kind) {
    case Op::checkpoint: break;
    case Op::wait_for: sleep_until(now_ns() + operation.duration.count()); break;
    case Op::read:
    case Op::write: *operation.result = do_transfer(operation.transfer); break;
  }
}

}  // namespace bench
