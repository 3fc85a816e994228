// The ideal of a service: what no server can do without for a request, its system calls and its computation.
#pragma once

#include <cstddef>

#include "harness/plan/plan.h"
#include "measure/load_report.h"
#include "workloads/service.h"

namespace bench {

/// CPU time in ns of the system calls that no server can do without, for one request of `request_bytes` and its reply
/// of `reply_bytes`: one receive and one send, on a loopback connection whose other end is in the same thread. Median
/// of many; 0, unknown, for more than 32 KiB. Throws std::system_error.
double measure_bare_request(Transport transport, std::size_t request_bytes, std::size_t reply_bytes);

/// The same of a request of the load, measured on the CPUs of the calling thread, which are to be idle: of several
/// exchanges where it takes those, a share of what is sent together where a client sends ahead.
double bare_request_ns(const Service& service, const ServiceLoad& load);

/// How long a request of the service is that is not heavy.
std::size_t request_bytes(const Service& service, const ServiceParameters& parameters);

/// What the computation of a heavy request takes, in ns of CPU time, measured on the CPUs of the calling thread.
double computation_ns(const ServiceParameters& parameters);

/// The share of the answered requests that were heavy; in a closed loop other than that of their connections, as far as
/// classes tell them apart.
double heavy_share(const Service& service, const ServiceParameters& parameters, const LoadCounts& load);

}  // namespace bench
