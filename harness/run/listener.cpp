#include "harness/run/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace bench {
namespace {

constexpr int backlog = 4096;

// Connections inherit these. An accept that they cut short is tried again.
bool set_deadlines(int socket, std::chrono::nanoseconds timeout) {
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(timeout).count();
  const timeval bound{.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
  return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound) == 0 &&
         setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) == 0;
}

sockaddr_storage parse_address(const std::string& text, std::uint16_t port, socklen_t& size) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    size = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    size = sizeof *v6;
  } else {
    throw std::invalid_argument(fmt::format("'{}' is no numeric IPv4 or IPv6 address", text));
  }
  return storage;
}

Listener make_listener(const std::string& address, std::uint16_t port, Transport transport,
                       std::chrono::nanoseconds idle_timeout, bool shared) {
  const bool tcp = transport == Transport::tcp;
  const auto failure = [&](const char* call) {
    return std::system_error(errno, std::generic_category(), fmt::format("{} {}:{}", call, address, port));
  };
  socklen_t size = 0;
  sockaddr_storage storage = parse_address(address, port, size);
  Listener listener;
  listener.socket = UniqueFd(socket(storage.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  const int fd = listener.socket.get();
  if (!listener.socket.valid()) throw failure("socket for");
  const int on = 1;
  // An address whose last connections are in TIME_WAIT may be listened on again; one with a listener may not. A UDP
  // socket would be shared with others by it.
  if (tcp) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) throw failure("share the port of");
  if (tcp) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // connections inherit it
  if (tcp && !set_deadlines(fd, idle_timeout)) throw failure("set the deadlines of");
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) throw failure("bind");
  if (tcp && listen(fd, backlog) != 0) throw failure("listen on");
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) throw failure("name the socket of");
  listener.port = ntohs(storage.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                                                     : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return listener;
}

}  // namespace

Listener listen_on(const std::string& address, std::uint16_t port, Transport transport,
                   std::chrono::nanoseconds idle_timeout) {
  return make_listener(address, port, transport, idle_timeout, false);
}

Listeners listen_on_all(const std::string& address, std::uint16_t port, Transport transport,
                        std::chrono::nanoseconds idle_timeout, std::uint32_t count) {
  Listeners all{.sockets = {}, .port = port};
  for (std::uint32_t i = 0; i < count; ++i) {
    Listener one = make_listener(address, all.port, transport, idle_timeout, count > 1);
    all.port = one.port;
    all.sockets.push_back(std::move(one.socket));
  }
  return all;
}

std::vector<int> Listeners::descriptors() const {
  std::vector<int> numbers;
  for (const UniqueFd& socket : sockets) numbers.push_back(socket.get());
  return numbers;
}

}  // namespace bench
