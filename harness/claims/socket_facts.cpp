#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "harness/claims/evidence.h"
#include "harness/claims/facts.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

int or_throw(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

UniqueFd new_socket(int type) { return UniqueFd(or_throw(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket")); }

// Bound to a port of its own of 127.0.0.1.
sockaddr_in bind_somewhere(const UniqueFd& socket) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  or_throw(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  socklen_t size = sizeof address;
  or_throw(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return address;
}

void connect_to_address(const UniqueFd& socket, const sockaddr_in& address) {
  or_throw(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
}

// Two ends that are connected.
struct Ends {
  UniqueFd client;
  UniqueFd server;
};

Ends tcp_ends() {
  const UniqueFd listener = new_socket(SOCK_STREAM);
  const sockaddr_in address = bind_somewhere(listener);
  or_throw(listen(listener.get(), 1), "listen");
  Ends ends{.client = new_socket(SOCK_STREAM), .server = {}};
  connect_to_address(ends.client, address);
  ends.server = UniqueFd(or_throw(accept(listener.get(), nullptr, nullptr), "accept"));
  return ends;
}

Ends udp_ends() {
  Ends ends{.client = new_socket(SOCK_DGRAM), .server = new_socket(SOCK_DGRAM)};
  connect_to_address(ends.client, bind_somewhere(ends.server));
  return ends;
}

void send_text(const UniqueFd& socket, std::string_view text) {
  or_throw(static_cast<int>(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL)), "send");
}

// How many bytes have come; waits for that.
std::size_t bytes_there(const UniqueFd& socket, std::size_t wanted) {
  std::array<char, 65536> room{};
  ssize_t size = 0;
  for (int i = 0; i < 1000 && size < static_cast<ssize_t>(wanted); ++i) {
    if (i != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    size = recv(socket.get(), room.data(), room.size(), MSG_PEEK | MSG_DONTWAIT);
  }
  return size < 0 ? 0 : static_cast<std::size_t>(size);
}

std::string one_read(const UniqueFd& socket) {
  std::array<char, 65536> room{};
  const ssize_t size = or_throw(static_cast<int>(recv(socket.get(), room.data(), room.size(), 0)), "recv");
  return {room.data(), static_cast<std::size_t>(size)};
}

constexpr std::size_t flood_count = 20'000;
constexpr std::size_t flood_bytes = 1000;

Found flood() {
  const std::string message(flood_bytes, 'x');
  const Ends udp = udp_ends();
  for (std::size_t i = 0; i < flood_count; ++i) send_text(udp.client, message);
  std::size_t came = 0;
  std::array<char, flood_bytes> room{};
  while (recv(udp.server.get(), room.data(), room.size(), MSG_DONTWAIT) > 0) ++came;

  Ends tcp = tcp_ends();
  std::jthread sender([&] {
    for (std::size_t i = 0; i < flood_count; ++i) {
      for (std::size_t sent = 0; sent < message.size();) {
        const ssize_t size = send(tcp.client.get(), message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) return;
        sent += static_cast<std::size_t>(size);
      }
    }
    shutdown(tcp.client.get(), SHUT_WR);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // a receiver that is slow to begin
  std::size_t bytes = 0;
  while (true) {
    const ssize_t size = recv(tcp.server.get(), room.data(), room.size(), 0);
    if (size <= 0) break;
    bytes += static_cast<std::size_t>(size);
  }
  return fact(came < flood_count && bytes == flood_count * flood_bytes,
              fmt::format("of {} messages to a receiver that reads later, {} came over UDP and {} over TCP",
                          flood_count, came, bytes / flood_bytes));
}

constexpr std::string_view hello = "hello";
constexpr std::string_view word = "word";

Found boundaries() {
  const Ends udp = udp_ends();
  send_text(udp.client, hello);
  send_text(udp.client, word);
  const std::string first = one_read(udp.server);
  const std::string second = one_read(udp.server);
  const Ends tcp = tcp_ends();
  send_text(tcp.client, hello);
  send_text(tcp.client, word);
  bytes_there(tcp.server, hello.size() + word.size());
  const std::string stream = one_read(tcp.server);
  return fact(first == hello && second == word && stream == "helloword",
              fmt::format("'hello' and 'word' sent: UDP gives '{}' and '{}', TCP '{}'", first, second, stream));
}

Found coalescing() {
  constexpr int tries = 100;
  int together = 0;
  for (int i = 0; i < tries; ++i) {
    const Ends tcp = tcp_ends();
    send_text(tcp.client, hello);
    send_text(tcp.client, word);
    bytes_there(tcp.server, hello.size() + word.size());
    if (one_read(tcp.server) == "helloword") ++together;
  }
  // A large one comes in pieces: more reads than the one write.
  const Ends tcp = tcp_ends();
  const std::string large(std::size_t{4} << 20, 'x');
  std::jthread sender([&] {
    for (std::size_t sent = 0; sent < large.size();) {
      const ssize_t size = send(tcp.client.get(), large.data() + sent, large.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) return;
      sent += static_cast<std::size_t>(size);
    }
  });
  std::vector<char> room(large.size());
  int reads = 0;
  for (std::size_t got = 0; got < large.size(); ++reads) {
    const ssize_t size = recv(tcp.server.get(), room.data(), room.size(), 0);
    if (size <= 0) break;
    got += static_cast<std::size_t>(size);
  }
  return fact(together > 0 && reads > 1,
              fmt::format("{} of {} pairs of writes arrived as one read; 4 MiB took {} reads", together, tries, reads));
}

// How many of 64 connects are complete before anything is accepted.
int completed(int backlog) {
  const UniqueFd listener = new_socket(SOCK_STREAM);
  const sockaddr_in address = bind_somewhere(listener);
  or_throw(listen(listener.get(), backlog), "listen");
  std::vector<UniqueFd> clients;
  std::vector<pollfd> watched;
  constexpr int connects = 64;
  for (int i = 0; i < connects; ++i) {
    UniqueFd& client = clients.emplace_back(new_socket(SOCK_STREAM | SOCK_NONBLOCK));
    if (connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      throw std::system_error(errno, std::generic_category(), "connect");
    }
    watched.push_back({.fd = client.get(), .events = POLLOUT, .revents = 0});
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // far below the second after which a SYN is sent again
  poll(watched.data(), watched.size(), 0);
  int count = 0;
  for (const pollfd& each : watched) count += (each.revents & POLLOUT) != 0 ? 1 : 0;
  return count;
}

Found backlog() {
  const int five = completed(5);
  const int twenty = completed(20);
  return fact(five < twenty && five <= 8 && twenty <= 23,
              fmt::format("of 64 connects without an accept, listen(5) completed {} and listen(20) {}", five, twenty));
}

}  // namespace

Found a_flood_of_datagrams_is_lost_and_a_stream_is_not() { return in_a_child(flood); }
Found datagrams_keep_their_boundaries_and_a_stream_does_not() { return in_a_child(boundaries); }
Found small_writes_arrive_as_one_read() { return in_a_child(coalescing); }
Found the_backlog_bounds_what_waits() { return in_a_child(backlog); }

}  // namespace bench
