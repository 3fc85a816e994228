// What the two halves of `libuv` share: its loop, and how its calls fail.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <system_error>

#include "measure/job_run.h"
#include "measure/server_run.h"

namespace bench::on_libuv {

/// As Model has them.
void run(JobRun& job);
void serve(ServerRun& server);

inline void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

// An event loop, closed with all handles that were made in it.
class Loop {
 public:
  Loop() { check(uv_loop_init(&loop_), "uv_loop_init"); }
  ~Loop() {
    run();
    uv_loop_close(&loop_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() noexcept { return &loop_; }

  // Calls back until no handle is active.
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_;
};

template <typename Handle>
uv_handle_t* as_handle(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

inline void start_timer(uv_timer_t& timer, std::chrono::nanoseconds wait, uv_timer_cb due) {
  constexpr std::int64_t ms = 1'000'000;
  uv_update_time(timer.loop);  // or the wait would count from when the loop last slept
  uv_timer_start(&timer, due, static_cast<std::uint64_t>((wait.count() + ms - 1) / ms + 1), 0);
}

}  // namespace bench::on_libuv
