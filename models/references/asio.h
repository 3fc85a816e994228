// What the two halves of `asio` share: how a coroutine is started, and how it sleeps.
#pragma once

#include <asio.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "measure/job_run.h"
#include "measure/server_run.h"

namespace bench::on_asio {

/// As Model has them.
void run(JobRun& job);
void serve(ServerRun& server);

using asio::awaitable;
using asio::use_awaitable;

// An operation that puts what went wrong into `error` and does not throw.
inline auto with(asio::error_code& error) { return asio::redirect_error(use_awaitable, error); }

inline awaitable<void> sleep(asio::steady_timer& timer, std::chrono::nanoseconds duration) {
  timer.expires_after(duration);
  auto waiting = timer.async_wait(use_awaitable);
  co_await std::move(waiting);
}

// What a coroutine throws fails the run.
template <typename Coroutine>
void start(asio::io_context& context, Run& run, Coroutine coroutine) {
  asio::co_spawn(context, std::move(coroutine), [&run](const std::exception_ptr& thrown) {
    run.guard([&thrown] {
      if (thrown) std::rethrow_exception(thrown);
    });
  });
}

}  // namespace bench::on_asio
