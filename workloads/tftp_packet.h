// The packets of TFTP: RFC 1350, with the options of RFC 2347, 2348 and 2349. Reads and writes them, and knows no
// transfer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "workloads/output.h"

namespace bench::tftp {

enum class Opcode : std::uint16_t {
  read_request = 1,
  write_request = 2,
  data = 3,
  acknowledgement = 4,
  error = 5,
  options = 6,  ///< Which of the options of a request are granted (OACK).
};

enum class ErrorCode : std::uint16_t {
  undefined = 0,  ///< The text says what.
  not_found = 1,
  access_violation = 2,
  disk_full = 3,
  illegal_operation = 4,
  unknown_transfer = 5,
  file_exists = 6,
  no_such_user = 7,
  bad_options = 8,
};

/// The size of blocks where no option says otherwise, and the bounds of that option.
inline constexpr std::uint64_t standard_block_bytes = 512;
inline constexpr std::uint64_t least_block_bytes = 8;
inline constexpr std::uint64_t most_block_bytes = 65464;

/// In front of the bytes of a block.
inline constexpr std::size_t data_header_bytes = 4;

/// The options of a request, or those granted; what is not there has not been said.
struct Options {
  std::optional<std::uint64_t> block_bytes{};  ///< blksize
  std::optional<std::uint64_t> timeout_s{};    ///< timeout: seconds until a datagram is said again.
  std::optional<std::uint64_t> file_bytes{};   ///< tsize: 0 in a read request, which asks for it.

  bool any() const noexcept { return block_bytes || timeout_s || file_bytes; }
  bool operator==(const Options&) const = default;
};

/// A read or a write request. The texts are the datagram's.
struct Request {
  std::string_view file;
  std::string_view mode;
  Options options{};
};

/// Why a request is none; the text is static.
struct Refusal {
  ErrorCode code;
  std::string_view text;
};

/// A packet as it came; `number` is the block's, or the error's code, and `rest` what follows: of requests and granted
/// options all after the opcode.
struct Packet {
  Opcode opcode;
  std::uint16_t number = 0;
  std::span<const std::byte> rest{};
};

/// Nothing where it is no packet: too short, or of an opcode that there is not.
std::optional<Packet> parse_packet(std::span<const std::byte> datagram);

/// Reads the rest of a request. Options that nobody knows are passed over (RFC 2347); a value that is no number, or an
/// option said twice, is refused.
std::optional<Refusal> parse_request(std::span<const std::byte> rest, Request& request);

/// The same of granted options.
std::optional<Refusal> parse_options(std::span<const std::byte> rest, Options& options);

/// The text of an error packet, without its end.
std::string_view error_text(const Packet& error);

void append_request(Output& out, Opcode kind, const Request& request);
void append_options(Output& out, const Options& granted);
void append_acknowledgement(Output& out, std::uint16_t block);
void append_error(Output& out, ErrorCode code, std::string_view text);

/// Returns the room for the block's bytes, valid until the next call.
std::span<std::byte> append_data(Output& out, std::uint16_t block, std::size_t size);

}  // namespace bench::tftp
