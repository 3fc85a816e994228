#include "models/blocking/blocking_server.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "measure/clock.h"
#include "models/blocking/blocking.h"

namespace bench {

void sleep_for(ServerRun& server, std::chrono::nanoseconds duration) {
  constexpr std::int64_t look_ns = 1'000'000'000;
  const std::int64_t end_ns = now_ns() + duration.count();
  for (std::int64_t now = now_ns(); now < end_ns && !server.stopping(); now = now_ns()) {
    sleep_until(std::min(end_ns, now + look_ns));
  }
}

Newcomer next_connection(ServerRun& server) {
  Newcomer newcomer;
  while (!server.stopping()) {
    switch (accept_one(server, newcomer)) {
      case Accepted::connection: return newcomer;
      case Accepted::stopped: return {};
      case Accepted::none: break;
      case Accepted::no_descriptor:
        server.count_refused();
        sleep_for(server, retry_pause);
        break;
    }
  }
  return {};
}

void close_after_last_word(int socket) noexcept {
  if (shutdown(socket, SHUT_WR) != 0) return;
  const std::int64_t deadline_ns = now_ns() + linger_time.count();
  std::array<std::byte, 4096> unread;
  while (true) {
    const std::int64_t left_ms = (deadline_ns - now_ns()) / 1'000'000;
    pollfd watched{.fd = socket, .events = POLLIN, .revents = 0};
    if (left_ms <= 0) return;
    const int ready = poll(&watched, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return;
    if (recv(socket, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) return;
  }
}

OpenSockets::OpenSockets(ServerRun& server)
    : stopper_([this, socket = server.socket()] { shut_down_at_stop(socket); }) {}

OpenSockets::~OpenSockets() { stopper_.join(); }

void OpenSockets::add(int socket) {
  const std::lock_guard lock(mutex_);
  sockets_.insert(socket);
  if (stopped_) shutdown(socket, SHUT_RDWR);
}

void OpenSockets::remove(int socket) {
  const std::lock_guard lock(mutex_);
  sockets_.erase(socket);
}

void OpenSockets::shut_down_at_stop(int server_socket) {
  pollfd watched{.fd = server_socket, .events = 0, .revents = 0};  // a hang-up is always reported
  while (poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
}

}  // namespace bench
