#include "harness/run/bare_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "harness/run/listener.h"
#include "measure/clock.h"

namespace bench {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// Two ends of a loopback connection.
struct Pair {
  UniqueFd server;
  UniqueFd client;
};

Pair connect_pair(Transport transport) {
  const bool tcp = transport == Transport::tcp;
  Listener listener = listen_on("127.0.0.1", 0, transport);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Pair pair;
  pair.client = UniqueFd(socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!pair.client.valid() || connect(pair.client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("connect for the bare request");
  }
  if (tcp) {
    pair.server = UniqueFd(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!pair.server.valid()) fail("accept for the bare request");
  } else {
    socklen_t size = sizeof address;
    getsockname(pair.client.get(), reinterpret_cast<sockaddr*>(&address), &size);
    if (connect(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) fail("connect back");
    pair.server = std::move(listener.socket);
  }
  return pair;
}

void receive_all(int socket, std::vector<char>& room, std::size_t size) {
  while (size != 0) {
    const ssize_t got = recv(socket, room.data(), room.size(), 0);
    if (got <= 0) fail("receive for the bare request");
    size -= std::min(size, static_cast<std::size_t>(got));
  }
}

}  // namespace

double measure_bare_request(Transport transport, std::size_t request_bytes, std::size_t reply_bytes) {
  // What does not fit a socket's buffer cannot go to and fro in one thread.
  constexpr std::size_t largest = 32 * 1024;
  if (std::max(request_bytes, reply_bytes) > largest) return 0;
  const Pair pair = connect_pair(transport);
  std::vector<char> room(largest);
  std::vector<double> times_ns;
  constexpr int tries = 60;
  for (int i = 0; i < tries; ++i) {
    if (send(pair.client.get(), room.data(), request_bytes, MSG_NOSIGNAL) < 0) fail("send for the bare request");
    const std::int64_t begin_ns = now_ns();
    receive_all(pair.server.get(), room, request_bytes);
    if (send(pair.server.get(), room.data(), reply_bytes, MSG_NOSIGNAL) < 0) fail("send for the bare request");
    times_ns.push_back(static_cast<double>(now_ns() - begin_ns));
    receive_all(pair.client.get(), room, reply_bytes);
  }
  std::ranges::nth_element(times_ns, times_ns.begin() + tries / 2);
  return times_ns[tries / 2];
}

}  // namespace bench
