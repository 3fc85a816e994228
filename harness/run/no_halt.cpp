#include "harness/run/no_halt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace bench {

UniqueFd keep_cpus_from_halting() {
  constexpr const char* device = "/dev/cpu_dma_latency";
  UniqueFd fd(open(device, O_WRONLY | O_CLOEXEC));
  constexpr std::int32_t latency_us = 0;
  if (!fd.valid() || write(fd.get(), &latency_us, sizeof latency_us) != sizeof latency_us) {
    throw std::system_error(errno, std::generic_category(),
                            std::string("--no-halt: write to ") + device + ", which takes root");
  }
  return fd;
}

}  // namespace bench
