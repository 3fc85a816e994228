// System calls on sockets that several models share.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "measure/server_run.h"
#include "workloads/output.h"
#include "workloads/unique_fd.h"

namespace bench {

/// How many pieces of an Output are handed to one call.
inline constexpr std::size_t pieces_at_once = 16;

/// How a non-blocking attempt went.
enum class Attempt : std::uint8_t { done, would_block, failed };

/// Sends the front of `out` and takes it off; `done` when nothing is left. `failed`: the connection is of no more use.
/// On a blocking socket `would_block` means that its deadline has passed (SO_SNDTIMEO). Raises no SIGPIPE.
Attempt send_pending(int socket, Output& out);

/// Receives at most `room.size()` bytes; `size` is how many came, 0 at the end of the stream. On a blocking socket
/// `would_block` means that its deadline has passed (SO_RCVTIMEO).
Attempt receive_some(int socket, std::span<std::byte> room, std::size_t& size);

/// What accept(2) may bring.
enum class Accepted : std::uint8_t {
  connection,     ///< A peer; of UDP a transfer.
  none,           ///< No peer waits (non-blocking), or none came before the deadline.
  no_descriptor,  ///< Descriptors or memory have run out; the peer waits on. To be tried again after retry_pause.
  stopped,        ///< The server is to stop.
};

/// A peer that has come: the socket to talk to it by, and what it has said with that, which is the first the session is
/// to be told. Of TCP nothing; of a transfer its first datagram, after which it and the socket are connected.
struct Newcomer {
  UniqueFd socket;
  std::vector<std::byte> first;
};

/// Takes the next peer from the server's socket, which blocks or not as the model has set it. `flags`: SOCK_NONBLOCK
/// for a socket that shall not block. A transfer that finds no descriptor is refused, and its peer asks again.
Accepted accept_one(ServerRun& server, Newcomer& newcomer, int flags = 0);

/// A loop that accepts connections or receives datagrams goes on with the others after so many in a row.
inline constexpr int most_in_a_row = 64;

/// What has failed for want of a descriptor or of memory is tried again after so long. The peers that wait in the
/// backlog meanwhile would wake a loop without end.
inline constexpr std::chrono::nanoseconds retry_pause = std::chrono::milliseconds(10);

/// How long a peer may take to end its side of a connection that has been shut down for writing.
inline constexpr std::chrono::nanoseconds linger_time = std::chrono::seconds(1);

/// Another descriptor of what `fd` names, for an owner of its own. Throws std::system_error.
UniqueFd duplicate(int fd);

/// Makes the server's socket non-blocking, for loops. Throws std::system_error.
void make_nonblocking(int socket);

}  // namespace bench
