// The block is computed by the compiler: what lies in the program's read-only data is neither touched before it is
// served nor copied when a process forks.
#include "workloads/http_body.h"

#include <array>
#include <cstdint>

#include "workloads/payload.h"

namespace bench {
namespace {

constexpr auto words = [] {
  constexpr std::uint64_t last_byte = std::uint64_t{0xFF} << 56;  // in memory, on a little-endian machine
  std::array<std::uint64_t, max_http_body_bytes / 8> filled{};
  SplitMix random(1);
  std::size_t place = 0;
  for (std::uint64_t& word : filled) {
    word = random.next_letters();
    if (++place % 8 == 0) word = (word & ~last_byte) | std::uint64_t{'\n'} << 56;
  }
  return filled;
}();

}  // namespace

std::span<const std::byte> http_body(std::size_t size) noexcept { return std::as_bytes(std::span(words)).first(size); }

}  // namespace bench
