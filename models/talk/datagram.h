// One datagram and its sender.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <vector>

#include "measure/server_run.h"
#include "workloads/output.h"

namespace bench {

/// Room for any datagram: more than UDP can carry, RFC 768.
inline constexpr std::size_t largest_datagram = 65536;

class Datagram {
 public:
  /// Waits for the next datagram on the server's socket; false once the server is to stop.
  bool receive(ServerRun& server);

  /// The same without waiting, on a non-blocking socket; false when there is none.
  bool receive_now(ServerRun& server);

  std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }

  /// A copy of its own size, to be kept while others are received.
  Datagram copy() const;

  /// A copy without the bytes, to be answered later.
  Datagram peer_only() const;

  const sockaddr* peer() const noexcept { return reinterpret_cast<const sockaddr*>(&peer_); }
  socklen_t peer_size() const noexcept { return peer_size_; }

 private:
  bool receive_once(ServerRun& server);

  std::vector<std::byte> bytes_;
  std::size_t size_ = 0;
  sockaddr_storage peer_;
  socklen_t peer_size_ = 0;
};

/// Sends all of `out` as one datagram to the sender of `request`, nothing when it is empty, and empties it. A datagram
/// that the system will not take is lost, as datagrams are.
void send_datagram(int socket, const Datagram& request, Output& out);

}  // namespace bench
