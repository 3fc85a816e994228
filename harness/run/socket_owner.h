// Whose socket a server's address is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <istream>
#include <vector>

#include "harness/load/load_plan.h"

namespace bench {

/// The inodes of the sockets that take what is sent to `target`, from a file in the form of /proc/net/tcp, tcp6, udp or
/// udp6: TCP sockets that listen and unconnected UDP sockets, on its port and its address or all addresses.
std::vector<std::uint64_t> sockets_at(std::istream& file, const Target& target);

enum class Owns : std::uint8_t {
  no,
  yes,
  unknown,  ///< Their descriptors cannot be read, or they are in another network namespace.
};

/// Whether process `pid` or one of its living descendants has such a socket.
Owns owns_socket(pid_t pid, const Target& target);

}  // namespace bench
