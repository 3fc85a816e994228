// `tftp`: whole files in lock-step over UDP (RFC 1350), each transfer by a socket of its own, with the options blksize,
// timeout and tsize (RFC 2347, 2348, 2349).
//
// Files to get are made from their names, file-65536 has 65,536 bytes; files to put, put-65536, are checked against
// their names and not kept (tftp_file.h). In the mode netascii they are the same bytes. Blocks have 8 KiB at the most,
// whatever is asked for, since that is what every model receives at once. Numbers of blocks wrap around to 0.
//
// What was lost is said again: here after a silence of a second, or of as many as the option `timeout` says, five times
// in all; and by the peer. A block that comes twice is acknowledged twice. An acknowledgement that comes twice is
// passed over, or each block that follows would be doubled (the sorcerer's apprentice, RFC 1123, 4.2.3.1). But each
// puts off the end of the silence, so the fourth of them is taken for it: a network that doubles all brings no more
// than three.
//
// A put is over with its last acknowledgement; with --dally=yes the session stays for five silences, and says that
// acknowledgement again where it was lost. Under a load that would hold a unit or a socket for as long after each put.
//
// An empty datagram is no packet; models take it for the peer's end, and so it ends the transfer.
#include <algorithm>
#include <chrono>
#include <optional>

#include "workloads/service.h"
#include "workloads/tftp_client.h"
#include "workloads/tftp_file.h"
#include "workloads/tftp_packet.h"

namespace bench {
namespace {

using namespace tftp;

constexpr std::uint64_t most_granted_block_bytes = 8192;
constexpr std::uint64_t most_timeout_s = 255;
constexpr std::chrono::seconds resend_after{1};
constexpr int most_tries = 5;
constexpr int most_doubled = 4;

// What a session grants of what is asked for; a value that is out of bounds it passes over (RFC 2347).
Options grant(const Options& asked, const File& file) {
  Options granted;
  if (asked.block_bytes && *asked.block_bytes >= least_block_bytes && *asked.block_bytes <= most_block_bytes) {
    granted.block_bytes = std::min(*asked.block_bytes, most_granted_block_bytes);
  }
  if (asked.timeout_s && *asked.timeout_s >= 1 && *asked.timeout_s <= most_timeout_s)
    granted.timeout_s = asked.timeout_s;
  if (asked.file_bytes) granted.file_bytes = file.kind() == File::Kind::to_get ? file.bytes() : *asked.file_bytes;
  return granted;
}

// Why the file is not to be had, or not to be put.
std::optional<Refusal> why_not(Opcode kind, std::string_view name, const std::optional<File>& file,
                               const Options& asked) {
  if (name.find('/') != std::string_view::npos || name.find("..") != std::string_view::npos) {
    return Refusal{ErrorCode::access_violation, "there are no folders"};
  }
  if (kind == Opcode::read_request) {
    const bool is_there = file && file->kind() == File::Kind::to_get && file->bytes() <= most_file_bytes;
    if (!is_there) return Refusal{ErrorCode::not_found, "no such file; there are file-0 to file-1073741824"};
    return std::nullopt;
  }
  if (!file) return Refusal{ErrorCode::access_violation, "what is put is named put-BYTES"};
  if (file->kind() == File::Kind::to_get) return Refusal{ErrorCode::file_exists, "the file is there already"};
  if (file->bytes() > most_file_bytes) return Refusal{ErrorCode::disk_full, "files have 1 GiB at the most"};
  if (asked.file_bytes.value_or(0) > file->bytes()) {
    return Refusal{ErrorCode::disk_full, "larger than the file's name says"};
  }
  return std::nullopt;
}

class TftpSession final : public Session {
 public:
  explicit TftpSession(const ServiceContext& context)
      : extras_(context.parameters), dallies_(context.parameters.own.choice("dally") == "yes") {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    switch (why) {
      case Why::data: return on_datagram(in, out);
      case Why::timed_out: return {in.size(), on_silence(out)};
      case Why::resumed: return begin(in.size(), out);
      case Why::end: return {in.size(), Next::close};
      case Why::drained:
      case Why::message: break;
    }
    return {in.size()};
  }

