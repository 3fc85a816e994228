// Facts that claims are about and no run measures: each is found out in a process of its own, with the system's calls
// alone, and says what was seen.
#pragma once

#include "harness/claims/claim.h"

namespace bench {

// Of processes and threads.
Found a_child_is_a_zombie_until_it_is_reaped();
Found threads_share_globals_and_processes_do_not();
Found queues_keep_their_order();
Found increments_without_a_lock_are_lost();

// Of sockets.
Found a_flood_of_datagrams_is_lost_and_a_stream_is_not();
Found datagrams_keep_their_boundaries_and_a_stream_does_not();
Found small_writes_arrive_as_one_read();
Found the_backlog_bounds_what_waits();

/// Runs `check` in a child, so that it leaves nothing behind here, for some seconds at the most.
Found in_a_child(Found (*check)());

}  // namespace bench
