// What a terminal can show.
#pragma once

namespace bench {

/// Whether descriptor `fd` is a terminal that understands escape sequences, which one of the type "dumb" (an editor's,
/// a log's) does not.
bool takes_escapes(int fd);

}  // namespace bench
