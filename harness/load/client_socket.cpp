#include "harness/load/client_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bench {
namespace {

// Past some 14,000 connections from one address to one listener the kernel's search for a free port takes
// milliseconds (half of the range is searched first), so each address gets fewer.
constexpr std::uint64_t connections_per_source = 10'000;

bool is_ipv4_loopback(const Target& target) {
  if (target.address.ss_family != AF_INET) return false;
  sockaddr_in address{};
  std::memcpy(&address, &target.address, sizeof address);
  return ntohl(address.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
}

int enable(int fd, int level, int option) {
  constexpr int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on);
}

// 127.0.0.2, 127.0.0.3 and so on; addresses that end in 0 or 255 are left out.
int bind_source(int fd, std::uint64_t source_index) {
  constexpr std::uint32_t hosts = 250;
  const auto index = static_cast<std::uint32_t>(source_index % (hosts * 65536ULL));
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (index / hosts << 8) + 2 + index % hosts);
  // The port is chosen at connect, where it need only be free towards this peer.
  if (enable(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) != 0) return -1;
  return bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source);
}

}  // namespace

ClientSocket begin_connection(const Target& target, Sources sources, std::uint64_t connection,
                              std::uint64_t first_source) {
  const bool tcp = target.transport == Transport::tcp && target.address.ss_family != AF_UNIX;
  const std::uint64_t source = connection / connections_per_source;
  const bool chosen =
      is_ipv4_loopback(target) && (sources == Sources::spread || (sources == Sources::automatic && source != 0));
  const int type = (target.transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  ClientSocket made{UniqueFd(socket(target.address.ss_family, type, 0)), 0};
  const int fd = made.fd.get();
  if (fd < 0 || (tcp && enable(fd, IPPROTO_TCP, TCP_NODELAY) != 0) ||
      (chosen && bind_source(fd, first_source + source) != 0 && errno != EADDRNOTAVAIL) ||
      (target.transport != Transport::udp_transfers &&
       connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.address_size) != 0)) {
    made.error = errno;
  }
  return made;
}

bool may_run_out_of_ports(const Target& target, Sources sources) {
  if (target.transport != Transport::tcp || target.address.ss_family == AF_UNIX) return false;
  if (is_ipv4_loopback(target)) return sources == Sources::one;
  if (target.address.ss_family != AF_INET6) return true;
  // Of the kernel's own accord a port of ::1 is used again after a second (tcp_tw_reuse).
  sockaddr_in6 address{};
  std::memcpy(&address, &target.address, sizeof address);
  return std::memcmp(&address.sin6_addr, &in6addr_loopback, sizeof in6addr_loopback) != 0;
}

}  // namespace bench
