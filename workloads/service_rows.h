// The functions behind the rows of the service table, one namespace for each file.
#pragma once

#include "workloads/service.h"

namespace bench {

/// Longest payload of an echo message: longer ones are a protocol error.
inline constexpr std::uint32_t max_echo_bytes = 1U << 30;

namespace echo {
std::unique_ptr<Session> open(const ServiceContext& context);
std::unique_ptr<Exchange> exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);
}  // namespace echo

namespace http {
std::unique_ptr<Session> open(const ServiceContext& context);
std::unique_ptr<Exchange> exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);
}  // namespace http

/// Longest payload of a UDP echo: what an IPv4 datagram holds (65,507 bytes), less the 12 bytes of the header.
inline constexpr std::uint64_t max_udp_echo_bytes = 65'507 - 12;

namespace udp_echo {
std::unique_ptr<Session> open(const ServiceContext& context);
std::unique_ptr<Exchange> exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);
}  // namespace udp_echo

}  // namespace bench
