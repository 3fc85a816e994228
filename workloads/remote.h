// What both sides of `remote` know of its protocol.
#pragma once

#include <cstddef>

namespace bench {

/// The longest argument that a client sends; what a server takes is bounded by the line.
inline constexpr std::size_t max_remote_argument = 8192;

/// The longest line of a request, without its end.
inline constexpr std::size_t max_remote_line = max_remote_argument + 32;

}  // namespace bench
