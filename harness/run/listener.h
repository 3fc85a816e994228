// The sockets that a server is to serve.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "workloads/service.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A socket that a server is to serve, and where it is.
struct Listener {
  UniqueFd socket;
  std::uint16_t port = 0;
};

/// Several sockets for the same address (SO_REUSEPORT), each listening or bound as listen_on() says.
struct Listeners {
  std::vector<UniqueFd> sockets;
  std::uint16_t port = 0;

  std::vector<int> descriptors() const;
};

/// Listens on (TCP) or binds to (UDP) a numeric address; port 0 picks one. Throws std::system_error that names the
/// address, std::invalid_argument where it is none. All servers get the same options: a backlog of 4,096, SO_REUSEADDR,
/// and what connections inherit: TCP_NODELAY, and `idle_timeout` as the deadline of blocking reads and writes. They are
/// set before anyone can connect.
Listener listen_on(const std::string& address, std::uint16_t port, Transport transport,
                   std::chrono::nanoseconds idle_timeout = std::chrono::seconds(60));

/// So many sockets for the copies of a server; one is as listen_on() makes it.
Listeners listen_on_all(const std::string& address, std::uint16_t port, Transport transport,
                        std::chrono::nanoseconds idle_timeout, std::uint32_t count);

}  // namespace bench
