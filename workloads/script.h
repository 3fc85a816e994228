// A task as a script: a coroutine that yields the operations it needs done for it and computes in between.
//
// The workload says what is waited for, the model decides how: a thread blocks, a coroutine suspends, a thread under
// a global lock lets go of it. So each workload is written once and no model can do less work than another.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "workloads/frame_pool.h"

namespace bench {

/// What a script may ask of its model. Everything that a task waits for is one of these.
enum class Verb : std::uint8_t {
  checkpoint,  ///< A place where the model may switch to another task.
  wait_for,    ///< Let Operation::duration pass.
  transfer,    ///< Bytes, a connection or a child's end: Operation::transfer.
  park,        ///< Wait until another task wakes this one, Operation::duration at the most.
};

/// Something done with a descriptor. Descriptor and bytes are the script's, and stay until it goes on.
struct Transfer {
  enum class Kind : std::uint8_t {
    read_at,    ///< From a regular file at an offset, as pread(2).
    write_at,   ///< To a regular file at an offset, as pwrite(2).
    connect,    ///< A new TCP connection to a port of 127.0.0.1; comes to its descriptor.
    send,       ///< To a connection; comes to how many bytes were taken.
    receive,    ///< From one; 0 at its end.
    read,       ///< From a pipe or what else may have to be waited for, as read(2); 0 at its end.
    child_end,  ///< The end of a child process, by its pidfd; comes to its exit status, or 128 and its signal.
    close,      ///< The end of a descriptor that the model may have watched.
  };
  Kind kind = Kind::read_at;
  int fd = -1;
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::int64_t offset = 0;  ///< In the file; of `connect` the port.
};

/// A field that several processes write in turn, in an order that guards give it. Only in so far atomic as the thread
/// sanitizer, which does not see what another process does, needs no order to be content.
template <typename T>
class InTurn {
 public:
  operator T() const noexcept { return value_.load(std::memory_order_relaxed); }
  T operator=(T value) noexcept {  // NOLINT(misc-unconventional-assign-operator)
    value_.store(value, std::memory_order_relaxed);
    return value;
  }

 private:
  std::atomic<T> value_;
};

/// A task that waits for another one, in memory that all units share; one for each task. Whoever wakes it and whoever
/// runs it may be of different threads or processes.
struct Waiting {
  static constexpr std::uint32_t running = 0;
  static constexpr std::uint32_t parked = 1;
  static constexpr std::uint32_t woken = 2;

  std::atomic<std::uint32_t> state;  ///< What the futex of a unit that blocks is.

  // Of what the task waits for (sync.h), under its guard.
  InTurn<Waiting*> next;
  InTurn<bool> granted;                       ///< It has got what it waits for.
  bool timed;                                 ///< It may give up.
  std::array<InTurn<std::uint64_t>, 2> slot;  ///< An item that is handed over.

  // Of the unit that runs the task: how it learns that the task is woken.
  void (*deliver)(Waiting&);
  void* home;                ///< For `deliver`: in shared memory, or null.
  void* unit;                ///< Of the process that runs the task alone.
  InTurn<Waiting*> in_mail;  ///< The next of those that were delivered.
  std::atomic<std::int64_t> due_ns;
  std::uint32_t task;

  /// The unit: parks from here on. False when the task has been woken already, and goes on.
  bool park() noexcept {
    std::uint32_t expected = running;
    if (state.compare_exchange_strong(expected, parked)) return true;
    state.store(running);
    return false;
  }

  /// The unit, when the task has waited for long enough: false when it has been woken meanwhile.
  bool give_up() noexcept {
    std::uint32_t expected = parked;
    return state.compare_exchange_strong(expected, running);
  }

  /// The unit, when `deliver` has told it.
  void resumed() noexcept { state.store(running); }

  /// Any unit: the task has got what it waits for, or is to look again.
  void wake() noexcept {
    if (state.exchange(woken) == parked) deliver(*this);
  }
};
static_assert(std::is_trivially_destructible_v<Waiting> && std::is_standard_layout_v<Waiting>);

/// No bound on how long a task is parked.
inline constexpr std::chrono::nanoseconds for_ever = std::chrono::nanoseconds::max();

/// One yielded operation: its verb and its operands.
struct Operation {
  Verb verb = Verb::checkpoint;
  bool again = false;  ///< Its model was told `later` by a descriptor that was not ready: it is to be done once more.
  std::chrono::nanoseconds duration{0};
  Transfer transfer;
  std::int64_t result = 0;     ///< What has come of a transfer, or -errno.
  Waiting* waiting = nullptr;  ///< Of this task; null where its job shares nothing.
};

struct Checkpoint {};
struct WaitFor {
  std::chrono::nanoseconds duration;
};

/// What sync.h makes of the verb `park`. A request is tried, and where that fails, the task is put among those that
/// wait, and parks.
template <typename Request>
concept WaitRequest = requires(Request request, Waiting* task, Waiting& waiting) {
  { request.attempt(task) } -> std::same_as<bool>;     // done at once
  { request.enqueue(waiting) } -> std::same_as<bool>;  // false: done after all
  { request.timeout() } -> std::same_as<std::chrono::nanoseconds>;
  request.finish(task);  // what co_yield comes to
}
&&std::is_trivially_copyable_v<Request>&& std::is_trivially_destructible_v<Request>;

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
  return {Transfer::Kind::read_at, fd, into.data(), into.size(), offset};
}

