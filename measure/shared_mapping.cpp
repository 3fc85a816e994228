#include "measure/shared_mapping.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace bench {

SharedMapping::SharedMapping(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 1)) {
  void* address = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), fmt::format("map {} bytes of shared memory", bytes_));
  }
  data_ = static_cast<std::byte*>(address);
}

SharedMapping::~SharedMapping() { munmap(data_, bytes_); }

}  // namespace bench
