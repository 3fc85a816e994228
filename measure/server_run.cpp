#include "measure/server_run.h"

#include <sys/socket.h>

#include "measure/date.h"

namespace bench {
namespace {

constexpr std::int64_t most_held_bytes = std::int64_t{64} << 20;

// What a waiting answer takes beside its bytes: session, peer, timer and what the allocator adds, generously.
constexpr std::size_t bytes_beside = 1024;

}  // namespace

ServerRun::ServerRun(const ServerSetup& setup, const Run& run) : Run(run), setup_(setup) {
  setup_.context.date = date_text;
  if (setup_.service->shared_bytes != 0) {
    shared_ = std::make_shared<SharedMapping>(setup_.service->shared_bytes);
    setup_.context.shared = shared_->data();
  }
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

bool ServerRun::hold_datagram(std::size_t bytes) noexcept {
  const auto size = static_cast<std::int64_t>(bytes + bytes_beside);
  std::atomic<std::int64_t>& held = report().server.held_bytes;
  if (held.fetch_add(size, std::memory_order_relaxed) + size <= most_held_bytes) return true;
  held.fetch_sub(size, std::memory_order_relaxed);
  count_refused();
  return false;
}

void ServerRun::release_datagram(std::size_t bytes) noexcept {
  report().server.held_bytes.fetch_sub(static_cast<std::int64_t>(bytes + bytes_beside), std::memory_order_relaxed);
}

void ServerRun::stop() noexcept {
  report().server.stopping.store(1);
  // Linux wakes whoever sleeps on a listening socket, or on an unconnected UDP socket although that fails with
  // ENOTCONN (inet_shutdown in net/ipv4/af_inet.c).
  for (const int socket : setup_.sockets) shutdown(socket, SHUT_RDWR);
}

}  // namespace bench
