// The system calls of a transfer, as blocking calls and as attempts that do not block.
#pragma once

#include <cstdint>

#include "workloads/script.h"

namespace bench {

/// Does a transfer by calls that block, taken up again where a signal interrupts them; what it comes to, or -errno.
std::int64_t do_transfer(Transfer& transfer) noexcept;

/// What a descriptor has to be ready for before a transfer can go on.
enum class Readiness : std::uint8_t { done, to_read, to_write };

/// For try_transfer(): what is left to be waited for, or whether the descriptor is to be closed.
struct Attempted {
  Readiness wanted;
  bool closes = false;
};
Attempted attempt_transfer(Transfer& transfer, std::int64_t& result) noexcept;
void close_after(Transfer& transfer) noexcept;

/// Tries a transfer without blocking, on a regular file for as long as that takes. `done`: `result` is what it came to.
/// Otherwise it is to be tried again, as it is then, when its descriptor is ready. A descriptor that it closes, since
/// it was told to or since the connection was refused, is given to `forget(fd)` before: the model may watch it.
template <typename Forget>
Readiness try_transfer(Transfer& transfer, std::int64_t& result, Forget forget) {
  const Attempted attempted = attempt_transfer(transfer, result);
  if (attempted.closes) {
    forget(transfer.fd);
    close_after(transfer);
  }
  return attempted.wanted;
}

}  // namespace bench
