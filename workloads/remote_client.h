// The client's side of `remote`.
#pragma once

#include <cstdint>
#include <memory>

#include "workloads/service.h"

namespace bench {

/// As Service::exchange. Of the classes of the row, `run` is 0 and `refused` 1.
std::unique_ptr<Exchange> remote_exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);

}  // namespace bench
