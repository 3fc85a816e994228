// The list of services, in the order of every report. A new service is its file and two words here.
#include <array>

#include "workloads/service.h"

namespace bench {

extern const Service echo_service, http_service, udp_echo_service;

RowList<Service> all_services() {
  static constexpr std::array services{&echo_service, &http_service, &udp_echo_service};
  return services;
}

ServiceParameters service_parameters_of(const Parameters& parameters) {
  return {.message_bytes = parameters.number("message-size"), .own = parameters};
}

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
