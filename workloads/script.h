// A task as a script: a coroutine that yields the operations it needs done for it and computes in between.
//
// The workload says what is waited for, the model decides how: a thread blocks, a coroutine suspends, a thread under
// a global lock lets go of it. So each workload is written once and no model can do less work than another.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>

#include "workloads/frame_pool.h"

namespace bench {

/// What a script may ask of its model.
enum class Op : std::uint8_t {
  checkpoint,  ///< A place where the model may switch to another task.
  wait_for,    ///< Let `Operation::duration` pass.
  read,        ///< From a regular file: `Operation::transfer`.
  write,       ///< To a regular file: `Operation::transfer`.
};

/// A read or write of a regular file at an offset. The file and the bytes are the script's, and stay until it goes on.
struct Transfer {
  Op kind = Op::read;
  int fd = -1;
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::int64_t offset = 0;
};

/// One yielded operation: its kind and its operands.
struct Operation {
  Op kind = Op::checkpoint;
  std::chrono::nanoseconds duration{0};
  Transfer transfer;
  std::int64_t* result = nullptr;  ///< For what has come of a transfer: bytes, fewer than asked for too, or -errno.
};

struct Checkpoint {};
struct WaitFor {
  std::chrono::nanoseconds duration;
};

// g++ 12 destroys a yielded temporary twice when it is not trivial.
static_assert(std::is_trivially_copyable_v<Operation> && std::is_trivially_destructible_v<Operation>);
static_assert(std::is_trivially_copyable_v<WaitFor> && std::is_trivially_destructible_v<WaitFor>);
static_assert(std::is_trivially_copyable_v<Transfer> && std::is_trivially_destructible_v<Transfer>);

/// `co_yield checkpoint()`: the model may switch here. Free of a suspension unless the model wants one.
constexpr Checkpoint checkpoint() noexcept { return {}; }

/// `co_yield wait_for(10ms)`: at least `duration` passes before the script goes on.
constexpr WaitFor wait_for(std::chrono::nanoseconds duration) noexcept { return {duration}; }

/// `const std::int64_t size = co_yield read_at(fd, buffer, offset)`: as pread(2), or -errno; 0 at the file's end.
constexpr Transfer read_at(int fd, std::span<std::byte> into, std::int64_t offset) noexcept {
  return {Op::read, fd, into.data(), into.size(), offset};
}

/// `const std::int64_t size = co_yield write_at(fd, bytes, offset)`: as pwrite(2), or -errno.
constexpr Transfer write_at(int fd, std::span<std::byte> from, std::int64_t offset) noexcept {
  return {Op::write, fd, from.data(), from.size(), offset};
}

/// Does a transfer by a blocking call, taken up again where a signal interrupts it; as pread(2) and pwrite(2), or
/// -errno.
std::int64_t do_transfer(const Transfer& transfer) noexcept;

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

  struct TransferAwaiter : std::suspend_always {
    const std::int64_t& result;
    std::int64_t await_resume() const noexcept { return result; }
  };

  Script get_return_object() noexcept { return Script(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  // Not thrown on from here: clang 14 would then destroy the script's locals a second time.
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

  CheckpointAwaiter yield_value(Checkpoint) noexcept { return {*this}; }
  std::suspend_always yield_value(WaitFor wait) noexcept {
    operation_.kind = Op::wait_for;
    operation_.duration = wait.duration;
    return {};
  }
  TransferAwaiter yield_value(Transfer transfer) noexcept {
    operation_.kind = transfer.kind;
    operation_.transfer = transfer;
    operation_.result = &result_;
    return {{}, result_};
  }

 private:
  friend class Script;
  static inline constinit const std::atomic<bool> never_{false};
  const std::atomic<bool>* wanted_ = &never_;
  Operation operation_;
  std::int64_t result_ = 0;
  std::exception_ptr thrown_;
};

inline bool Script::advance() {
  handle_.resume();
  if (!handle_.done()) return true;
  if (auto& thrown = handle_.promise().thrown_) std::rethrow_exception(std::exchange(thrown, nullptr));
  return false;
}

inline const Operation& Script::operation() const noexcept { return handle_.promise().operation_; }

inline void Script::switch_when(const std::atomic<bool>& wanted) noexcept { handle_.promise().wanted_ = &wanted; }

}  // namespace bench
