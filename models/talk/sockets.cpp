#include "models/talk/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "models/talk/first_datagram.h"

namespace bench {

Attempt send_pending(int socket, Output& out) {
  while (!out.empty()) {
    std::array<iovec, pieces_at_once> vectors{};
    const std::span<const iovec> filled = out.gather(vectors);
    ssize_t sent = 0;
    if (filled.size() == 1) {
      sent = send(socket, filled[0].iov_base, filled[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = vectors.data();
      message.msg_iovlen = filled.size();
      sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    }
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Attempt::would_block : Attempt::failed;
    }
    out.consume(static_cast<std::size_t>(sent));
  }
  return Attempt::done;
}

Attempt receive_some(int socket, std::span<std::byte> room, std::size_t& size) {
  while (true) {
    const ssize_t received = recv(socket, room.data(), room.size(), 0);
    if (received >= 0) {
      size = static_cast<std::size_t>(received);
      return Attempt::done;
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN ? Attempt::would_block : Attempt::failed;
  }
}

Accepted accept_one(ServerRun& server, Newcomer& newcomer, int flags) {
  const bool tcp = server.transport() == Transport::tcp;
  while (true) {
    newcomer.socket = tcp ? UniqueFd(accept4(server.socket(), nullptr, nullptr, SOCK_CLOEXEC | flags))
                          : take_first_datagram(server, newcomer.first, flags);
    if (newcomer.socket.valid()) return Accepted::connection;
    if (server.stopping()) return Accepted::stopped;
    switch (errno) {
      case EINTR:
      case ECONNABORTED: break;  // a signal, or a peer that has gone: another may wait
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: return Accepted::no_descriptor;
      default: return Accepted::none;
    }
  }
}

UniqueFd duplicate(int fd) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) throw std::system_error(errno, std::generic_category(), "duplicate a descriptor");
  return copy;
}

void make_nonblocking(int socket) {
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0) {
    throw std::system_error(errno, std::generic_category(), "make the server's socket non-blocking");
  }
}

}  // namespace bench
