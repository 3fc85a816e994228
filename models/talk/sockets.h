// System calls on sockets that several models share.
#pragma once

#include <cstddef>
#include <span>

#include "measure/server_run.h"
#include "measure/unique_fd.h"
#include "workloads/output.h"

namespace bench {

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
  connection,
  none,           ///< Nobody waits (non-blocking), or nobody came before the deadline.
  no_descriptor,  ///< Descriptors or memory have run out; the peer waits on.
  stopped,        ///< The server is to stop.
};

/// Accepts a connection from the server's socket, which blocks or not as the model has set it. `flags`: SOCK_NONBLOCK
/// for a connection that shall not block.
Accepted accept_one(ServerRun& server, UniqueFd& connection, int flags = 0);

/// Who accepts or receives without end lets all others have their turn after so many.
inline constexpr int most_in_a_row = 64;

/// Another descriptor of what `fd` names, for an owner of its own. Throws std::system_error.
UniqueFd duplicate(int fd);

/// Makes the server's socket non-blocking, for loops. Throws std::system_error.
void make_nonblocking(int socket);

}  // namespace bench
