// Memory that a process shares with every process it forks.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace bench {

/// An anonymous shared mapping, zero-filled, at the same address in every process forked after it was made.
/// Each process unmaps its own view when the owner is destroyed there.
class SharedMapping {
 public:
  /// Throws std::system_error when the kernel refuses `bytes` bytes.
  explicit SharedMapping(std::size_t bytes);
  ~SharedMapping();
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;

  std::byte* data() const noexcept { return data_; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

/// `count` objects of T in shared memory. All-zero bytes must be a valid T: none is constructed or destroyed.
template <typename T>
requires std::is_trivially_destructible_v<T> && std::is_standard_layout_v<T>
class SharedArray {
 public:
  explicit SharedArray(std::size_t count) : count_(count), mapping_(count * sizeof(T)) {}
  T* data() const noexcept { return reinterpret_cast<T*>(mapping_.data()); }
  T& operator[](std::size_t index) const noexcept { return data()[index]; }
  std::span<T> span() const noexcept { return {data(), count_}; }

 private:
  std::size_t count_;
  SharedMapping mapping_;
};

}  // namespace bench
