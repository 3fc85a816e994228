// Frames of coroutines that have ended, kept for the next ones: a malloc and a free would cost more than an empty
// script.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace bench {

// A sanitizer must see each frame come and go.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool frames_are_pooled = false;
#else
inline constexpr bool frames_are_pooled = true;
#endif

/// The free frames of one thread, all of one size; frames of other sizes come from the heap. One thread uses a pool: a
/// frame may be given back to another thread's, since both came from the heap.
class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool() {
    while (free_) ::operator delete(std::exchange(free_, free_->next));
  }

  void* take(std::size_t size) {
    if (free_ && size == size_) return std::exchange(free_, free_->next);
    if (!free_) size_ = size;
    return ::operator new(size);
  }

  void give_back(void* frame, std::size_t size) noexcept {
    if (!frames_are_pooled || size != size_) return ::operator delete(frame);
    free_ = new (frame) FreeFrame{free_};
  }

 private:
  struct FreeFrame {
    FreeFrame* next;
  };
  FreeFrame* free_ = nullptr;
  std::size_t size_ = 0;
};

/// A base of promise types whose coroutines' frames are pooled, in a pool for each thread and each `Promise`.
template <typename Promise>
struct PooledFrame {
  static void* operator new(std::size_t size) { return pool.take(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { pool.give_back(frame, size); }

 private:
  static inline thread_local FramePool pool;
};

}  // namespace bench
