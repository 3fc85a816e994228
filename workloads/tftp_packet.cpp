#include "workloads/tftp_packet.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "workloads/payload.h"

namespace bench::tftp {
namespace {

// A request is no longer than this, RFC 2347.
constexpr std::size_t most_request_bytes = 512;

constexpr std::string_view block_size = "blksize";
constexpr std::string_view timeout = "timeout";
constexpr std::string_view transfer_size = "tsize";

// Takes a text with a zero behind it off the front.
std::optional<std::string_view> take_text(std::span<const std::byte>& bytes) {
  const auto end = std::ranges::find(bytes, std::byte{0});
  if (end == bytes.end()) return std::nullopt;
  const auto size = static_cast<std::size_t>(end - bytes.begin());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), size);
  bytes = bytes.subspan(size + 1);
  return text;
}

// Names of options are of any case.
bool is_named(std::string_view text, std::string_view name) {
  return std::ranges::equal(text, name, {}, [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
  });
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t>* option_named(std::string_view name, Options& options) {
  if (is_named(name, block_size)) return &options.block_bytes;
  if (is_named(name, timeout)) return &options.timeout_s;
  if (is_named(name, transfer_size)) return &options.file_bytes;
  return nullptr;
}

void write_header(std::span<std::byte> room, Opcode opcode, std::uint16_t number) {
  write_big_endian(room, static_cast<std::uint16_t>(opcode));
  write_big_endian(room.subspan(2), number);
}

void append_opcode(Output& out, Opcode opcode) {
  write_big_endian(out.extend(sizeof(std::uint16_t)), static_cast<std::uint16_t>(opcode));
}

void append_text(Output& out, std::string_view text) {
  out.append(text);
  out.extend(1)[0] = std::byte{0};
}

void append_option(Output& out, std::string_view name, const std::optional<std::uint64_t>& value) {
  if (!value) return;
  append_text(out, name);
  append_text(out, fmt::format("{}", *value));
}

void append_all(Output& out, const Options& options) {
  append_option(out, block_size, options.block_bytes);
  append_option(out, timeout, options.timeout_s);
  append_option(out, transfer_size, options.file_bytes);
}

}  // namespace

std::optional<Packet> parse_packet(std::span<const std::byte> datagram) {
  if (datagram.size() < sizeof(std::uint16_t)) return std::nullopt;
  const auto opcode = read_big_endian<std::uint16_t>(datagram);
  Packet packet{.opcode = static_cast<Opcode>(opcode), .rest = datagram.subspan(sizeof opcode)};
  switch (packet.opcode) {
    case Opcode::read_request:
    case Opcode::write_request:
    case Opcode::options: return packet;
    case Opcode::data:
    case Opcode::acknowledgement:
    case Opcode::error:
      if (packet.rest.size() < sizeof packet.number) return std::nullopt;
      packet.number = read_big_endian<std::uint16_t>(packet.rest);
      packet.rest = packet.rest.subspan(sizeof packet.number);
      return packet;
  }
  return std::nullopt;
}

std::optional<Refusal> parse_request(std::span<const std::byte> rest, Request& request) {
  if (rest.size() + sizeof(Opcode) > most_request_bytes) {
    return Refusal{ErrorCode::illegal_operation, "a request has 512 bytes at the most"};
  }
  const auto file = take_text(rest);
  const auto mode = file ? take_text(rest) : std::nullopt;
  if (!mode) return Refusal{ErrorCode::illegal_operation, "a request without its file or its mode"};
  request.file = *file;
  request.mode = *mode;
  if (!is_named(*mode, "octet") && !is_named(*mode, "netascii")) {
    return Refusal{ErrorCode::illegal_operation, "the modes are octet and netascii"};
  }
  return parse_options(rest, request.options);
}

std::optional<Refusal> parse_options(std::span<const std::byte> rest, Options& options) {
  while (!rest.empty()) {
    const auto name = take_text(rest);
    const auto value = name ? take_text(rest) : std::nullopt;
    if (!value) return Refusal{ErrorCode::bad_options, "an option without its value"};
    std::optional<std::uint64_t>* const option = option_named(*name, options);
    if (!option) continue;
    if (*option) return Refusal{ErrorCode::bad_options, "an option said twice"};
    *option = number_in(*value);
    if (!*option) return Refusal{ErrorCode::bad_options, "the value of an option is no number"};
  }
  return std::nullopt;
}

std::string_view error_text(const Packet& error) {
  std::span<const std::byte> rest = error.rest;
  return take_text(rest).value_or("");
}

void append_request(Output& out, Opcode kind, const Request& request) {
  append_opcode(out, kind);
  append_text(out, request.file);
  append_text(out, request.mode);
  append_all(out, request.options);
}

void append_options(Output& out, const Options& granted) {
  append_opcode(out, Opcode::options);
  append_all(out, granted);
}

void append_acknowledgement(Output& out, std::uint16_t block) {
  write_header(out.extend(data_header_bytes), Opcode::acknowledgement, block);
}

void append_error(Output& out, ErrorCode code, std::string_view text) {
  write_header(out.extend(data_header_bytes), Opcode::error, static_cast<std::uint16_t>(code));
  append_text(out, text);
}

std::span<std::byte> append_data(Output& out, std::uint16_t block, std::size_t size) {
  const std::span<std::byte> room = out.extend(data_header_bytes + size);
  write_header(room, Opcode::data, block);
  return room.subspan(data_header_bytes);
}

}  // namespace bench::tftp
