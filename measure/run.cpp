#include "measure/run.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "measure/clock.h"

namespace bench {

void FailureSlot::set(std::string_view reason) noexcept {
  if (claimed_.exchange(1) != 0) return;
  const std::size_t length = std::min(reason.size(), capacity);
  std::copy_n(reason.begin(), length, text_);
  length_.store(static_cast<std::uint32_t>(length), std::memory_order_release);
}

std::string_view FailureSlot::reason() const noexcept { return {text_, length_.load(std::memory_order_acquire)}; }

void FailureSlot::clear() noexcept {
  length_.store(0);
  claimed_.store(0);
}

// All-zero bytes are a valid, empty report. Histograms of classes that no run has had take no memory: writing to them
// would give them some.
void RunReport::clear() noexcept {
  std::memset(static_cast<void*>(this), 0, offsetof(RunReport, class_latency));
  for (Histogram& latency : class_latency) {
    if (latency.count() != 0) latency.clear();
  }
}

void Run::fail(std::string_view reason) noexcept {
  if (who_.empty()) {
    whole_.failure.set(reason);  // allocates nothing
  } else {
    whole_.failure.set(fmt::format("{}: {}", who_, reason));
  }
  // Another unit may be about to write its reason, which came first: its words are not to be cut off.
  const std::int64_t deadline_ns = now_ns() + 10'000'000;
  while (whole_.failure.reason().empty() && now_ns() < deadline_ns) {
  }
  // Only a run that was given a process group of its own may end it.
  if (whole_.process_group.load() == getpgrp()) kill(0, SIGKILL);
  std::abort();
}

void Run::fail_with_exception(std::string_view who) noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    fail(fmt::format("{} threw: {}", who, error.what()));
  } catch (...) {
    fail(fmt::format("{} threw something that is no std::exception", who));
  }
}

}  // namespace bench
