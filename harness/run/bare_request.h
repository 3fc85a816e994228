// The ideal of a service: what the system calls of one request cost bare.
#pragma once

#include <cstddef>

#include "workloads/service.h"

namespace bench {

/// CPU time in ns of the system calls that no server can do without, for one request of `request_bytes` and its reply
/// of `reply_bytes`: one receive and one send, on a loopback connection whose other end is in the same thread. Median
/// of many; 0, unknown, for more than 32 KiB. Throws std::system_error.
double measure_bare_request(Transport transport, std::size_t request_bytes, std::size_t reply_bytes);

}  // namespace bench
