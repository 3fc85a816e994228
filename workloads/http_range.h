// Ranges of bytes of a page, as both sides of HTTP write them (RFC 9110, 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bench {

/// Some bytes of a page, at least one: from `first` to `last`, both among them, as the RFC counts.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  std::uint64_t size() const noexcept { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};

/// What a request asks for; whether a page has it depends on the page's size.
struct AskedRange {
  std::uint64_t first = 0;  ///< Of a suffix: unused.
  std::uint64_t last = 0;   ///< Of a suffix: how many bytes, counted from the end.
  bool is_suffix = false;

  /// Whether some page has bytes of it: not so of a suffix without any.
  bool is_any() const noexcept { return !is_suffix || last != 0; }
};

/// The one range that the value of a Range field asks for: "bytes=0-499", "bytes=500-", "bytes=-500". Nothing where it
/// is another unit, several ranges or no range at all, which a server may ignore (RFC 9110, 14.2). Numbers too large
/// for 64 bits count as the largest.
std::optional<AskedRange> parse_range(std::string_view value) noexcept;

/// What of it a page of `size` bytes has; nothing where it has none of it.
std::optional<ByteRange> part_of(const AskedRange& asked, std::uint64_t size) noexcept;

/// What the value of a Content-Range field says: the bytes that a reply has, and the size of the page.
struct ContentRange {
  ByteRange range;
  std::uint64_t page_bytes = 0;

  bool operator==(const ContentRange&) const = default;
};

/// "bytes 42-1233/1234"; nothing where the value is of another form.
std::optional<ContentRange> parse_content_range(std::string_view value) noexcept;

}  // namespace bench
