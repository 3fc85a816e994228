// Under sanitizers all takes several times as long, and every allocation is larger.
#pragma once

#include <cstdint>

namespace bench {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Tasks or connections at once, where a test means more than a few: past the pools' workers and their queues.
inline constexpr std::uint32_t many = sanitized ? 60 : 300;

}  // namespace bench
