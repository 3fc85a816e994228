// The client's side of `transfer`: gets and puts in turn.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "workloads/service.h"

namespace bench {

/// Every connection asks for both, a get first.
inline constexpr std::array transfer_classes{RequestClass{"get"}, RequestClass{"put"}};

/// As Service::exchange. Checks every byte of heads and files against the file of the name that it asked for.
std::unique_ptr<Exchange> make_transfer_exchange(const ServiceParameters& parameters, std::uint64_t connection,
                                                 bool heavy);

}  // namespace bench
