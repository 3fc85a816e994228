// The reference of the echo service: what a careful C programmer would write by hand, one thread and one
// level-triggered epoll loop, without any of the program's code. How close `epoll` comes to it is what abstraction
// costs.
//
//   bare_echo_server [PORT]   listens on 127.0.0.1 (0 or none: any free port), prints the port, serves until it is
//   killed
//
// The protocol is that of workloads/echo.cpp: a 4-byte big-endian length and as many bytes; the reply has the letters
// in upper case. A request is one recv and one send. Socket options and backlog are those of the models.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr std::size_t header_size = 4;
constexpr int backlog = 4096;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Connection {
  std::uint32_t payload_left = 0;
  std::uint32_t header = 0;
  std::uint32_t header_bytes = 0;
  std::vector<unsigned char> unsent;
};

int epoll_fd = -1;
std::vector<Connection> connections;  // by descriptor
unsigned char buffer[64 * 1024];

void watch(int fd, int operation, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_fd, operation, fd, &event) != 0) die("epoll_ctl");
}

int listen_at(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  constexpr int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(fd, backlog) != 0) die("listen");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return fd;
}

void accept_all(int listener) {
  while (true) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    constexpr int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connections.size() <= static_cast<std::size_t>(fd)) connections.resize(static_cast<std::size_t>(fd) + 1);
    connections[static_cast<std::size_t>(fd)] = Connection();
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }
}

// Headers go back as they are and payloads in upper case, so the answer takes the place of the bytes.
void answer(Connection& connection, std::size_t size) {
  for (std::size_t at = 0; at < size;) {
    if (connection.payload_left == 0) {
      connection.header = connection.header << 8 | buffer[at++];
      if (++connection.header_bytes == header_size) {
        connection.payload_left = connection.header;
        connection.header_bytes = 0;
      }
      continue;
    }
    const std::size_t part = std::min<std::size_t>(connection.payload_left, size - at);
    for (std::size_t i = at; i < at + part; ++i) {
      const unsigned letter = buffer[i];
      buffer[i] = static_cast<unsigned char>(letter - (static_cast<unsigned>(letter - 'a' < 26U) << 5));
    }
    at += part;
    connection.payload_left -= static_cast<std::uint32_t>(part);
  }
}

void read_and_answer(int fd) {
  Connection& connection = connections[static_cast<std::size_t>(fd)];
  const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    close(fd);
    return;
  }
  answer(connection, static_cast<std::size_t>(size));
  const ssize_t sent = std::max<ssize_t>(send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL), 0);
  if (sent == size) return;
  connection.unsent.assign(buffer + sent, buffer + size);
  watch(fd, EPOLL_CTL_MOD, EPOLLOUT);  // and reads no more until it is gone
}

void send_rest(int fd) {
  std::vector<unsigned char>& unsent = connections[static_cast<std::size_t>(fd)].unsent;
  const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return;
  if (sent < 0) {
    close(fd);
    return;
  }
  unsent.erase(unsent.begin(), unsent.begin() + sent);
  if (unsent.empty()) watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

}  // namespace

int main(int argc, char** argv) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  epoll_fd = epoll_create1(0);
  const int listener = listen_at(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
  watch(listener, EPOLL_CTL_ADD, EPOLLIN);
  std::vector<epoll_event> events(256);
  while (true) {
    const int ready = epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == listener)
        accept_all(listener);
      else if ((event.events & EPOLLOUT) != 0)
        send_rest(event.data.fd);
      else
        read_and_answer(event.data.fd);
    }
  }
}
