// What the HTTP service serves: the bytes behind /N, known to its server's and to its client's side.
#pragma once

#include <cstddef>
#include <span>

namespace bench {

/// The largest N of /N.
inline constexpr std::size_t max_http_body_bytes = std::size_t{1} << 20;

/// The body of /`size`: the first `size` bytes of one block that lives as long as the program; lines of 64 characters,
/// each byte a function of its place.
std::span<const std::byte> http_body(std::size_t size) noexcept;

}  // namespace bench
