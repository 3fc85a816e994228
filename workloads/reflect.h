// What a network takes when nobody does anything with what it brings: messages that come back as they were.
#pragma once

#include "workloads/service.h"

namespace bench {

/// The client's side of a peer that sends back whatever it gets, over TCP or UDP; no server of ours has a session for
/// it, since none is needed (models/reflector.h). Messages have ServiceParameters::message_bytes bytes. No rows of the
/// service table.
extern constinit const Service reflected_stream;
extern constinit const Service reflected_datagrams;

/// The most that a message of each may have.
inline constexpr std::uint64_t max_reflected_bytes = std::uint64_t{16} << 20;
inline constexpr std::uint64_t max_reflected_datagram_bytes = 60'000;

}  // namespace bench
