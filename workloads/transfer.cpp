#include <unistd.h>

#include <cerrno>

#include "workloads/script.h"

namespace bench {

std::int64_t do_transfer(const Transfer& transfer) noexcept {
  while (true) {
    const ssize_t size = transfer.kind == Op::write
                             ? pwrite(transfer.fd, transfer.data, transfer.bytes, transfer.offset)
                             : pread(transfer.fd, transfer.data, transfer.bytes, transfer.offset);
    if (size >= 0) return size;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace bench
