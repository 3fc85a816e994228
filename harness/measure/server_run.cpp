#include "harness/measure/server_run.h"

#include <sys/socket.h>

namespace bench {

void ServerRun::stop() noexcept {
  report().server.stopping.store(1);
  // Linux wakes whoever sleeps on a listening socket, or on an unconnected UDP socket although that fails with
  // ENOTCONN (inet_shutdown in net/ipv4/af_inet.c).
  shutdown(setup_.socket, SHUT_RDWR);
}

}  // namespace bench
