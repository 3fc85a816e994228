// The list of services, in the order of every report. A new service is its file and two words here.
#include <algorithm>
#include <array>

#include "workloads/service.h"

namespace bench {

extern const Service echo_service, http_service, transfer_service, ftp_service, tftp_service, chat_service,
    remote_service, udp_echo_service;

RowList<Service> all_services() {
  static constexpr std::array services{&echo_service, &http_service, &transfer_service, &ftp_service,
                                       &tftp_service, &chat_service, &remote_service,   &udp_echo_service};
  return services;
}

ServiceParameters service_parameters_of(const Parameters& parameters) {
  return {.message_bytes = parameters.number("message-size"), .own = parameters};
}

std::uint32_t classes_told_apart(const Service& service, const ServiceParameters& parameters) {
  const double heavy_share = parameters.has_extras() ? parameters.heavy_share : 0;
  const auto can_occur = [&](const RequestClass& each) {
    switch (each.asked_by) {
      case AskedBy::light: return heavy_share < 1;
      case AskedBy::heavy: return heavy_share > 0;
      case AskedBy::all:
      case AskedBy::nobody: break;
    }
    return true;
  };
  const bool mixed = std::ranges::count_if(service.classes, can_occur) > 1;
  return mixed ? static_cast<std::uint32_t>(service.classes.size()) : 0;
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