 private:
  enum class Phase : std::uint8_t { begins, sends, receives, dallies };

  Step on_datagram(std::span<const std::byte> in, Output& out) {
    const std::optional<Packet> packet = parse_packet(in);
    if (packet && packet->opcode == Opcode::error) return {in.size(), Next::close};  // which nobody answers
    if (!packet) return {in.size(), refuse({ErrorCode::illegal_operation, "no packet of TFTP"}, out)};
    switch (phase_) {
      case Phase::begins: return on_request(*packet, in.size(), out);
      case Phase::sends: return {in.size(), on_acknowledged(*packet, out)};
      case Phase::receives:
      case Phase::dallies: break;
    }
    return {in.size(), on_block(*packet, out)};
  }

  Step on_request(const Packet& packet, std::size_t size, Output& out) {
    if (const auto refusal = why_refused(packet)) return {size, refuse(*refusal, out)};
    phase_ = packet.opcode == Opcode::read_request ? Phase::sends : Phase::receives;
    return begin(size, out);
  }

  // Reads the request and settles what of it is granted.
  std::optional<Refusal> why_refused(const Packet& packet) {
    switch (packet.opcode) {
      case Opcode::read_request:
      case Opcode::write_request: break;
      case Opcode::data:
      case Opcode::acknowledgement: return Refusal{ErrorCode::unknown_transfer, "no such transfer"};
      default: return Refusal{ErrorCode::illegal_operation, "a transfer begins with a request"};
    }
    Request request;
    if (const auto refusal = parse_request(packet.rest, request)) return refusal;
    if (request.file.starts_with('/')) request.file.remove_prefix(1);
    file_ = File::named(request.file);
    if (const auto refusal = why_not(packet.opcode, request.file, file_, request.options)) return refusal;
    granted_ = grant(request.options, *file_);
    block_bytes_ = granted_.block_bytes.value_or(standard_block_bytes);
    silences_each_ = granted_.timeout_s.value_or(1);
    return std::nullopt;
  }

  // The first answer, after the extras of a heavy transfer.
  Step begin(std::size_t size, Output& out) {
    if (file_->is_heavy()) {
      const Step extra = extras_.next();
      if (extra.next != Next::read) return {size, extra.next, extra.amount};
    }
    if (phase_ == Phase::sends && !granted_.any()) block_ = 1;
    return {size, go_on(out)};
  }

  Next on_acknowledged(const Packet& packet, Output& out) {
    if (packet.opcode != Opcode::acknowledgement) return refuse_as_illegal(out);
    if (packet.number != number()) return ++doubled_ < most_doubled ? Next::read : on_silence(out);
    if (block_ == last_block()) return Next::close;
    ++block_;
    return go_on(out);
  }

  Next on_block(const Packet& packet, Output& out) {
    if (packet.opcode != Opcode::data) return refuse_as_illegal(out);
    if (packet.number == number()) return say(out);  // doubled, or our acknowledgement was lost
    const bool is_due = phase_ == Phase::receives && packet.number == static_cast<std::uint16_t>(block_ + 1);
    if (!is_due) return Next::read;
    const std::uint64_t offset = block_ * block_bytes_;
    const std::size_t size = packet.rest.size();
    if (size > block_bytes_) return refuse({ErrorCode::illegal_operation, "a block that is too large"}, out);
    if (size > file_->bytes() - offset) return refuse({ErrorCode::disk_full, "larger than the file's name says"}, out);
    if (!file_->has(offset, packet.rest)) return refuse({ErrorCode::undefined, "not the content of the name"}, out);
    const bool is_last = size < block_bytes_;
    if (is_last && offset + size != file_->bytes()) {
      return refuse({ErrorCode::undefined, "smaller than the file's name says"}, out);
    }
    ++block_;
    go_on(out);
    if (!is_last) return Next::read;
    phase_ = Phase::dallies;
    return dallies_ ? Next::read : Next::close;
  }

