// What the sanitizers have to be told when a thread goes on on another stack; nothing in other builds.
//
// The address sanitizer has to know the stack's bounds, the thread sanitizer that another line of execution goes on
// (<sanitizer/common_interface_defs.h>, <sanitizer/tsan_interface.h>).
#pragma once

#include <cstddef>
#include <span>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace bench {

#if defined(__SANITIZE_ADDRESS__)

/// Before a stack is given back to the kernel: what is mapped there later is not to inherit its notes.
inline void forget_stack(std::span<std::byte> stack) { __asan_unpoison_memory_region(stack.data(), stack.size()); }

/// The notes of one fiber. Each is made right before or right after a switch, on the stack that its comment names.
class SanitizerNotes {
 public:
  /// Of a stack that is new or used again.
  explicit SanitizerNotes(std::span<std::byte> stack) : stack_(stack) { forget_stack(stack); }

  void before_entry() {  // on the outer stack
    __sanitizer_start_switch_fiber(&outer_frames_, stack_.data(), stack_.size());
  }
  void after_entry() {  // on the fiber's
    __sanitizer_finish_switch_fiber(frames_, &outer_stack_, &outer_size_);
  }
  void before_leaving() {  // on the fiber's
    __sanitizer_start_switch_fiber(&frames_, outer_stack_, outer_size_);
  }
  void before_ending() {  // on the fiber's
    __sanitizer_start_switch_fiber(nullptr, outer_stack_, outer_size_);
  }
  void after_leaving() {  // on the outer stack
    __sanitizer_finish_switch_fiber(outer_frames_, nullptr, nullptr);
  }

 private:
  std::span<std::byte> stack_;
  void* frames_ = nullptr;  // where the sanitizer keeps locals of the fiber that outlive their scope
  void* outer_frames_ = nullptr;
  const void* outer_stack_ = nullptr;
  std::size_t outer_size_ = 0;
};

#else

inline void forget_stack(std::span<std::byte> /*stack*/) {}

#endif

#if defined(__SANITIZE_THREAD__)

class SanitizerNotes {
 public:
  explicit SanitizerNotes(std::span<std::byte> /*stack*/) : fiber_(__tsan_create_fiber(0)) {}
  ~SanitizerNotes() { __tsan_destroy_fiber(fiber_); }
  SanitizerNotes(const SanitizerNotes&) = delete;
  SanitizerNotes& operator=(const SanitizerNotes&) = delete;

  void before_entry() {
    outer_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber_, 0);
  }
  void after_entry() {}
  void before_leaving() { __tsan_switch_to_fiber(outer_, 0); }
  void before_ending() { __tsan_switch_to_fiber(outer_, 0); }
  void after_leaving() {}

 private:
  void* fiber_;
  void* outer_ = nullptr;
};

#elif !defined(__SANITIZE_ADDRESS__)

class SanitizerNotes {
 public:
  explicit SanitizerNotes(std::span<std::byte> /*stack*/) {}
  void before_entry() {}
  void after_entry() {}
  void before_leaving() {}
  void before_ending() {}
  void after_leaving() {}
};

#endif

}  // namespace bench
