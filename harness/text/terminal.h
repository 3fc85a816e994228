// What a terminal can show.
#pragma once

#include <cstddef>

namespace bench {

/// Whether descriptor `fd` is a terminal that understands escape sequences, which one of the type "dumb" (an editor's,
/// a log's) does not.
bool takes_escapes(int fd);

/// How many characters wide the terminal at descriptor `fd` is; 0 where it is none, or says nothing.
std::size_t terminal_width(int fd);

}  // namespace bench
