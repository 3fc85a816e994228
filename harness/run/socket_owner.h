// Whose socket a server's address is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <istream>
#include <vector>

#include "harness/load/load_plan.h"

namespace bench {

/// Which sockets of a server.
enum class ServerSockets : std::uint8_t {
  open,       ///< TCP sockets that listen and unconnected UDP sockets, on its port and its address or all addresses.
  connected,  ///< TCP sockets of the connections that it has accepted.
};

/// The inodes of such sockets of a server at `target`, from a file in the form of /proc/net/tcp, tcp6, udp or udp6.
std::vector<std::uint64_t> sockets_at(std::istream& file, const Target& target, ServerSockets which);

/// The same of /proc/net/unix, for a socket that was bound to `path`.
std::vector<std::uint64_t> unix_sockets_at(std::istream& file, std::string_view path, ServerSockets which);

enum class Owns : std::uint8_t {
  no,
  yes,
  unknown,  ///< Their descriptors cannot be read, they are in another network namespace, or there are no connections.
};

/// Whether process `pid` or one of its living descendants has such a socket.
Owns owns_socket(pid_t pid, const Target& target, ServerSockets which);

}  // namespace bench
