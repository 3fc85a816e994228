// A number that stands for many.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace bench {

/// Depends on every word and on its place.
class WordDigest {
 public:
  void add(std::uint64_t value) noexcept { state_ = std::rotl(state_, 5) * 0x94D0'49BB'1331'11EBU + value; }

  /// Adds eight bytes at a time; the last word is filled up with zeros.
  void add(std::span<const std::byte> bytes) noexcept {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.data() + at, std::min(sizeof value, bytes.size() - at));
      add(value);
    }
  }

  std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace bench
