// SIGINT and SIGTERM as a count that the session looks at.
#pragma once

namespace bench {

/// Counts SIGINT and SIGTERM from now on instead of dying of them.
void count_interrupts();

/// How many have come.
int interrupts();

}  // namespace bench
