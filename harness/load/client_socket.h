// The sockets of a load generator.
#pragma once

#include <cstdint>

#include "harness/load/load_plan.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A socket on its way to its peer.
struct ClientSocket {
  UniqueFd fd;    ///< Non-blocking; invalid when there is none.
  int error = 0;  ///< 0: established; EINPROGRESS: writable once it is decided; otherwise what went wrong.
};

/// Begins connection number `connection` to `target`. Where source addresses are chosen, that of the first connections
/// is the one of index `first_source`, so that a load need not find its ports among those that the last one has left in
/// TIME_WAIT. An address that this machine does not have is done without. The socket of a transfer is not
/// connected: its partner is known with the first reply.
ClientSocket begin_connection(const Target& target, Sources sources, std::uint64_t connection,
                              std::uint64_t first_source);

/// Whether a load from `sources` on `target` could run out of ports for a minute if it closed its connections first.
bool may_run_out_of_ports(const Target& target, Sources sources);

}  // namespace bench
