// The units beside a run's first one: threads or processes that are started before the operations are measured and end
// when they are told to, in whatever way the primitive has for that.
#pragma once

#include <functional>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "measure/primitive_run.h"
#include "measure/process.h"
#include "models/blocking/child.h"
#include "workloads/futex.h"

namespace bench {

/// The owner makes the units end, then joins them.
class Partners {
 public:
  Partners(PrimitiveRun& run, Sharing sharing) : run_(run), sharing_(sharing) {}

  /// Starts a unit that runs `body` on the CPU of the run's `unit`-th. A refused unit fails the run.
  void start(std::uint32_t unit, const std::function<void()>& body) {
    const auto placed = [this, unit, body] {
      run_.place(unit);
      body();
    };
    if (sharing_ == Sharing::processes) {
      if (!watch_) watch_.emplace(run_);
      fork_unit(run_, placed);
      ++processes_;
      return;
    }
    try {
      threads_.emplace_back([this, placed] {
        const Run::Unit counted(run_);
        placed();
      });
    } catch (const std::system_error& error) {
      run_.fail("start a thread: " + describe_refusal(error.code().value(), "/proc/sys/kernel/threads-max"));
    }
  }

  /// Waits for all of them; one that did not end well fails the run.
  void join() {
    watch_.reset();  // from here on each is waited for
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    for (; processes_ != 0; --processes_) reap_unit(run_);
  }

 private:
  PrimitiveRun& run_;
  Sharing sharing_;
  std::vector<std::thread> threads_;
  std::uint32_t processes_ = 0;
  std::optional<KilledChildFails> watch_;
};

}  // namespace bench
