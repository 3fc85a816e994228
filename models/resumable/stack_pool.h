// Stacks of fibers, kept for the next fibers: a new one takes two system calls and a page fault.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bench {

/// Stacks of one size. Below each lies a page that must not be touched, so that an overflow ends the process with
/// SIGSEGV and does not write into a neighbour. The kernel gives a stack memory as it is used, page by page. One thread
/// uses a pool.
class StackPool {
 public:
  /// The lowest byte is the first; stacks grow towards it.
  using Stack = std::span<std::byte>;

  /// Of stacks of `bytes`, rounded up to whole pages. Makes none yet.
  explicit StackPool(std::size_t bytes);
  /// All stacks have been given back.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  /// A stack, the one given back last if there is one. Throws std::system_error where none can be made, as when the
  /// process has too many mappings (two for each stack; /proc/sys/vm/max_map_count).
  Stack take() {
    if (free_.empty()) return make();
    const Stack stack(free_.back(), bytes_);
    free_.pop_back();
    return stack;
  }

  void give_back(Stack stack) noexcept { free_.push_back(stack.data()); }

 private:
  Stack make();

  std::size_t page_bytes_;
  std::size_t bytes_;
  std::size_t made_ = 0;
  std::vector<std::byte*> free_;  // with room for all that were made
};

}  // namespace bench
