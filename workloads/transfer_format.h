// What both sides of `transfer` know: how messages are framed, and the bytes of a file that is known by its name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "workloads/payload.h"

namespace bench {

/// A head is at most so long; of its length before it, see `framed`.
inline constexpr std::size_t max_head_bytes = 4 * 1024;

/// A file is at most so long: it is read twice to be sent, the first time for its checksum, while others wait.
inline constexpr std::uint64_t max_file_bytes = 16U << 20;

/// Heads are written with their keys in this order.
using Head = nlohmann::ordered_json;

/// The bytes in front of a head that hold its length, big-endian.
inline constexpr std::size_t head_length_bytes = 4;

/// A head on the wire: its length and its text.
std::string framed(const Head& head);

/// A head as a member called `name` of it says; null where it has none of that name, or is no object.
const Head& field(const Head& head, std::string_view name);

/// The heads of replies. `checksum` is of the file's bytes.
Head get_reply(std::string_view name, std::uint64_t size, std::string_view checksum);
Head put_reply(std::string_view name, std::string_view checksum);

/// XXH64 as it is written in heads: 16 hexadecimal digits in lower case.
std::string checksum_text(std::uint64_t digest);

/// The endless file of a name: lower-case letters that depend on the name and on their place.
class GeneratedFile {
 public:
  explicit GeneratedFile(std::string_view name) noexcept;

  /// Fills `room` with the bytes that come next.
  void read(std::span<std::byte> room) noexcept;

 private:
  SplitMix random_;
  std::array<std::byte, sizeof(std::uint64_t)> word_{};  // the last one, of which
  std::size_t word_left_ = 0;                            // so many bytes have not been read
};

/// Of the first `size` bytes of the file of that name.
std::string checksum_of_file(std::string_view name, std::uint64_t size);

}  // namespace bench
