// SIGINT, SIGTERM and SIGHUP as a count that the session looks at.
#pragma once

namespace bench {

/// Counts SIGINT and SIGTERM, and the first SIGHUP unless it is ignored, from now on instead of dying of them.
void count_interrupts();

/// How many have come; some seconds after a SIGHUP two at the least, since nobody can give a second one.
int interrupts();

}  // namespace bench
