// XXH64: tells contents apart at the speed of memory. It is no defence against malice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bench {

/// The 64-bit xxHash of a stream of bytes, with seed 0, however the stream is cut up: Y. Collet, "xxHash fast digest
/// algorithm", github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md. `xxhsum -H64` gives the same.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) noexcept;

  /// Of all that was added; more may follow.
  std::uint64_t value() const noexcept;

  /// Begins anew.
  void reset() noexcept { *this = Digest(); }

 private:
  static constexpr std::size_t lanes = 4;
  static constexpr std::size_t block_bytes = lanes * sizeof(std::uint64_t);
  static constexpr std::array<std::uint64_t, 5> primes{0x9E3779B185EBCA87U, 0xC2B2AE3D27D4EB4FU, 0x165667B19E3779F9U,
                                                       0x85EBCA77C2B2AE63U, 0x27D4EB2F165667C5U};

  static std::uint64_t round(std::uint64_t lane, std::uint64_t word) noexcept;
  void mix(const std::byte* block) noexcept;

  std::array<std::uint64_t, lanes> lanes_{primes[0] + primes[1], primes[1], 0, 0 - primes[0]};
  std::uint64_t size_ = 0;
  std::array<std::byte, block_bytes> block_;  // the last size_ % block_bytes bytes
};

}  // namespace bench
