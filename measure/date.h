// The date as internet protocols write it (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
#pragma once

#include <array>
#include <chrono>
#include <string_view>

namespace bench {

/// The characters of a date; all dates of the years 0 to 9999 have as many.
using DateText = std::array<char, 29>;

/// That of a moment.
DateText date_of(std::chrono::sys_seconds moment) noexcept;

/// That of now, valid until the thread asks again. A thread writes it once a second and otherwise reads a clock in
/// user space alone, so that a server needs no timer for it and nothing is shared.
std::string_view date_text() noexcept;

}  // namespace bench
