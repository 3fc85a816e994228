// The files of the `tftp` service, which are made from their names: nothing is stored, and every byte can be checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bench::tftp {

/// The largest file; a larger one is not there, and is not taken.
inline constexpr std::uint64_t most_file_bytes = std::uint64_t{1} << 30;

/// A file of `bytes` bytes. Its name is file-BYTES or file-BYTES-WORD where it can be got, put-BYTES… where it is to be
/// put; the content is that of the same file- and put-name. It is of lower-case letters alone, so that it is the same
/// in the modes octet and netascii.
class File {
 public:
  enum class Kind : std::uint8_t { to_get, to_put };

  /// The file of that name; nothing where names look otherwise. May be larger than most_file_bytes.
  static std::optional<File> named(std::string_view name);

  Kind kind() const noexcept { return kind_; }
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// Whether its transfer asks for the extras of a heavy request: WORD begins with an h.
  bool is_heavy() const noexcept { return heavy_; }

  /// The bytes from `offset` on.
  void fill(std::uint64_t offset, std::span<std::byte> room) const noexcept;

  /// Whether they are `bytes`; what lies beyond the end is not.
  bool has(std::uint64_t offset, std::span<const std::byte> bytes) const noexcept;

 private:
  File(Kind kind, std::uint64_t bytes, std::string_view key, bool heavy) noexcept;

  Kind kind_;
  bool heavy_;
  std::uint64_t bytes_;
  std::uint64_t seed_;  // of the content
};

/// The name of a file of its own for each request.
std::string name_of_file(File::Kind kind, std::uint64_t bytes, std::uint64_t connection, std::uint64_t request,
                         bool heavy);

}  // namespace bench::tftp