  Next on_silence(Output& out) {
    if (++silences_ < silences_each_) return Next::read;
    silences_ = 0;
    if (++tries_ == most_tries) return Next::close;
    return phase_ == Phase::dallies ? Next::read : say(out);
  }

  // The transfer has got further.
  Next go_on(Output& out) {
    tries_ = 0;
    silences_ = 0;
    doubled_ = 0;
    return say(out);
  }

  // What is to be said at this block, for the first time or again.
  Next say(Output& out) const {
    if (block_ == 0 && granted_.any()) {
      append_options(out, granted_);
    } else if (phase_ == Phase::sends) {
      const std::uint64_t offset = (block_ - 1) * block_bytes_;
      file_->fill(offset, append_data(out, number(), std::min(block_bytes_, file_->bytes() - offset)));
    } else {
      append_acknowledgement(out, number());
    }
    return Next::read;
  }

  static Next refuse(const Refusal& refusal, Output& out) {
    append_error(out, refusal.code, refusal.text);
    return Next::close;
  }
  static Next refuse_as_illegal(Output& out) {
    return refuse({ErrorCode::illegal_operation, "not a packet of this transfer"}, out);
  }

  std::uint16_t number() const { return static_cast<std::uint16_t>(block_); }

  // It has less than a whole block, if need be nothing.
  std::uint64_t last_block() const { return file_->bytes() / block_bytes_ + 1; }

  Extras extras_;
  bool dallies_;
  Phase phase_ = Phase::begins;
  std::optional<File> file_;
  Options granted_;
  std::uint64_t block_bytes_ = standard_block_bytes;
  std::uint64_t block_ = 0;          // the last one sent, or acknowledged; 0 while the options are
  std::uint64_t silences_each_ = 1;  // after so many it is said again
  std::uint64_t silences_ = 0;
  int doubled_ = 0;  // acknowledgements of earlier blocks
  int tries_ = 0;
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<TftpSession>(context); }

std::uint64_t block_bytes(const ServiceParameters& parameters) {
  return parameters.own.number("blksize", standard_block_bytes);
}

std::unique_ptr<Exchange> exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return make_client(parameters, block_bytes(parameters), connection, heavy);
}

// Each block, and the options.
std::uint64_t round_trips(const ServiceParameters& parameters) {
  const std::uint64_t bytes = block_bytes(parameters);
  return parameters.message_bytes / bytes + 1 + (bytes == standard_block_bytes ? 0 : 1);
}

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("8KiB", most_file_bytes, "bytes of each file"),
    {.name = "blksize",
     .kind = ParameterKind::size,
     .standard = "512",
     .meaning = "bytes of each block, for which tftp asks the server",
     .least = least_block_bytes,
     .most = most_granted_block_bytes,
     .key = "block_bytes",
     .title = "blocks of {}",
     .shown_at_standard = false},
    {.name = "dally",
     .kind = ParameterKind::choice,
     .standard = "no",
     .meaning = "whether tftp stays after a put, to acknowledge its last block again",
     .choices = {"no", "yes"},
     .shown_at_standard = false},
});

constexpr std::array classes{RequestClass{"get"}, RequestClass{"put"}};

}  // namespace

extern constinit const Service tftp_service{
    .name = "tftp",
    .summary = "TFTP: whole files in lock-step over UDP, a socket for each transfer",
    .transport = Transport::udp_transfers,
    .scheme = {.name = "tftp", .port = "69"},
    .parameters = parameters,
    .classes = classes,
    .resend_after = resend_after,
    .round_trips = round_trips,
    .open = open,
    .exchange = exchange,
};

}  // namespace bench
