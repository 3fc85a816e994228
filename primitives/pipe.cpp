#include "primitives/pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace bench {
namespace {

std::array<int, 2> open_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "make a pipe");
  return ends;
}

}  // namespace

Pipe::Pipe(PrimitiveRun& run) : Pipe(run, open_pipe()) {}

Pipe Pipe::of_sockets(PrimitiveRun& run) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "make a pair of sockets");
  }
  return {run, ends};
}

void Pipe::put(Item item) {
  ssize_t size = 0;
  do {
    size = write(out_.get(), &item, sizeof item);
  } while (size < 0 && errno == EINTR);
  if (size != sizeof item) run_->fail(fmt::format("write an item: {} bytes, {}", size, std::strerror(errno)));
}

Item Pipe::get() {
  Item item = 0;
  ssize_t size = 0;
  do {
    size = read(in_.get(), &item, sizeof item);
  } while (size < 0 && errno == EINTR);
  if (size != sizeof item) run_->fail(fmt::format("read an item: {} bytes, {}", size, std::strerror(errno)));
  return item;
}

}  // namespace bench
