#include "models/resumable/stack_pool.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "models/resumable/sanitizer_notes.h"

namespace bench {

StackPool::StackPool(std::size_t bytes)
    : page_bytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
      bytes_((bytes + page_bytes_ - 1) / page_bytes_ * page_bytes_) {}

StackPool::~StackPool() {
  for (std::byte* const stack : free_) {
    forget_stack({stack, bytes_});
    munmap(stack - page_bytes_, page_bytes_ + bytes_);
  }
}

StackPool::Stack StackPool::make() {
  if (free_.capacity() == made_) free_.reserve(std::max<std::size_t>(2 * made_, 64));
  // MAP_STACK keeps huge pages away, of which one touched byte would take 2 MiB.
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* const mapping = mmap(nullptr, page_bytes_ + bytes_, PROT_READ | PROT_WRITE, flags, -1, 0);
  const bool guarded = mapping != MAP_FAILED && mprotect(mapping, page_bytes_, PROT_NONE) == 0;
  if (!guarded) {
    const std::system_error error(
        errno, std::generic_category(),
        fmt::format("map stack {} of {} bytes (see /proc/sys/vm/max_map_count)", made_ + 1, bytes_));
    if (mapping != MAP_FAILED) munmap(mapping, page_bytes_ + bytes_);
    throw error;
  }
  ++made_;
  return {static_cast<std::byte*>(mapping) + page_bytes_, bytes_};
}

}  // namespace bench
