// The protocol of `ftp` (workloads/ftp.cpp has it in words): its commands, its bounds, the lines of its replies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// Longest line of a command, with its end. A longer one is answered with an error, and the connection is closed.
inline constexpr std::size_t max_ftp_line = 256;

/// Longest name of a file.
inline constexpr std::size_t max_ftp_name = 100;

/// Largest file that a PUT may bring: 64 MiB. Of a larger one nothing is read.
inline constexpr std::uint64_t max_ftp_file_bytes = std::uint64_t{64} << 20;

/// What a store may hold before it is full. A list of so many files is half a megabyte.
inline constexpr std::uint64_t max_ftp_store_bytes = std::uint64_t{8} << 30;
inline constexpr std::size_t max_ftp_store_files = 4096;

enum class FtpVerb : std::uint8_t { list, get, put, quit };

/// A line of a client, read.
struct FtpCommand {
  FtpVerb verb = FtpVerb::quit;
  std::string name{};      ///< Of the file.
  std::uint64_t size = 0;  ///< Of a PUT: how many bytes follow, whether or not it is refused.
  bool heavy = false;      ///< It asks for the extras.

  std::string_view refusal{};  ///< Why it cannot be done, as the client is told; empty: it can.
  bool closes = false;         ///< Of a refused one: where the next command begins is not known.
};

/// Reads a line without its end. Throws nothing but std::bad_alloc.
FtpCommand parse_ftp_command(std::string_view line);

/// Whether a file may have that name: letters, digits, '.', '-' and '_', and no '.' in front, so that no name leads out
/// of the folder and those of files under way are nobody's.
bool is_ftp_name(std::string_view name) noexcept;

/// A number of decimal digits alone, without a superfluous 0 in front. False: it is none, or has more than 18 digits.
bool parse_ftp_number(std::string_view text, std::uint64_t& value) noexcept;

/// What LIST says of a file, with its end: "<size> <name>\n".
std::string ftp_list_line(std::uint64_t size, std::string_view name);

/// What goes before the bytes of a reply: "OK <size>\n".
std::string ftp_status(std::uint64_t size);

}  // namespace bench
