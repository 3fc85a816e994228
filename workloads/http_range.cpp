#include "workloads/http_range.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace bench {
namespace {

// Takes the digits that `text` begins with; nothing where there are none.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc() ? number : std::numeric_limits<std::uint64_t>::max();
}

bool take(std::string_view& text, char expected) noexcept {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_unit(std::string_view& text) noexcept {
  constexpr std::string_view unit = "bytes";  // in any case (RFC 9110, 14.1)
  if (text.size() < unit.size() || strncasecmp(text.data(), unit.data(), unit.size()) != 0) return false;
  text.remove_prefix(unit.size());
  return true;
}

}  // namespace

std::optional<AskedRange> parse_range(std::string_view value) noexcept {
  if (!take_unit(value) || !take(value, '=')) return std::nullopt;
  AskedRange asked;
  if (take(value, '-')) {
    const auto bytes = take_number(value);
    if (!bytes || !value.empty()) return std::nullopt;
    return AskedRange{.first = 0, .last = *bytes, .is_suffix = true};
  }
  const auto first = take_number(value);
  if (!first || !take(value, '-')) return std::nullopt;
  asked.first = *first;
  asked.last = std::numeric_limits<std::uint64_t>::max();
  if (value.empty()) return asked;
  const auto last = take_number(value);
  if (!last || !value.empty() || *last < *first) return std::nullopt;
  asked.last = *last;
  return asked;
}

std::optional<ByteRange> part_of(const AskedRange& asked, std::uint64_t size) noexcept {
  if (asked.is_suffix) {
    const std::uint64_t bytes = std::min(asked.last, size);
    if (bytes == 0) return std::nullopt;
    return ByteRange{.first = size - bytes, .last = size - 1};
  }
  if (asked.first >= size) return std::nullopt;
  return ByteRange{.first = asked.first, .last = std::min(asked.last, size - 1)};
}

std::optional<ContentRange> parse_content_range(std::string_view value) noexcept {
  if (!take_unit(value) || !take(value, ' ')) return std::nullopt;
  const auto first = take_number(value);
  if (!first || !take(value, '-')) return std::nullopt;
  const auto last = take_number(value);
  if (!last || !take(value, '/')) return std::nullopt;
  const auto size = take_number(value);
  if (!size || !value.empty() || *last < *first || *size <= *last) return std::nullopt;
  return ContentRange{.range = {.first = *first, .last = *last}, .page_bytes = *size};
}

}  // namespace bench
