// The ideal of a service: what the system calls of one request cost bare.
#pragma once

#include <cstddef>

#include "workloads/service.h"

namespace bench {

/// CPU time in ns of the server's system calls for one request of `request_bytes` and its reply of `reply_bytes`: a
/// wait for readiness that finds the socket readable, one receive, one send, on a loopback connection whose other end
/// is in the same thread. Median of many. Throws std::system_error.
double measure_bare_request(Transport transport, std::size_t request_bytes, std::size_t reply_bytes);

}  // namespace bench
