// A task as a script: a coroutine that yields the operations it needs done for it and computes in between.
//
// The workload says what is waited for, the model decides how: a thread blocks, a coroutine suspends, a thread under
// a global lock lets go of it. So each workload is written once and no model can do less work than another.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "workloads/frame_pool.h"

namespace bench {

/// What a script may ask of its model.
enum class Op : std::uint8_t {
  checkpoint,  ///< A place where the model may switch to another task.
  wait_for,    ///< Let `Operation::duration` pass.
};

/// One yielded operation: its kind and its operands.
struct Operation {
  Op kind = Op::checkpoint;
  std::chrono::nanoseconds duration{0};
};

struct Checkpoint {};
struct WaitFor {
  std::chrono::nanoseconds duration;
};

// g++ 12 destroys a yielded temporary twice when it is not trivial.
static_assert(std::is_trivially_copyable_v<Operation> && std::is_trivially_destructible_v<Operation>);
static_assert(std::is_trivially_copyable_v<WaitFor> && std::is_trivially_destructible_v<WaitFor>);

/// `co_yield checkpoint()`: the model may switch here. Free of a suspension unless the model wants one.
constexpr Checkpoint checkpoint() noexcept { return {}; }

/// `co_yield wait_for(10ms)`: at least `duration` passes before the script goes on.
constexpr WaitFor wait_for(std::chrono::nanoseconds duration) noexcept { return {duration}; }

/// A task's script. Its model creates, advances and destroys it, one thread at a time; it never crosses processes.
class Script {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  Script() = default;
  Script(Script&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Script& operator=(Script&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() {
    if (handle_) handle_.destroy();
  }

  /// Computes up to the next operation, which operation() then tells; false when the script has ended.
  /// Throws what the script throws; after that the script has ended.
  bool advance();

  /// The operation that the script is waiting for.
  const Operation& operation() const noexcept;

  /// From now on the script suspends at a checkpoint when `wanted` is true there. The flag must outlive the script.
  /// Without it a checkpoint never suspends.
  void switch_when(const std::atomic<bool>& wanted) noexcept;

 private:
  explicit Script(Handle handle) noexcept : handle_(handle) {}
  Handle handle_;
};

class Script::promise_type : public PooledFrame<Script> {
 public:
  /// Ready, so without a suspension, unless the model wants a switch.
  struct CheckpointAwaiter {
    promise_type& promise;
    bool await_ready() const noexcept { return !promise.wanted_->load(std::memory_order_relaxed); }
    void await_suspend(std::coroutine_handle<>) const noexcept { promise.operation_.kind = Op::checkpoint; }
    void await_resume() const noexcept {}
  };

  Script get_return_object() noexcept { return Script(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() const { throw; }

  CheckpointAwaiter yield_value(Checkpoint) noexcept { return {*this}; }
  std::suspend_always yield_value(WaitFor wait) noexcept {
    operation_ = {Op::wait_for, wait.duration};
    return {};
  }

 private:
  friend class Script;
  static inline constinit const std::atomic<bool> never_{false};
  const std::atomic<bool>* wanted_ = &never_;
  Operation operation_;
};

inline bool Script::advance() {
  handle_.resume();
  return !handle_.done();
}

inline const Operation& Script::operation() const noexcept { return handle_.promise().operation_; }

inline void Script::switch_when(const std::atomic<bool>& wanted) noexcept { handle_.promise().wanted_ = &wanted; }

}  // namespace bench
