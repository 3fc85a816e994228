// The transfers of sessions, which have only files and children, and close their descriptors themselves.
#pragma once

#include <poll.h>

#include "measure/server_run.h"
#include "models/talk/transfer.h"

namespace bench {

/// Does it now. False: it is the end of a child, to be tried again when its pidfd is readable.
inline bool transfer_now(Operation& operation) noexcept {
  return attempt_transfer(operation.transfer, operation.result).wanted == Readiness::done;
}

/// Does it by blocking. A server that is to stop does not wait for a child, which is looked at every second.
inline void transfer(const ServerRun& server, Operation& operation) noexcept {
  while (!transfer_now(operation) && !server.stopping()) {
    pollfd child{.fd = operation.transfer.fd, .events = POLLIN, .revents = 0};
    poll(&child, 1, 1000);
  }
}

}  // namespace bench
