#include "harness/ranks/lifeline.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>

namespace bench {
namespace {

// What a rank says when it comes, and what it is answered.
struct Greeting {
  Token token{};
  std::uint32_t rank = 0;
};

constexpr int patience_ms = 1500;  // for one address: a retried SYN comes after a second

bool is_loopback(in_addr address) { return ntohl(address.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET; }

bool wait_for(int fd, short events, int timeout_ms) {
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  return poll(&watched, 1, timeout_ms) > 0;
}

// A greeting is one small packet, so that it comes whole or not at all.
std::optional<Greeting> receive_greeting(int fd) {
  Greeting greeting;
  if (!wait_for(fd, POLLIN, patience_ms)) return std::nullopt;
  if (recv(fd, &greeting, sizeof greeting, MSG_DONTWAIT) != sizeof greeting) return std::nullopt;
  return greeting;
}

bool send_greeting(int fd, const Greeting& greeting) {
  return send(fd, &greeting, sizeof greeting, MSG_NOSIGNAL) == sizeof greeting;
}

std::optional<UniqueFd> connect_to(in_addr address, std::uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(port);
  target.sin_addr = address;
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0) return fd;
  if (errno != EINPROGRESS || !wait_for(fd.get(), POLLOUT, patience_ms)) return std::nullopt;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return std::nullopt;
  return fd;
}

}  // namespace

Token make_token() {
  std::random_device random;
  const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
  return {word(), word()};
}

std::vector<in_addr> own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw std::system_error(errno, std::generic_category(), "getifaddrs");
  std::vector<in_addr> addresses;
  for (const ifaddrs* each = list; each; each = each->ifa_next) {
    if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET || (each->ifa_flags & IFF_UP) == 0) continue;
    sockaddr_in address{};
    std::memcpy(&address, each->ifa_addr, sizeof address);
    addresses.push_back(address.sin_addr);
  }
  freeifaddrs(list);
  std::stable_partition(addresses.begin(), addresses.end(), [](in_addr address) { return !is_loopback(address); });
  return addresses;
}

std::string text_of(in_addr address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return inet_ntop(AF_INET, &address, text.data(), text.size());
}

Meeting::Meeting(const Token& token) : token_(token), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  if (!listener_.valid() || bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(listener_.get(), 1024) != 0 ||
      getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "listen for the other ranks");
  }
  port_ = ntohs(address.sin_port);
}

std::optional<Meeting::Guest> Meeting::accept_one(std::chrono::milliseconds patience) {
  if (!wait_for(listener_.get(), POLLIN, static_cast<int>(patience.count()))) return std::nullopt;
  UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.valid()) return std::nullopt;
  const std::optional<Greeting> greeting = receive_greeting(connection.get());
  if (!greeting || greeting->token != token_ || !send_greeting(connection.get(), *greeting)) return std::nullopt;
  return Guest{greeting->rank, std::move(connection)};
}

std::optional<Way> find_way(const std::vector<in_addr>& addresses, std::uint16_t port, const Token& token,
                            std::uint32_t rank) {
  for (const in_addr address : addresses) {
    std::optional<UniqueFd> connection = connect_to(address, port);
    if (!connection || !send_greeting(connection->get(), {token, rank})) continue;
    const std::optional<Greeting> answer = receive_greeting(connection->get());
    if (answer && answer->token == token) return Way{address, std::move(*connection)};
  }
  return std::nullopt;
}

}  // namespace bench
