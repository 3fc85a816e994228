#include "harness/run/socket_owner.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "measure/proc_files.h"
#include "measure/usage.h"

namespace bench {
namespace {

struct Address {
  in6_addr host{};  // one of IPv4 as ::ffff:a.b.c.d
  unsigned port = 0;
};

in6_addr mapped(in_addr_t host) {
  in6_addr address{};
  address.s6_addr[10] = address.s6_addr[11] = 0xff;
  std::memcpy(&address.s6_addr[12], &host, sizeof host);
  return address;
}

Address address_of(const Target& target) {
  if (target.address.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(target.address);
    return {.host = address.sin6_addr, .port = ntohs(address.sin6_port)};
  }
  const auto& address = reinterpret_cast<const sockaddr_in&>(target.address);
  return {.host = mapped(address.sin_addr.s_addr), .port = ntohs(address.sin_port)};
}

// "0100007F:1F90", or four such words: each is printed as the number that the machine takes its bytes for.
std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t word = 0; word < colon / 8; ++word) {
    words[word] = static_cast<std::uint32_t>(std::strtoul(std::string(text.substr(word * 8, 8)).c_str(), nullptr, 16));
  }
  Address address{.port =
                      static_cast<unsigned>(std::strtoul(std::string(text.substr(colon + 1)).c_str(), nullptr, 16))};
  if (colon == 8) {
    address.host = mapped(words[0]);
  } else {
    std::memcpy(&address.host, words.data(), sizeof address.host);
  }
  return address;
}

// A socket on all IPv6 addresses takes IPv4 too, unless told otherwise.
bool takes(const Address& socket, const Address& target) {
  const in6_addr all_of_ipv4 = mapped(INADDR_ANY);
  const auto is = [&](const in6_addr& host) { return std::memcmp(&socket.host, &host, sizeof host) == 0; };
  return socket.port == target.port &&
         (is(target.host) || is(in6addr_any) || (is(all_of_ipv4) && IN6_IS_ADDR_V4MAPPED(&target.host)));
}

// What a link of /proc names; empty where it may not be read.
std::string link_target(const std::string& path) {
  std::array<char, 64> name{};
  const ssize_t size = readlink(path.c_str(), name.data(), name.size());
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

// As /proc/net shows them; UDP knows no others.
std::string_view state_of(const Target& target, ServerSockets which) {
  if (target.transport != Transport::tcp) return "07";  // TCP_CLOSE
  return which == ServerSockets::open ? "0A" : "01";    // TCP_LISTEN, TCP_ESTABLISHED
}

// `sockets` are in order.
Owns process_owns(pid_t pid, const std::vector<std::uint64_t>& sockets) {
  const std::string folder = fmt::format("/proc/{}", pid);
  const std::string network = link_target(folder + "/ns/net");
  if (network.empty() || network != link_target("/proc/self/ns/net") || access((folder + "/fd").c_str(), R_OK) != 0) {
    const auto stat = read_process_stat(pid);
    return stat && !stat->has_ended() ? Owns::unknown : Owns::no;
  }
  for (const pid_t descriptor : numbered_entries(folder + "/fd")) {
    const std::string name = link_target(fmt::format("{}/fd/{}", folder, descriptor));
    constexpr std::string_view kind = "socket:[";
    if (!name.starts_with(kind)) continue;
    const std::uint64_t inode = std::strtoull(name.c_str() + kind.size(), nullptr, 10);
    if (std::ranges::binary_search(sockets, inode)) return Owns::yes;
  }
  return Owns::no;
}

}  // namespace

std::vector<std::uint64_t> sockets_at(std::istream& file, const Target& target, ServerSockets which) {
  const Address wanted = address_of(target);
  const std::string wanted_state(state_of(target, which));
  std::vector<std::uint64_t> inodes;
  for (std::string line; std::getline(file, line);) {
    if (line.find(" " + wanted_state + " ") == std::string::npos)
      continue;  // there may be many, and most are of others
    std::istringstream fields(line);
    std::string skipped;
    std::string local;
    std::string state;
    std::uint64_t inode = 0;
    fields >> skipped >> local >> skipped >> state;
    for (int i = 0; i < 5; ++i) fields >> skipped;  // queues, timer, retransmits, user, timeout
    const std::optional<Address> address = parse_address(local);
    // A connection that nobody has accepted yet has none.
    if (fields >> inode && inode != 0 && address && state == wanted_state && takes(*address, wanted)) {
      inodes.push_back(inode);
    }
  }
  return inodes;
}

std::vector<std::uint64_t> unix_sockets_at(std::istream& file, std::string_view path, ServerSockets which) {
  constexpr unsigned long accepts = 0x10000;  // of the flags: __SO_ACCEPTCON
  constexpr unsigned long connected = 3;      // SS_CONNECTED
  std::vector<std::uint64_t> inodes;
  for (std::string line; std::getline(file, line);) {
    if (!line.ends_with(path)) continue;
    std::istringstream fields(line);
    std::string skipped;
    std::string flags;
    std::string state;
    std::string found;
    std::uint64_t inode = 0;
    fields >> skipped >> skipped >> skipped >> flags >> skipped >> state >> inode;
    std::getline(fields >> std::ws, found);
    if (found != path || inode == 0) continue;
    const bool is_open = (std::strtoul(flags.c_str(), nullptr, 16) & accepts) != 0;
    const bool is_connected = std::strtoul(state.c_str(), nullptr, 16) == connected;
    if (which == ServerSockets::open ? is_open : is_connected) inodes.push_back(inode);
  }
  return inodes;
}

Owns owns_socket(pid_t pid, const Target& target, ServerSockets which) {
  std::vector<std::uint64_t> sockets;
  const auto add = [&](const std::vector<std::uint64_t>& more) {  //
    sockets.insert(sockets.end(), more.begin(), more.end());
  };
  const bool is_unix = target.address.ss_family == AF_UNIX;
  if (is_unix) {
    std::ifstream file("/proc/net/unix");
    add(unix_sockets_at(file, target.text, which));
  } else {
    for (const std::string_view version : {"", "6"}) {
      std::ifstream file(fmt::format("/proc/net/{}{}", target.transport == Transport::tcp ? "tcp" : "udp", version));
      add(sockets_at(file, target, which));
    }
  }
  // A Unix socket may be listed by another path that leads to it.
  if (sockets.empty() && (which == ServerSockets::connected || is_unix)) return Owns::unknown;
  std::ranges::sort(sockets);
  std::vector<pid_t> tree = living_descendants(pid);
  tree.insert(tree.begin(), pid);
  Owns tree_owns = Owns::no;
  for (const pid_t process : tree) {
    const Owns owns = process_owns(process, sockets);
    if (owns == Owns::yes) return owns;
    if (owns == Owns::unknown) tree_owns = owns;
  }
  return tree_owns;
}

}  // namespace bench
