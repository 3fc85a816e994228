// The client's side of `chat`: members that say lines which tell who says them, which of theirs it is and when it was
// due.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "workloads/service.h"

namespace bench {

/// The longest line, with its first word, to the server.
inline constexpr std::size_t max_chat_line_bytes = 8 * 1024;

/// The most that a load may add to a line's head.
inline constexpr std::uint64_t max_chat_message_bytes = 8'000;

/// What members ask for, until they hear it themselves; and what comes of that, with each of the others.
inline constexpr std::array chat_classes{RequestClass{"say"}, RequestClass{"delivery", AskedBy::nobody}};

/// As Service::exchange. Checks every byte of the lines, and that of each sender that it hears every line comes once
/// and in order.
std::unique_ptr<Exchange> make_chat_exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);

}  // namespace bench
