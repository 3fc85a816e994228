#include "models/reflector.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <system_error>
#include <vector>

#include "workloads/unique_fd.h"

namespace bench {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} * 1024;

void watch(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl for a reflected connection");
  }
}

struct Reflected {
  UniqueFd fd;
  std::unique_ptr<ServerRun::Open> counted;
};

// False once the peer has gone, or takes nothing.
bool reflect(int fd, std::vector<std::byte>& buffer) {
  const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t now = send(fd, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (now >= 0) {
      sent += now;
      continue;
    }
    constexpr int patience_ms = 1000;
    pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
    if (errno == EINTR) continue;  // the question what it has used
    if (errno != EAGAIN) return false;
    const int ready = poll(&writable, 1, patience_ms);
    if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
  }
  return got != 0;
}

void reflect_streams(ServerRun& server) {
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) throw std::system_error(errno, std::generic_category(), "epoll_create1 for the reflector");
  watch(epoll.get(), server.socket());
  std::map<int, Reflected> connections;
  std::vector<std::byte> buffer(buffer_bytes);
  std::array<epoll_event, 256> events{};
  while (!server.stopping()) {
    const int count = epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int index = 0; index < count; ++index) {
      const int fd = events[static_cast<std::size_t>(index)].data.fd;
      if (fd == server.socket()) {
        UniqueFd accepted(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!accepted.valid()) continue;
        watch(epoll.get(), accepted.get());
        const int key = accepted.get();
        connections[key] = {std::move(accepted), std::make_unique<ServerRun::Open>(server)};
      } else if (!reflect(fd, buffer)) {
        connections.erase(fd);
      }
    }
  }
}

void reflect_datagrams(ServerRun& server) {
  std::vector<std::byte> buffer(buffer_bytes);
  while (!server.stopping()) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t got = recvfrom(server.socket(), buffer.data(), buffer.size(), 0, address, &size);
    if (got <= 0) continue;  // a deadline, or the end
    const ServerRun::Open counted(server);
    sendto(server.socket(), buffer.data(), static_cast<std::size_t>(got), 0, address, size);
  }
}

void serve(ServerRun& server) {
  server.transport() == Transport::tcp ? reflect_streams(server) : reflect_datagrams(server);
}

}  // namespace

const Model reflector{.name = "network",
                      .summary = "a reflector that sends back what it gets: what the network alone takes",
                      .unit = UnitKind::thread,
                      .units = HowMany::one,
                      .in_flight = HowMany::tasks,
                      .is_ideal = true,
                      .run = nullptr,
                      .serve = serve};

}  // namespace bench
