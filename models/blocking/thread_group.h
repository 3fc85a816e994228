// Starting and joining, for the models whose units are threads.
#pragma once

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "measure/process.h"
#include "measure/server_run.h"

namespace bench {

/// Threads that their owner joins before the group is destroyed.
class ThreadGroup {
 public:
  ThreadGroup(Run& run, std::size_t expected) : run_(run) { threads_.reserve(expected); }

  /// Starts a thread that runs `body`. A refused thread fails the run.
  template <typename Body>
  void start(Body body) {
    launch([&run = run_, body = std::move(body)] { run.as_unit(body); });
  }

  /// Likewise for a thread that counts as no unit itself, but carries others.
  template <typename Body>
  void start_uncounted(Body body) {
    launch([&run = run_, body = std::move(body)] { run.guard(body); });
  }

  /// Waits for all threads.
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  template <typename Body>
  void launch(Body body) {
    try {
      threads_.emplace_back(std::move(body));
    } catch (const std::system_error& error) {
      run_.fail(fmt::format("start thread {}: {}", threads_.size() + 1,
                            describe_refusal(error.code().value(), "/proc/sys/kernel/threads-max")));
    }
  }

  Run& run_;
  std::vector<std::thread> threads_;
};

/// Threads of a server that nobody joins one by one: each counts as a unit and ends when its connection does.
class ServingThreads {
 public:
  explicit ServingThreads(ServerRun& server) : server_(server) {}

  /// Waits until all have ended.
  ~ServingThreads() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return running_ == 0; });
  }
  ServingThreads(const ServingThreads&) = delete;
  ServingThreads& operator=(const ServingThreads&) = delete;

  /// Starts a thread that runs `body`. A refused thread costs what `body` would have served.
  template <typename Body>
  void start(Body body) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    try {
      std::thread([this, body = std::move(body)]() mutable {
        server_.as_unit([&body] {
          Body own = std::move(body);  // destroyed, and its descriptor closed, before the thread counts as ended
          own();
        });
        count_out();
      }).detach();
    } catch (const std::system_error&) {
      server_.count_refused();
      count_out();
    }
  }

 private:
  void count_out() {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) ended_.notify_all();
  }

  ServerRun& server_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
};

}  // namespace bench
