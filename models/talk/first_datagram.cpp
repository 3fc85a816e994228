#include "models/talk/first_datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "models/talk/conversation.h"

namespace bench {
namespace {

// What is wrong with one peer's socket; a shortage stops all.
int reason_of(int error) {
  const bool shortage = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  return shortage ? error : ECONNABORTED;
}

// The server's own address and any port: peers tell transfers apart by that. Where the server has all addresses, the
// kernel chooses the one by which it reaches the peer.
bool bind_beside(int fd, int server_socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (getsockname(server_socket, reinterpret_cast<sockaddr*>(&own), &size) != 0) return false;
  if (own.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&own)->sin6_port = 0;
  } else {
    reinterpret_cast<sockaddr_in*>(&own)->sin_port = 0;
  }
  return bind(fd, reinterpret_cast<const sockaddr*>(&own), size) == 0;
}

// For units that block in it.
bool set_deadlines(int fd, std::chrono::nanoseconds timeout) {
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(timeout).count();
  const timeval bound{.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
  return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound) == 0 &&
         setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) == 0;
}

}  // namespace

UniqueFd take_first_datagram(ServerRun& server, std::vector<std::byte>& first, int flags) {
  std::array<std::byte, receive_bytes> room;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  const ssize_t size =
      recvfrom(server.socket(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&peer), &peer_size);
  if (size < 0) return {};
  if (size == 0) {  // nobody asks for anything by that; or the socket has been shut down
    errno = ECONNABORTED;
    return {};
  }
  UniqueFd made(socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0));
  if (!made.valid() || !bind_beside(made.get(), server.socket()) || !set_deadlines(made.get(), server.idle_timeout()) ||
      connect(made.get(), reinterpret_cast<const sockaddr*>(&peer), peer_size) != 0) {
    const int error = errno;
    made.reset();
    errno = reason_of(error);
    return {};
  }
  first.assign(room.begin(), room.begin() + size);
  return made;
}

}  // namespace bench
