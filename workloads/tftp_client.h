// The client's side of `tftp`.
#pragma once

#include <cstdint>
#include <memory>

#include "workloads/service.h"

namespace bench::tftp {

/// The classes of requests, in the order of the row.
inline constexpr ClassIndex class_get = 0;
inline constexpr ClassIndex class_put = 1;

/// Whole files, got and put in turn. `block_bytes` is what it asks for as the size of blocks.
std::unique_ptr<Exchange> make_client(const ServiceParameters& parameters, std::uint64_t block_bytes,
                                      std::uint64_t connection, bool heavy);

}  // namespace bench::tftp
