// What files hold whose contents are checked: every byte follows from the file's stamp and from its place.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "workloads/payload.h"

namespace bench {

/// Lower-case letters. The first 16 of them spell the stamp, so that who reads a file can tell which of those that were
/// written under its name it is; the others depend on it. No two stamps have the same letters anywhere for long.
class FileContents {
 public:
  static constexpr std::size_t stamp_bytes = 16;

  explicit constexpr FileContents(std::uint64_t stamp) noexcept : stamp_(stamp) {}

  /// Fills `room` with what lies at `offset`.
  void fill(std::span<std::byte> room, std::uint64_t offset) const noexcept {
    for (std::size_t at = 0; at < room.size();) {
      const std::uint64_t letters = word((offset + at) / word_bytes);
      const std::size_t skipped = (offset + at) % word_bytes;
      const std::size_t size = std::min(word_bytes - skipped, room.size() - at);
      std::memcpy(room.data() + at, reinterpret_cast<const std::byte*>(&letters) + skipped, size);
      at += size;
    }
  }

  /// Whether `bytes` are what lies at `offset`.
  bool matches(std::span<const std::byte> bytes, std::uint64_t offset) const noexcept {
    std::array<std::byte, 4096> expected;
    for (std::size_t at = 0; at < bytes.size(); at += expected.size()) {
      const std::size_t size = std::min(expected.size(), bytes.size() - at);
      fill(std::span(expected).first(size), offset + at);
      if (std::memcmp(expected.data(), bytes.data() + at, size) != 0) return false;
    }
    return true;
  }

  /// The stamp that the first bytes of a file spell; nothing where they spell none.
  static std::optional<std::uint64_t> stamp_in(std::span<const std::byte, stamp_bytes> first) noexcept {
    std::uint64_t stamp = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const auto letter = std::to_integer<std::uint64_t>(first[i]) - 'a';
      if (letter >= 16) return std::nullopt;
      stamp |= letter << (4 * i);
    }
    return stamp;
  }

 private:
  static constexpr std::size_t word_bytes = sizeof(std::uint64_t);
  static constexpr std::size_t stamp_words = stamp_bytes / word_bytes;

  std::uint64_t word(std::uint64_t number) const noexcept {
    if (number >= stamp_words) {
      return SplitMix(stamp_ * 0xD1B54A32D192ED03U + number * 0x9E3779B97F4A7C15U).next_letters();
    }
    std::array<char, word_bytes> letters{};
    for (std::size_t i = 0; i < letters.size(); ++i) {
      letters[i] = static_cast<char>('a' + (stamp_ >> (4 * (number * word_bytes + i)) & 15));
    }
    std::uint64_t spelled = 0;
    std::memcpy(&spelled, letters.data(), sizeof spelled);
    return spelled;
  }

  std::uint64_t stamp_;
};

}  // namespace bench
