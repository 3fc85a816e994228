// Starting and joining, for the models whose units are threads.
#pragma once

#include <fmt/format.h>

#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "harness/measure/job_run.h"

namespace bench {

/// Threads that each count as a unit. The owner joins them before the group is destroyed.
class ThreadGroup {
 public:
  ThreadGroup(JobRun& job, std::size_t expected) : job_(job) { threads_.reserve(expected); }

  /// Starts a thread that runs `body`. A refused thread fails the run.
  template <typename Body>
  void start(Body body) {
    try {
      threads_.emplace_back([&job = job_, body = std::move(body)] {
        const JobRun::Unit unit(job);
        body();
      });
    } catch (const std::system_error& error) {
      job_.fail(fmt::format("start thread {}: {}; see `ulimit -u` and /proc/sys/kernel/threads-max",
                            threads_.size() + 1, error.code().message()));
    }
  }

  /// Waits for all threads.
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  JobRun& job_;
  std::vector<std::thread> threads_;
};

}  // namespace bench
