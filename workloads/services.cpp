// The service table. A new service is one file and one row here.
#include <array>

#include "workloads/http_body.h"
#include "workloads/service_rows.h"

namespace bench {
namespace {

constexpr std::array services{
    Service{
        .name = "echo",
        .summary = "TCP: messages with a 4-byte length come back in upper case",
        .transport = Transport::tcp,
        .default_message_bytes = 64,
        .max_message_bytes = 16U << 20,
        .message_meaning = "bytes of each message, without its header",
        .open = echo::open,
        .exchange = echo::exchange,
    },
    Service{
        .name = "http",
        .summary = "TCP: HTTP/1.1 with keep-alive, GET of files in memory",
        .transport = Transport::tcp,
        .default_message_bytes = 1024,
        .max_message_bytes = max_http_body_bytes,
        .message_meaning = "bytes of each reply's body",
        .open = http::open,
        .exchange = http::exchange,
    },
    Service{
        .name = "udp-echo",
        .summary = "UDP: datagrams come back in upper case",
        .transport = Transport::udp,
        .default_message_bytes = 64,
        .max_message_bytes = max_udp_echo_bytes,
        .message_meaning = "bytes of each datagram, without its 12-byte header",
        .open = udp_echo::open,
        .exchange = udp_echo::exchange,
    },
};

}  // namespace

std::span<const Service> all_services() { return services; }

std::uint64_t service_compute(std::uint64_t steps) noexcept {
  // A chain of multiplications: each step waits for the one before, about a nanosecond.
  std::uint64_t value = steps | 1;
  for (std::uint64_t step = 0; step < steps; ++step) {
    value = value * 6364136223846793005U + 1442695040888963407U;
    asm volatile("" : "+r"(value));
  }
  return value;
}

}  // namespace bench
