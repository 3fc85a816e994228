#include "workloads/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bench {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

template <typename Word>
std::uint64_t read_word(const std::byte* bytes) noexcept {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

std::uint64_t Digest::round(std::uint64_t lane, std::uint64_t word) noexcept {
  return std::rotl(lane + word * primes[1], 31) * primes[0];
}

void Digest::mix(const std::byte* block) noexcept {
  for (std::uint64_t& lane : lanes_) {
    lane = round(lane, read_word<std::uint64_t>(block));
    block += sizeof lane;
  }
}

void Digest::add(std::span<const std::byte> bytes) noexcept {
  const std::size_t held = size_ % block_bytes;
  size_ += bytes.size();
  if (held != 0) {
    const std::size_t taken = std::min(bytes.size(), block_bytes - held);
    std::copy_n(bytes.begin(), taken, block_.begin() + static_cast<std::ptrdiff_t>(held));
    bytes = bytes.subspan(taken);
    if (held + taken < block_bytes) return;
    mix(block_.data());
  }
  for (; bytes.size() >= block_bytes; bytes = bytes.subspan(block_bytes)) mix(bytes.data());
  std::ranges::copy(bytes, block_.begin());
}

std::uint64_t Digest::value() const noexcept {
  std::uint64_t hash = primes[4];
  if (size_ >= block_bytes) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = (hash ^ round(0, lane)) * primes[0] + primes[3];
  }
  hash += size_;
  const std::byte* rest = block_.data();
  std::size_t left = size_ % block_bytes;
  for (; left >= 8; left -= 8, rest += 8) {
    hash = std::rotl(hash ^ round(0, read_word<std::uint64_t>(rest)), 27) * primes[0] + primes[3];
  }
  for (; left >= 4; left -= 4, rest += 4) {
    hash = std::rotl(hash ^ read_word<std::uint32_t>(rest) * primes[0], 23) * primes[1] + primes[2];
  }
  for (; left != 0; --left, ++rest) {
    hash = std::rotl(hash ^ std::to_integer<std::uint64_t>(*rest) * primes[4], 11) * primes[0];
  }
  hash = (hash ^ hash >> 33) * primes[1];
  hash = (hash ^ hash >> 29) * primes[2];
  return hash ^ hash >> 32;
}

}  // namespace bench
