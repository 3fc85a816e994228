#include "harness/ranks/lifeline.h"

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
#include <utility>

#include "measure/clock.h"

namespace bench {
namespace {

// What a rank says when it comes, and what it is answered.
struct Greeting {
  Token token{};
  std::uint32_t rank = 0;
};

constexpr int patience_ms = 1500;  // for one address: a retried SYN comes after a second
constexpr std::int64_t ms_ns = 1'000'000;

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

Meeting::Meeting(const Token& token)
    : token_(token), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
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

void Meeting::accept_all() {
  while (true) {
    UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.valid()) return;
    strangers_.push_back({std::move(connection), now_ns()});
  }
}

// The first of those that have come who has said something right. Who says something else, leaves, or says nothing for
// too long is turned away.
std::optional<Meeting::Guest> Meeting::greet() {
  for (auto stranger = strangers_.begin(); stranger != strangers_.end();) {
    Greeting greeting;
    const ssize_t size = recv(stranger->connection.get(), &greeting, sizeof greeting, MSG_DONTWAIT);
    const bool silent = size < 0 && (errno == EAGAIN || errno == EINTR);
    if (silent && now_ns() - stranger->since_ns < patience_ms * ms_ns) {
      ++stranger;
      continue;
    }
    UniqueFd connection = std::move(stranger->connection);
    stranger = strangers_.erase(stranger);
    if (size == sizeof greeting && greeting.token == token_ && send_greeting(connection.get(), greeting)) {
      return Guest{greeting.rank, std::move(connection)};
    }
  }
  return std::nullopt;
}

std::optional<Meeting::Guest> Meeting::next_guest(std::chrono::milliseconds patience) {
  const std::int64_t deadline_ns = now_ns() + std::chrono::nanoseconds(patience).count();
  while (true) {
    accept_all();
    if (std::optional<Guest> guest = greet()) return guest;
    const std::int64_t left_ns = deadline_ns - now_ns();
    if (left_ns <= 0) return std::nullopt;
    std::vector<pollfd> watched{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
    for (const Stranger& stranger : strangers_) {
      watched.push_back({.fd = stranger.connection.get(), .events = POLLIN, .revents = 0});
    }
    poll(watched.data(), watched.size(), static_cast<int>(left_ns / ms_ns + 1));
  }
}

std::chrono::nanoseconds longest_search(std::size_t addresses) {
  return std::chrono::milliseconds(2 * patience_ms) * (addresses + 1);
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
