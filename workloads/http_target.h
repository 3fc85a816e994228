// What a request to the HTTP service names: its host, and which page of the tree with what said of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bench {

/// The longest that /wait may be told to wait.
inline constexpr std::uint16_t max_http_wait_ms = 10'000;

/// The highest rate that ?pace may be told, in bytes per second.
inline constexpr std::uint32_t max_http_pace = std::uint32_t{1} << 30;

enum class Page : std::uint8_t { none, index, bytes, echo, wait };

/// A page, and what the query says of it.
struct HttpTarget {
  Page page = Page::none;
  std::uint16_t status = 200;  ///< What the answer is as far as the target goes: 204, 400 and 404 beside it.
  bool heavy = false;          ///< ?heavy
  bool whole = false;          ///< ?whole: the page has no ranges.
  std::uint16_t wait_ms = 0;   ///< Of Page::wait.
  std::uint32_t size = 0;      ///< Of Page::bytes.
  std::uint32_t pace = 0;      ///< Of Page::bytes: bytes per second; 0: as fast as they go.
};

/// What a request's target names; nothing where it is no path, nor a URL with one.
std::optional<HttpTarget> parse_http_target(std::string_view target);

/// uri-host [ ":" port ] (RFC 9110, 7.2; RFC 3986, 3.2.2), as far as its characters go; empty where there is none.
bool is_http_host(std::string_view text);

}  // namespace bench
