#include "models/ring/ring_transfer.h"
#include "models/talk/transfer.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace bench {
namespace {

// Of a descriptor that has none, such as a pipe's.
constexpr auto no_offset = static_cast<std::uint64_t>(-1);

// What is tried at once, and again when the ring has polled its descriptor.
Done poll_for(Ring& ring, std::uint64_t tag, Operation& operation) {
  // The ring polls a descriptor once, and is done with it then.
  const Readiness wanted = try_transfer(operation.transfer, operation.result, [](int /*fd*/) {});
  if (wanted == Readiness::done) return Done::now;
  operation.again = true;
  const unsigned events = wanted == Readiness::to_read ? POLLIN : POLLOUT;
  io_uring_prep_poll_add(ring.prepare(tag), operation.transfer.fd, events);
  return Done::later;
}

}  // namespace

Done begin_transfer(Ring& ring, std::uint64_t tag, Operation& operation) {
  const Transfer& transfer = operation.transfer;
  const auto bytes = static_cast<unsigned>(transfer.bytes);
  const auto offset = static_cast<std::uint64_t>(transfer.offset);
  switch (transfer.kind) {
    case Transfer::Kind::read_at:
      io_uring_prep_read(ring.prepare(tag), transfer.fd, transfer.data, bytes, offset);
      break;
    case Transfer::Kind::write_at:
      io_uring_prep_write(ring.prepare(tag), transfer.fd, transfer.data, bytes, offset);
      break;
    case Transfer::Kind::send:
      io_uring_prep_send(ring.prepare(tag), transfer.fd, transfer.data, bytes, MSG_NOSIGNAL);
      break;
    case Transfer::Kind::receive: io_uring_prep_recv(ring.prepare(tag), transfer.fd, transfer.data, bytes, 0); break;
    case Transfer::Kind::read:
      io_uring_prep_read(ring.prepare(tag), transfer.fd, transfer.data, bytes, no_offset);
      break;
    case Transfer::Kind::connect:
    case Transfer::Kind::child_end:
    case Transfer::Kind::close: return poll_for(ring, tag, operation);
  }
  return Done::later;
}

Done go_on_with_transfer(Ring& ring, std::uint64_t tag, Operation& operation, int result) {
  if (std::exchange(operation.again, false)) return poll_for(ring, tag, operation);
  if (result == -EINTR) return begin_transfer(ring, tag, operation);
  operation.result = result;
  return Done::now;
}

}  // namespace bench
