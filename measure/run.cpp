#include "measure/run.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>

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

void RunReport::clear() noexcept {
  process_group.store(0);
  finished.store(0);
  helpers.store(0);
  units_alive.store(0);
  units_peak.store(0);
  failure.clear();
  job.batches = 0;
  job.warmup_batches = 0;
  job.wall_ns = 0;
  job.usage = {};
  job.latency.clear();
  job.start_delay.clear();
  job.service.clear();
  primitive = {};
  plain_loop_ns = 0;
  compute_ns = 0;
  ruler = {};
  service.load = {};
  service.error_text[0] = 0;
  for (Histogram* histogram : {&service.latency, &service.light_latency, &service.send_lag, &service.connect_time}) {
    histogram->clear();
  }
  service.littles_law_ratio = 0;
  service.usage = {};
  service.server_user_ns = 0;
  service.server_system_ns = 0;
  service.between_ns = 0;
  service.bare_request_ns = 0;
  service.open_at_barrier = 0;
  service.user_bytes = 0;
  service.others_busy = 0;
  service.kernel_bytes = 0;
  server.accepted.store(0);
  server.open.store(0);
  server.open_peak.store(0);
  server.refused.store(0);
  server.timed_out.store(0);
  server.stopping.store(0);
  server.ready.store(0);
  server.usage_answers.store(0);
  server.own_usage = {};
  server.own_usage_ns = 0;
}

void Run::fail(std::string_view reason) noexcept {
  report_.failure.set(reason);
  // Another unit may be about to write its reason, which came first: its words are not to be cut off.
  const std::int64_t deadline_ns = now_ns() + 10'000'000;
  while (report_.failure.reason().empty() && now_ns() < deadline_ns) {
  }
  // Only a run that was given a process group of its own may end it.
  if (report_.process_group.load() == getpgrp()) kill(0, SIGKILL);
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