/// `const std::int64_t size = co_yield write_at(fd, bytes, offset)`: as pwrite(2), or -errno.
constexpr Transfer write_at(int fd, std::span<std::byte> from, std::int64_t offset) noexcept {
  return {Transfer::Kind::write_at, fd, from.data(), from.size(), offset};
}

/// `const std::int64_t fd = co_yield connect_to(port)`: a TCP connection to 127.0.0.1, or -errno. Its owner is the
/// script, which ends it by close_socket().
constexpr Transfer connect_to(std::uint16_t port) noexcept {
  return {.kind = Transfer::Kind::connect, .fd = -1, .data = nullptr, .bytes = 0, .offset = port};
}

/// `const std::int64_t size = co_yield send_to(fd, bytes)`: how many bytes were taken, or -errno.
inline Transfer send_to(int fd, std::span<const std::byte> bytes) noexcept {
  return {Transfer::Kind::send, fd, const_cast<std::byte*>(bytes.data()), bytes.size(), 0};
}

/// `const std::int64_t size = co_yield receive_from(fd, buffer)`: how many bytes came, 0 at the end, or -errno.
constexpr Transfer receive_from(int fd, std::span<std::byte> into) noexcept {
  return {Transfer::Kind::receive, fd, into.data(), into.size(), 0};
}

/// `const std::int64_t size = co_yield read_from(fd, buffer)`: as read(2) from a pipe, 0 at the end, or -errno. The
/// descriptor is one that blocks; how to wait for it is the model's affair.
constexpr Transfer read_from(int fd, std::span<std::byte> into) noexcept {
  return {Transfer::Kind::read, fd, into.data(), into.size(), 0};
}

/// `const std::int64_t status = co_yield end_of(pidfd)`: the exit status of a child process, or 128 and its signal.
constexpr Transfer end_of(int pidfd) noexcept { return {Transfer::Kind::child_end, pidfd, nullptr, 0, 0}; }

/// `co_yield close_socket(fd)`, which is to close whatever a transfer has waited for, a pidfd too.
constexpr Transfer close_socket(int fd) noexcept { return {Transfer::Kind::close, fd, nullptr, 0, 0}; }

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
  Operation& operation() const noexcept;

  /// The task may wait for others, which find it in `waiting`. Before the first step.
  void bind(Waiting& waiting) noexcept;

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
    void await_suspend(std::coroutine_handle<>) const noexcept { promise.operation_.verb = Verb::checkpoint; }
    void await_resume() const noexcept {}
  };

  struct TransferAwaiter : std::suspend_always {
    const std::int64_t& result;
    std::int64_t await_resume() const noexcept { return result; }
  };

  /// Of a request of sync.h.
  template <typename Request>
  struct ParkAwaiter {
    promise_type& promise;
    Request request;
    bool await_ready() noexcept { return request.attempt(promise.operation_.waiting); }
    bool await_suspend(std::coroutine_handle<>) {
      if (!promise.operation_.waiting) throw std::logic_error("a job whose tasks wait for each other has no state");
      if (!request.enqueue(*promise.operation_.waiting)) return false;
      promise.operation_.verb = Verb::park;
      promise.operation_.duration = request.timeout();
      return true;
    }
    auto await_resume() noexcept { return request.finish(promise.operation_.waiting); }
  };

  Script get_return_object() noexcept { return Script(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  // Not thrown on from here: clang 14 would then destroy the script's locals a second time.
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

  CheckpointAwaiter yield_value(Checkpoint) noexcept { return {*this}; }
  std::suspend_always yield_value(WaitFor wait) noexcept {
    operation_.verb = Verb::wait_for;
    operation_.duration = wait.duration;
    return {};
  }
  TransferAwaiter yield_value(Transfer transfer) noexcept {
    operation_.verb = Verb::transfer;
    operation_.transfer = transfer;
    return {{}, operation_.result};
  }
  template <WaitRequest Request>
  ParkAwaiter<Request> yield_value(Request request) noexcept {
    return {*this, request};
  }

 private:
  friend class Script;
  static inline constinit const std::atomic<bool> never_{false};
  const std::atomic<bool>* wanted_ = &never_;
  Operation operation_;
  std::exception_ptr thrown_;
};

inline bool Script::advance() {
  handle_.resume();
  if (!handle_.done()) return true;
  if (auto& thrown = handle_.promise().thrown_) std::rethrow_exception(std::exchange(thrown, nullptr));
  return false;
}

inline Operation& Script::operation() const noexcept { return handle_.promise().operation_; }

inline void Script::bind(Waiting& waiting) noexcept { handle_.promise().operation_.waiting = &waiting; }

inline void Script::switch_when(const std::atomic<bool>& wanted) noexcept { handle_.promise().wanted_ = &wanted; }

}  // namespace bench
