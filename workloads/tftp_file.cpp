#include "workloads/tftp_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "workloads/payload.h"

namespace bench::tftp {
namespace {

constexpr std::string_view to_get = "file-";
constexpr std::string_view to_put = "put-";
constexpr std::size_t word_bytes = sizeof(std::uint64_t);

// FNV-1a (Fowler, Noll, Vo).
std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3U;
  return hash;
}

// Eight letters: number `word` of the content. The generator is one that counts, so any of them comes at once.
std::array<std::byte, word_bytes> letters_of(std::uint64_t seed, std::uint64_t word) noexcept {
  const std::uint64_t letters = SplitMix(seed + word * 0x9E3779B97F4A7C15U).next_letters();
  std::array<std::byte, word_bytes> bytes;
  std::memcpy(bytes.data(), &letters, sizeof letters);
  return bytes;
}

// Calls `part(place, letters)` for each piece of the content that lies in `size` bytes from `offset` on.
template <typename Part>
void for_each_piece(std::uint64_t seed, std::uint64_t offset, std::size_t size, Part part) {
  for (std::size_t at = 0; at < size;) {
    const auto letters = letters_of(seed, (offset + at) / word_bytes);
    const std::size_t from = (offset + at) % word_bytes;
    const std::size_t count = std::min(word_bytes - from, size - at);
    part(at, std::span(letters).subspan(from, count));
    at += count;
  }
}

}  // namespace

File::File(Kind kind, std::uint64_t bytes, std::string_view key, bool heavy) noexcept
    : kind_(kind), heavy_(heavy), bytes_(bytes), seed_(hash_of(key)) {}

std::optional<File> File::named(std::string_view name) {
  const bool is_put = name.starts_with(to_put);
  if (!is_put && !name.starts_with(to_get)) return std::nullopt;
  const std::string_view key = name.substr((is_put ? to_put : to_get).size());
  std::uint64_t bytes = 0;
  const char* const end = key.data() + key.size();
  const auto [after, error] = std::from_chars(key.data(), end, bytes);
  const std::string_view rest(after, static_cast<std::size_t>(end - after));
  if (error != std::errc() || (!rest.empty() && rest.front() != '-')) return std::nullopt;
  return File(is_put ? Kind::to_put : Kind::to_get, bytes, key, rest.starts_with("-h"));
}

void File::fill(std::uint64_t offset, std::span<std::byte> room) const noexcept {
  for_each_piece(seed_, offset, room.size(), [room](std::size_t at, std::span<const std::byte> letters) {
    std::ranges::copy(letters, room.begin() + static_cast<std::ptrdiff_t>(at));
  });
}

bool File::has(std::uint64_t offset, std::span<const std::byte> bytes) const noexcept {
  if (offset > bytes_ || bytes.size() > bytes_ - offset) return false;
  bool same = true;
  for_each_piece(seed_, offset, bytes.size(), [&](std::size_t at, std::span<const std::byte> letters) {
    same = same && std::ranges::equal(letters, bytes.subspan(at, letters.size()));
  });
  return same;
}

std::string name_of_file(File::Kind kind, std::uint64_t bytes, std::uint64_t connection, std::uint64_t request,
                         bool heavy) {
  return fmt::format("{}{}-{}{}-{}", kind == File::Kind::to_put ? to_put : to_get, bytes, heavy ? 'h' : 'c', connection,
                     request);
}

}  // namespace bench::tftp
