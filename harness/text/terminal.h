// What a terminal can show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// Whether descriptor `fd` is a terminal that understands escape sequences, which one of the type "dumb" (an editor's,
/// a log's) does not.
bool takes_escapes(int fd);

/// How many characters wide the terminal at descriptor `fd` is; 0 where it is none, or says nothing.
std::size_t terminal_width(int fd);

enum class LineBreaks : std::uint8_t { escape, keep };

/// The text with what a terminal would obey, its control characters, as it is written in C: "\x1B".
std::string printable(std::string_view text, LineBreaks breaks);

}  // namespace bench
