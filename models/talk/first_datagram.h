// How a transfer over UDP begins: by a datagram to the server's socket, after which it has a socket of its own.
#pragma once

#include <cstddef>
#include <vector>

#include "measure/server_run.h"
#include "workloads/unique_fd.h"

namespace bench {

/// Takes one datagram from the server's socket into `first`, and makes a socket that is bound to the same address, with
/// a port of its own, connected to the sender, and has the server's deadlines. `flags` as accept_one() has them.
/// Without a socket errno says why: of the receive EAGAIN, or the shortage; ECONNABORTED where this one datagram has
/// led to nothing, and others may.
UniqueFd take_first_datagram(ServerRun& server, std::vector<std::byte>& first, int flags);

}  // namespace bench
