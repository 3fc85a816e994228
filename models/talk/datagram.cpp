#include "models/talk/datagram.h"

#include <array>
#include <cerrno>
#include <ctime>

#include "models/talk/sockets.h"

namespace bench {

bool Datagram::receive_once(ServerRun& server) {
  bytes_.resize(largest_datagram);
  peer_size_ = sizeof peer_;
  const ssize_t size =
      recvfrom(server.socket(), bytes_.data(), bytes_.size(), 0, reinterpret_cast<sockaddr*>(&peer_), &peer_size_);
  if (size < 0) return false;
  size_ = static_cast<std::size_t>(size);
  return true;
}

bool Datagram::receive(ServerRun& server) {
  while (!server.stopping()) {
    if (receive_once(server)) return !server.stopping();  // a socket that is shut down receives nothing, at once
    // An error of an earlier send (a peer that has gone) is reported here once, and is no reason to stop.
    if (errno != EINTR && errno != EAGAIN && errno != ECONNREFUSED) {
      constexpr timespec pause{.tv_sec = 0, .tv_nsec = retry_pause.count()};
      nanosleep(&pause, nullptr);
    }
  }
  return false;
}

bool Datagram::receive_now(ServerRun& server) {
  while (!receive_once(server)) {
    if (errno != EINTR && errno != ECONNREFUSED) return false;
  }
  return !server.stopping();
}

Datagram Datagram::copy() const {
  Datagram other = peer_only();
  other.bytes_.assign(bytes().begin(), bytes().end());
  other.size_ = size_;
  return other;
}

Datagram Datagram::peer_only() const {
  Datagram other;
  other.peer_ = peer_;
  other.peer_size_ = peer_size_;
  return other;
}

void send_datagram(int socket, const Datagram& request, Output& out) {
  if (out.empty()) return;
  std::array<iovec, pieces_at_once> vectors{};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(request.peer());
  message.msg_namelen = request.peer_size();
  message.msg_iov = vectors.data();
  message.msg_iovlen = out.gather(vectors).size();
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
  out.clear();
}

}  // namespace bench
