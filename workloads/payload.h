// Payloads that the echo services send and give back, and how their requests say that they are heavy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace bench {

/// Longest payload of an echo message: longer ones are a protocol error.
inline constexpr std::uint32_t max_echo_bytes = 1U << 30;

/// Longest payload of a UDP echo: what an IPv4 datagram holds (65,507 bytes), less the 12 bytes of the header.
inline constexpr std::uint64_t max_udp_echo_bytes = 65'507 - 12;

/// First byte of a heavy request's payload; upper case counts as well.
inline constexpr std::byte heavy_mark{'h'};

/// Whether a request with this first byte is heavy.
constexpr bool marks_heavy(std::byte first) noexcept { return (first | std::byte{0x20}) == heavy_mark; }

/// Eight letters in upper case at once, in any byte order: ASCII only, bytes from 0x80 stay.
constexpr std::uint64_t upper_case(std::uint64_t letters) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101U;
  const std::uint64_t low = letters & (each * 0x7F);
  // In the top bit of each byte, without a carry into the next: at least 'a', and beyond 'z'.
  const std::uint64_t from_a = low + each * (0x80 - 'a');
  const std::uint64_t beyond_z = low + each * (0x7F - 'z');
  return letters ^ (((from_a ^ beyond_z) & ~letters & (each * 0x80)) >> 2);
}

/// Copies `from` to `to`, which has the same size and may be the same, in upper case.
inline void copy_upper_case(std::span<const std::byte> from, std::span<std::byte> to) noexcept {
  std::uint64_t letters = 0;
  std::size_t at = 0;
  for (; at + sizeof letters <= from.size(); at += sizeof letters) {
    std::memcpy(&letters, from.data() + at, sizeof letters);
    letters = upper_case(letters);
    std::memcpy(to.data() + at, &letters, sizeof letters);
  }
  if (at == from.size()) return;
  std::memcpy(&letters, from.data() + at, from.size() - at);
  letters = upper_case(letters);
  std::memcpy(to.data() + at, &letters, from.size() - at);
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
  std::size_t at = 0;
  for (; at + 8 <= room.size(); at += 8) {
    const std::uint64_t letters = random.next_letters();
    std::memcpy(room.data() + at, &letters, sizeof letters);
  }
  if (at < room.size()) {
    const std::uint64_t letters = random.next_letters();
    std::memcpy(room.data() + at, &letters, room.size() - at);
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
  copy_upper_case(room, room);
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
