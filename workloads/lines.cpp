#include "workloads/lines.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace bench {

std::optional<std::string_view> first_line(std::span<const std::byte> in) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(0, end);
}

Words split_word(std::string_view line) noexcept {
  const std::size_t space = std::min(line.find(' '), line.size());
  return {line.substr(0, space), line.substr(std::min(space + 1, line.size()))};
}

bool is_plain_text(std::string_view bytes) noexcept {
  // By the length of a character: the least that is to be written with so many bytes.
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  while (!bytes.empty()) {
    const auto first = static_cast<std::uint8_t>(bytes.front());
    const auto ones = static_cast<std::size_t>(std::countl_one(first));
    const std::size_t length = ones == 0 ? 1 : ones;
    if (ones == 1 || ones > 4 || length > bytes.size()) return false;
    std::uint32_t character = first & (0xFFU >> ones);
    for (const char next : bytes.substr(1, length - 1)) {
      const auto byte = static_cast<std::uint8_t>(next);
      if ((byte & 0xC0U) != 0x80) return false;
      character = character << 6 | (byte & 0x3FU);
    }
    const bool is_control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    const bool is_surrogate = character >= 0xD800 && character < 0xE000;
    if (character < least[length] || is_control || is_surrogate || character > 0x10FFFF) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace bench
