// Lines of text, as protocols have them that people can type.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace bench {

/// The line at the front of `in`, without its newline; nothing where it has not come whole.
std::optional<std::string_view> first_line(std::span<const std::byte> in) noexcept;

/// A line's first word, and what follows after one space.
struct Words {
  std::string_view first;
  std::string_view rest;
};
Words split_word(std::string_view line) noexcept;

/// Whether `bytes` are UTF-8 (RFC 3629) without control characters: what may be shown on anybody's terminal.
bool is_plain_text(std::string_view bytes) noexcept;

}  // namespace bench
