// Fibers: stackful coroutines of one thread, as greenlet has them.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "models/resumable/sanitizer_notes.h"
#include "models/resumable/stack_pool.h"

namespace bench {

/// A line of execution with a stack of its own, at whose top the Fiber itself lies.
///
/// Whoever starts or resumes it goes on when it parks or ends: fibers nest as calls do, and outermost is a thread's own
/// stack. A switch exchanges the registers that a call keeps (Boost.Context's jump_fcontext) and makes no system call.
/// A fiber does not park inside a catch handler, since a thread has one list of the exceptions that it handles,
/// whatever the stack. One that is parked cannot be dropped: what lies on its stack would never be destroyed.
class Fiber {
 public:
  /// Runs `body(fiber)` on a stack from `stacks`, which outlives the fiber, up to its first park() or its end. `body`
  /// lets no exception out. Throws std::system_error without a stack.
  template <typename Body>
  static void start(StackPool& stacks, Body body) {
    const StackPool::Stack stack = stacks.take();
    // Both addresses are multiples of 16, as the x86-64 and AArch64 ABIs want a stack.
    constexpr std::size_t size = (sizeof(Fiber) + 15) / 16 * 16;
    Fiber& fiber = *new (stack.last(size).data()) Fiber(stacks, stack);
    fiber.body_ = &body;
    fiber.inner_ = boost::context::detail::make_fcontext(&fiber, stack.size() - size, run<Body>);
    fiber.resume();
  }

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Goes on with the fiber, which is parked, up to its next park() or its end, where its stack goes back to the pool.
  void resume() {
    notes_.before_entry();
    inner_ = boost::context::detail::jump_fcontext(inner_, this).fctx;
    notes_.after_leaving();
    if (ended_) end();
  }

  /// Goes on with whoever resumed the fiber, until it is resumed again. Called by the fiber itself.
  void park() {
    notes_.before_leaving();
    outer_ = boost::context::detail::jump_fcontext(outer_, nullptr).fctx;
    notes_.after_entry();
  }

 private:
  Fiber(StackPool& stacks, StackPool::Stack stack) : stacks_(stacks), stack_(stack), notes_(stack) {}
  ~Fiber() = default;

  // The first function on the fiber's stack. It leaves for good at its end, since there is nowhere to return to.
  template <typename Body>
  static void run(boost::context::detail::transfer_t from) {
    Fiber& fiber = *static_cast<Fiber*>(from.data);
    fiber.outer_ = from.fctx;
    fiber.notes_.after_entry();
    {
      Body body = std::move(*static_cast<Body*>(fiber.body_));  // start() returns before the fiber ends
      body(fiber);
    }
    fiber.ended_ = true;
    fiber.notes_.before_ending();
    boost::context::detail::jump_fcontext(fiber.outer_, nullptr);
  }

  void end() noexcept {
    StackPool& stacks = stacks_;
    const StackPool::Stack stack = stack_;
    this->~Fiber();
    stacks.give_back(stack);
  }

  StackPool& stacks_;
  StackPool::Stack stack_;
  SanitizerNotes notes_;
  void* body_ = nullptr;                                // of start(), until run() has taken it over
  boost::context::detail::fcontext_t inner_ = nullptr;  // where the fiber goes on while it is parked
  boost::context::detail::fcontext_t outer_ = nullptr;  // where its resumer goes on while it runs
  bool ended_ = false;
};

}  // namespace bench
