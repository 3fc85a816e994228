// The sockets of a load generator.
#pragma once

#include <cstdint>

#include "harness/load/load_plan.h"
#include "measure/unique_fd.h"

namespace bench {

/// A socket on its way to its peer.
struct ClientSocket {
  UniqueFd fd;    ///< Non-blocking; invalid when there is none.
  int error = 0;  ///< 0: established; EINPROGRESS: writable once it is decided; otherwise what went wrong.
};

/// Begins connection number `connection` to `target`. To a loopback address of IPv4 each 10,000 numbers in a row
/// have a source address of their own, the first of them the one of index `first_source`, so that a load need not find
/// its ports among those that the last one has left in TIME_WAIT.
ClientSocket begin_connection(const Target& target, std::uint64_t connection, std::uint64_t first_source);

/// Whether `target` is a loopback address.
bool is_loopback(const Target& target);

}  // namespace bench
