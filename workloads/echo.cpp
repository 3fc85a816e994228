// `echo`: the notes' upper-casing echo. Each message is a 4-byte big-endian length and as many bytes of payload; the
// reply is a message of the same length with the ASCII letters in upper case.
//
// The reply streams: the first bytes of a long message go back before its last have come, so that a connection holds no
// message whole. A first payload byte 'H' or 'h' marks a request as heavy. A length over max_echo_bytes is the
// protocol's one error: it is answered with the length 0xFFFFFFFF, and the connection is closed.
#include <algorithm>
#include <cstring>
#include <vector>

#include "workloads/payload.h"
#include "workloads/service.h"

namespace bench {
namespace {

constexpr std::size_t header_bytes = 4;

constexpr std::uint32_t echo_error = 0xFFFFFFFF;
std::uint32_t read_length(std::span<const std::byte> header) { return read_big_endian<std::uint32_t>(header); }

void write_length(std::span<std::byte> header, std::uint32_t length) { write_big_endian(header, length); }

class EchoSession final : public Session {
 public:
  explicit EchoSession(const ServiceContext& context) : extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    Step step;
    while (left_ != 0 || begin_message(in, step, out)) {
      if (heavy_) {
        const Step extra = extras_.next();
        if (extra.next != Next::read) return {step.consumed, extra.next, extra.amount};
      }
      if (is_header_due_) write_length(out.extend(header_bytes), left_);
      is_header_due_ = false;
      const std::size_t size = std::min<std::size_t>(left_, in.size() - step.consumed);
      answer(in.subspan(step.consumed, size), out);
      step.consumed += size;
      left_ -= static_cast<std::uint32_t>(size);
      if (left_ != 0) break;
      if (out.pending() > high_water_bytes) return {step.consumed, Next::drain, 0};
    }
    // What is missing will not come.
    if (step.next == Next::read && (why == Why::end || why == Why::timed_out)) step.next = Next::close;
    return step;
  }

 private:
  // Takes the next message's header; false when it has not come whole or is wrong. The header waits for the first
  // byte of its payload, which says whether the message is heavy.
  bool begin_message(std::span<const std::byte> in, Step& step, Output& out) {
    const auto rest = in.subspan(step.consumed);
    if (rest.size() < header_bytes) return false;
    const std::uint32_t length = read_length(rest);
    if (length > max_echo_bytes) {
      write_length(out.extend(header_bytes), echo_error);
      step.next = Next::close;
      return false;
    }
    if (length != 0 && rest.size() == header_bytes) return false;
    is_header_due_ = true;
    step.consumed += header_bytes;
    left_ = length;
    heavy_ = length != 0 && marks_heavy(rest[header_bytes]);
    extras_.reset();
    return true;
  }

  static void answer(std::span<const std::byte> payload, Output& out) {
    if (payload.empty()) return;
    copy_upper_case(payload, out.extend(payload.size()));
  }

  Extras extras_;
  std::uint32_t left_ = 0;  // of the current message's payload
  bool heavy_ = false;
  bool is_header_due_ = false;  // of the current message's reply
};

class EchoExchange final : public Exchange {
 public:
  EchoExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : connection_(connection), length_(static_cast<std::uint32_t>(parameters.message_bytes)), heavy_(heavy) {}

  ClassIndex request(Output& out) override {
    const std::span<std::byte> message = out.extend(header_bytes + length_);
    write_length(message, length_);
    fill_payload(message.subspan(header_bytes), connection_, sent_++, heavy_);
    return class_of(heavy_);
  }

  Reply reply(std::span<const std::byte> in) override {
    Reply reply;
    if (seen_ == 0) {
      if (in.size() < header_bytes) return reply;
      if (read_length(in) != length_) return {0, Verdict::wrong, "wrong length in the header"};
      expected_.resize(length_);
      fill_answer(expected_, connection_, answered_, heavy_);
      reply.consumed = seen_ = header_bytes;
    }
    const std::size_t at = seen_ - header_bytes;
    const std::size_t size = std::min<std::size_t>(length_ - at, in.size() - reply.consumed);
    if (size != 0 && std::memcmp(expected_.data() + at, in.data() + reply.consumed, size) != 0) {
      return {reply.consumed, Verdict::wrong, "wrong payload"};
    }
    reply.consumed += size;
    seen_ += size;
    if (seen_ == header_bytes + length_) {
      reply.verdict = Verdict::complete;
      seen_ = 0;
      ++answered_;
    }
    return reply;
  }

 private:
  std::uint64_t connection_;
  std::uint32_t length_;
  bool heavy_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::size_t seen_ = 0;  // bytes of the current reply, with its header
  std::vector<std::byte> expected_;
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<EchoSession>(context); }

std::unique_ptr<Exchange> exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return std::make_unique<EchoExchange>(parameters, connection, heavy);
}

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("64", 16U << 20, "bytes of each message, without its header"),
});

}  // namespace

extern constinit const Service echo_service{
    .name = "echo",
    .summary = "TCP: messages with a 4-byte length come back in upper case",
    .scheme = {.name = "tcp"},
    .parameters = parameters,
    .classes = light_and_heavy,
    .open = open,
    .exchange = exchange,
};

}  // namespace bench
