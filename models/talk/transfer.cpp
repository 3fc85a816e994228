#include "models/talk/transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace bench {
namespace {

constexpr int none = -1;

sockaddr_in local_address(const Transfer& transfer) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(transfer.offset));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A connection under way, or established; its descriptor stays in the transfer. -1 with errno set.
int begin_connect(Transfer& transfer, int flags) noexcept {
  transfer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (transfer.fd < 0) return -1;
  const int on = 1;
  setsockopt(transfer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = local_address(transfer);
  return connect(transfer.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Whether a call would not block now. Where it cannot be told, the call says why: poll(2) passes over what is below 0.
bool is_ready(int fd, short events) noexcept {
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  return fd < 0 || poll(&watched, 1, 0) != 0;
}

// One call; -1 with errno set.
std::int64_t call(const Transfer& transfer, bool blocks) noexcept {
  const int flags = blocks ? 0 : MSG_DONTWAIT;
  switch (transfer.kind) {
    case Transfer::Kind::read_at: return pread(transfer.fd, transfer.data, transfer.bytes, transfer.offset);
    case Transfer::Kind::write_at: return pwrite(transfer.fd, transfer.data, transfer.bytes, transfer.offset);
    case Transfer::Kind::send: return send(transfer.fd, transfer.data, transfer.bytes, flags | MSG_NOSIGNAL);
    case Transfer::Kind::receive: return recv(transfer.fd, transfer.data, transfer.bytes, flags);
    case Transfer::Kind::read:
      // read(2) takes no flags, and those of the descriptor are the script's.
      if (blocks || is_ready(transfer.fd, POLLIN)) return read(transfer.fd, transfer.data, transfer.bytes);
      errno = EAGAIN;
      return -1;
    case Transfer::Kind::close: return close(transfer.fd);
    case Transfer::Kind::child_end: {
      siginfo_t info{};
      if (waitid(P_PIDFD, static_cast<id_t>(transfer.fd), &info, WEXITED | (blocks ? 0 : WNOHANG)) != 0) return -1;
      if (info.si_pid == 0) {
        errno = EAGAIN;
        return -1;
      }
      constexpr int signalled = 128;
      return info.si_code == CLD_EXITED ? info.si_status : signalled + info.si_status;
    }
    case Transfer::Kind::connect: break;
  }
  errno = EINVAL;
  return -1;
}

}  // namespace

std::int64_t do_transfer(Transfer& transfer) noexcept {
  if (transfer.kind == Transfer::Kind::connect) {
    if (begin_connect(transfer, 0) == 0) return transfer.fd;
    const int error = errno;
    if (transfer.fd != none) close_after(transfer);
    return -error;
  }
  while (true) {
    const std::int64_t result = call(transfer, true);
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

void close_after(Transfer& transfer) noexcept {
  close(transfer.fd);
  transfer.fd = none;
}

Attempted attempt_transfer(Transfer& transfer, std::int64_t& result) noexcept {
  if (transfer.kind == Transfer::Kind::connect) {
    int error = 0;
    if (transfer.fd == none) {
      if (begin_connect(transfer, SOCK_NONBLOCK) != 0) error = errno;
      if (error == EINPROGRESS) return {Readiness::to_write};
    } else {
      if (!is_ready(transfer.fd, POLLOUT)) return {Readiness::to_write};
      socklen_t size = sizeof error;
      getsockopt(transfer.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    result = error == 0 ? transfer.fd : -error;
    return {Readiness::done, error != 0 && transfer.fd != none};
  }
  if (transfer.kind == Transfer::Kind::close) {
    result = 0;
    return {Readiness::done, true};
  }
  while (true) {
    result = call(transfer, false);
    if (result >= 0) return {Readiness::done};
    if (errno == EINTR) continue;
    if (errno == EAGAIN && transfer.kind != Transfer::Kind::read_at && transfer.kind != Transfer::Kind::write_at) {
      return {transfer.kind == Transfer::Kind::send ? Readiness::to_write : Readiness::to_read};
    }
    result = -errno;
    return {Readiness::done};
  }
}

}  // namespace bench
