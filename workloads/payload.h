// Payloads that the echo services send and give back, and how their requests say that they are heavy.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace bench {

/// First byte of a heavy request's payload; upper case counts as well.
inline constexpr std::byte heavy_mark{'h'};

/// Whether a request with this first byte is heavy.
constexpr bool marks_heavy(std::byte first) noexcept { return (first | std::byte{0x20}) == heavy_mark; }

/// The letter in upper case; ASCII only, and without a branch, so that a compiler can take many bytes at once.
constexpr std::byte upper_case(std::byte letter) noexcept {
  const auto value = std::to_integer<unsigned>(letter);
  return static_cast<std::byte>(value - (static_cast<unsigned>(value - 'a' < 26U) << 5));
}

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
class SplitMix {
 public:
  constexpr explicit SplitMix(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
  }

  /// Eight letters: four bits of each byte select one of a to p.
  constexpr std::uint64_t next_letters() noexcept { return (next() & 0x0F0F0F0F0F0F0F0FU) + 0x6161616161616161U; }

 private:
  std::uint64_t state_;
};

/// Fills `room` with the payload of a request: lower-case letters that depend on connection, request and place.
inline void fill_payload(std::span<std::byte> room, std::uint64_t connection, std::uint64_t request,
                         bool heavy) noexcept {
  if (room.empty()) return;
  SplitMix random(connection * 0x9E3779B97F4A7C15U + request * 0xD1B54A32D192ED03U);
  for (std::size_t at = 0; at < room.size(); at += 8) {
    const std::uint64_t letters = random.next_letters();
    std::memcpy(room.data() + at, &letters, std::min<std::size_t>(sizeof letters, room.size() - at));
  }
  if (heavy) {
    room.front() = heavy_mark;
  } else if (room.front() == heavy_mark) {
    room.front() = std::byte{'q'};
  }
}

/// Fills `room` with the right answer to that payload.
inline void fill_answer(std::span<std::byte> room, std::uint64_t connection, std::uint64_t request,
                        bool heavy) noexcept {
  fill_payload(room, connection, request, heavy);
  std::ranges::transform(room, room.begin(), upper_case);
}

/// Big-endian integers, as in network protocols.
template <typename Integer>
constexpr Integer read_big_endian(std::span<const std::byte> bytes) noexcept {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Integer>(value << 8 | std::to_integer<Integer>(bytes[i]));
  }
  return value;
}

template <typename Integer>
constexpr void write_big_endian(std::span<std::byte> bytes, Integer value) noexcept {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes[i] = static_cast<std::byte>(value >> (8 * (sizeof value - 1 - i)));
  }
}

}  // namespace bench
