// The client's side of HTTP, for our own server and for those of others.
#pragma once

#include <cstdint>
#include <memory>

#include "workloads/service.h"

namespace bench {

/// Requests to a server that is not ours, and replies with a Content-Length, in chunks or until the end of the
/// connection. All exchanges, over all threads of a process, share what the first complete reply was. Nothing is
/// allocated for a reply.
MakeForeignExchange http_exchanges(const ForeignRequest& asked);

/// The client's side of one connection to the `http` service, as Service::exchange says.
std::unique_ptr<Exchange> make_own_http_exchange(const ServiceParameters& parameters, std::uint64_t connection,
                                                 bool heavy);

}  // namespace bench
