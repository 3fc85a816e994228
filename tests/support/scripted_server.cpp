#include "tests/support/scripted_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace bench {
namespace {

bool read_all(int fd, std::span<std::byte> room) {
  while (!room.empty()) {
    const ssize_t size = recv(fd, room.data(), room.size(), 0);
    if (size <= 0) return false;
    room = room.subspan(static_cast<std::size_t>(size));
  }
  return true;
}

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::optional<Bytes> read_message(int fd) {
  constexpr std::size_t header_bytes = 4;
  Bytes message(header_bytes);
  if (!read_all(fd, message)) return std::nullopt;
  std::size_t length = 0;
  for (const std::byte digit : message) length = length << 8 | std::to_integer<std::size_t>(digit);
  message.resize(header_bytes + length);
  if (!read_all(fd, std::span(message).subspan(header_bytes))) return std::nullopt;
  return message;
}

Bytes echo_reply(Bytes message) {
  for (std::size_t i = 4; i < message.size(); ++i) {
    if (message[i] >= std::byte{'a'} && message[i] <= std::byte{'z'}) message[i] ^= std::byte{0x20};
  }
  return message;
}

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
  return true;
}

void serve_echo(int fd) {
  while (const auto message = read_message(fd)) {
    if (!write_all(fd, echo_reply(*message))) return;
  }
}

void reset_at_close(int fd) {
  constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::pair<UniqueFd, Target> bound_socket(Transport transport) {
  const int type = transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
  UniqueFd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  check(fd.valid(), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  socklen_t size = sizeof address;
  check(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  Target target;
  std::memcpy(&target.address, &address, sizeof address);
  target.address_size = sizeof address;
  target.transport = transport;
  target.text = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  return {std::move(fd), target};
}

ScriptedThreads::ScriptedThreads(Script script, Accepts accepts) : script_(std::move(script)) {
  std::tie(listener_, target_) = bound_socket(Transport::tcp);
  start(accepts);
}

ScriptedThreads::ScriptedThreads(Script script, Accepts accepts, UniqueFd socket, const Target& target)
    : script_(std::move(script)), listener_(std::move(socket)), target_(target) {
  start(accepts);
}

void ScriptedThreads::start(Accepts accepts) {
  check(listen(listener_.get(), SOMAXCONN) == 0, "listen");
  acceptor_ = std::jthread([this, accepts] { accept_all(accepts); });
}

ScriptedThreads::~ScriptedThreads() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_.get(), SHUT_RDWR);  // wakes the acceptor with an error
  acceptor_.join();
}

void ScriptedThreads::accept_all(Accepts accepts) {
  for (std::uint64_t connection = 0;; ++connection) {
    UniqueFd fd(accept(listener_.get(), nullptr, nullptr));
    if (!fd.valid()) return;
    constexpr int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      open_.insert(fd.get());
    }
    if (accepts == Accepts::one_at_a_time) {
      serve(std::move(fd), connection);
    } else {
      threads_.emplace_back([this, connection](UniqueFd mine) { serve(std::move(mine), connection); }, std::move(fd));
    }
  }
}

void ScriptedThreads::serve(UniqueFd fd, std::uint64_t connection) {
  script_(fd.get(), connection);
  const std::scoped_lock lock(mutex_);
  open_.erase(fd.get());
  fd.reset();
}

ScriptedServer::ScriptedServer(ScriptedThreads::Script script, Accepts accepts) {
  auto [socket, target] = bound_socket(Transport::tcp);
  target_ = target;
  check(listen(socket.get(), SOMAXCONN) == 0, "listen");  // connections wait until the process accepts
  process_ = fork();
  check(process_ >= 0, "fork");
  if (process_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const ScriptedThreads server(std::move(script), accepts, std::move(socket), target);
  while (true) pause();
}

ScriptedServer::~ScriptedServer() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

}  // namespace bench
