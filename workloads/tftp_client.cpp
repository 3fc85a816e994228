#include "workloads/tftp_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "workloads/tftp_file.h"
#include "workloads/tftp_packet.h"

namespace bench::tftp {
namespace {

class TftpExchange final : public Exchange {
 public:
  TftpExchange(std::uint64_t file_bytes, std::uint64_t block_bytes, std::uint64_t connection, bool heavy)
      : file_bytes_(file_bytes), asked_block_bytes_(block_bytes), connection_(connection), heavy_(heavy) {}

  ClassIndex request(Output& out) override {
    const std::uint64_t number = sent_++;
    puts_ = (connection_ + number) % 2 == 1;
    name_ = name_of_file(puts_ ? File::Kind::to_put : File::Kind::to_get, file_bytes_, connection_, number, heavy_);
    file_ = File::named(name_);
    block_bytes_ = standard_block_bytes;
    block_ = 0;
    said_ = Said::request;
    has_answer_ = false;
    say(out);
    return puts_ ? class_put : class_get;
  }

  Reply reply(std::span<const std::byte> in) override {
    const Reply reply = look_at(in);
    if (reply.verdict == Verdict::complete) said_ = puts_ ? Said::nothing : Said::acknowledgement;
    return reply;
  }

  void answer(Output& out) override {
    if (has_answer_) say(out);
    has_answer_ = false;
  }

  void say_again(Output& out) override { say(out); }

  void give_up() override { said_ = Said::nothing; }

 private:
  enum class Said : std::uint8_t { nothing, request, acknowledgement, block };

  void say(Output& out) const {
    const auto number = static_cast<std::uint16_t>(block_);
    switch (said_) {
      case Said::nothing: return;
      case Said::request:
        return append_request(out, puts_ ? Opcode::write_request : Opcode::read_request,
                              {.file = name_, .mode = "octet", .options = asked()});
      case Said::acknowledgement: return append_acknowledgement(out, number);
      case Said::block: {
        const std::uint64_t offset = (block_ - 1) * block_bytes_;
        return file_->fill(offset, append_data(out, number, size_at(offset)));
      }
    }
  }

  Options asked() const {
    if (asked_block_bytes_ == standard_block_bytes) return {};
    return {.block_bytes = asked_block_bytes_};
  }

  std::size_t size_at(std::uint64_t offset) const { return std::min(block_bytes_, file_bytes_ - offset); }

  Reply look_at(std::span<const std::byte> in) {
    const std::optional<Packet> packet = parse_packet(in);
    if (!packet) return wrong(in, "no packet of TFTP");
    switch (packet->opcode) {
      case Opcode::error: return wrong(in, fmt::format("error {}: {}", packet->number, error_text(*packet)));
      case Opcode::options: return on_granted(in, *packet);
      case Opcode::data: return puts_ ? wrong(in, "a block where an acknowledgement is due") : on_block(in, *packet);
      case Opcode::acknowledgement:
        return puts_ ? on_acknowledged(in, *packet) : wrong(in, "an acknowledgement where a block is due");
      case Opcode::read_request:
      case Opcode::write_request: break;
    }
    return wrong(in, "a request from the server");
  }

  // It is said instead of the first block or acknowledgement, and again where our answer has been lost.
  Reply on_granted(std::span<const std::byte> in, const Packet& packet) {
    Options granted;
    if (!asked().any() || parse_options(packet.rest, granted) || granted != asked()) {
      return wrong(in, "other options than were asked for");
    }
    if (said_ == Said::request) {
      block_bytes_ = asked_block_bytes_;
      go_on();
      return taken(in);
    }
    if (block_ != 0) return passed_over(in);  // of a put block 1 is said again by the clock
    has_answer_ = true;                       // our acknowledgement was lost
    return taken(in);
  }

  // A put says block after block, a get acknowledges them.
  void go_on() {
    if (puts_) ++block_;
    said_ = puts_ ? Said::block : Said::acknowledgement;
    has_answer_ = true;
  }

  Reply on_block(std::span<const std::byte> in, const Packet& packet) {
    if (is_under_way() && is_over(packet.number)) {
      if (!is_last_one(packet.number)) return passed_over(in);
      has_answer_ = true;  // our acknowledgement was lost
      return taken(in);
    }
    if (!is_last_one(static_cast<std::uint16_t>(packet.number - 1))) return wrong(in, "a block that is not due");
    const std::uint64_t offset = block_ * block_bytes_;
    if (packet.rest.size() != size_at(offset)) return wrong(in, "wrong length of a block");
    if (!file_->has(offset, packet.rest)) return wrong(in, "wrong bytes in a block");
    ++block_;
    said_ = Said::acknowledgement;
    has_answer_ = true;
    const bool is_last = packet.rest.size() < block_bytes_;
    return taken(in, is_last ? Verdict::complete : Verdict::more);
  }

  // A doubled acknowledgement is not answered, or every block that follows would be doubled, too (RFC 1123, 4.2.3.1).
  // Nor does it break the silence: a server whose next block was lost says it again and again.
  Reply on_acknowledged(std::span<const std::byte> in, const Packet& packet) {
    if (!packet.rest.empty()) return wrong(in, "an acknowledgement that is too long");
    if (!is_last_one(packet.number)) {
      if (is_under_way() && is_over(packet.number)) return passed_over(in);
      return wrong(in, "an acknowledgement of a block that was not sent");
    }
    if (said_ == Said::block && size_at((block_ - 1) * block_bytes_) < block_bytes_) {
      return taken(in, Verdict::complete);
    }
    go_on();
    return taken(in);
  }

  bool is_under_way() const { return said_ != Said::request; }
  bool is_last_one(std::uint16_t number) const { return number == static_cast<std::uint16_t>(block_); }

  // Whether it is the number of the last block or of one before it; half of all numbers are of blocks to come.
  bool is_over(std::uint16_t number) const {
    const std::uint16_t behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(block_) - number);
    return behind <= std::min<std::uint64_t>(block_, 0x7FFF);
  }

  static Reply taken(std::span<const std::byte> in, Verdict verdict = Verdict::more) {
    return {in.size(), verdict, {}};
  }

  static Reply passed_over(std::span<const std::byte> in) { return {in.size(), Verdict::stale, {}}; }

  Reply wrong(std::span<const std::byte> in, std::string why) {
    why_ = std::move(why);
    return {in.size(), Verdict::wrong, why_};
  }

  std::uint64_t file_bytes_;
  std::uint64_t asked_block_bytes_;
  std::uint64_t connection_;
  bool heavy_;
  std::uint64_t sent_ = 0;

  // Of the transfer under way.
  bool puts_ = false;
  bool has_answer_ = false;    // what has come is to be answered
  Said said_ = Said::nothing;  // what was said last, or is to be said now
  std::string name_;
  std::optional<File> file_;
  std::uint64_t block_bytes_ = standard_block_bytes;
  std::uint64_t block_ = 0;  // the last one that came, or was sent; its number on the wire wraps around
  std::string why_;
};

}  // namespace

std::unique_ptr<Exchange> make_client(const ServiceParameters& parameters, std::uint64_t block_bytes,
                                      std::uint64_t connection, bool heavy) {
  return std::make_unique<TftpExchange>(parameters.message_bytes, block_bytes, connection, heavy);
}

}  // namespace bench::tftp
