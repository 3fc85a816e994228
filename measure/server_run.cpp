#include "measure/server_run.h"

#include <sys/socket.h>

namespace bench {

ServerRun::ServerRun(const ServerSetup& setup, const Run& run) : Run(run), setup_(setup) {
  if (setup_.service->hub_bytes == 0) return;
  // As many copies of a model as there are sockets, and the most that one needs is a loop each.
  hub_ = std::make_shared<HubMemory>(setup_.service->hub_bytes, static_cast<std::uint32_t>(setup_.sockets.size()));
  setup_.context.hub = &hub_->hub();
}

ServerRun::ServerRun(const ServerRun& whole, std::uint32_t number, std::uint32_t of, std::uint32_t workers)
    : ServerRun(whole) {
  const auto each = static_cast<std::ptrdiff_t>(whole.setup_.sockets.size() / of);
  const auto begin = whole.setup_.sockets.begin() + each * number;
  setup_.sockets.assign(begin, begin + each);
  setup_.workers = workers;
}

void ServerRun::stop() noexcept {
  report().server.stopping.store(1);
  // Linux wakes whoever sleeps on a listening socket, or on an unconnected UDP socket although that fails with
  // ENOTCONN (inet_shutdown in net/ipv4/af_inet.c).
  for (const int socket : setup_.sockets) shutdown(socket, SHUT_RDWR);
}

}  // namespace bench
