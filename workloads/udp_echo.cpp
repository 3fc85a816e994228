// `udp-echo`: each datagram is answered with one of the same size. A 12-byte header, 8 bytes of connection number and 4
// of request number, both big-endian, comes back as it is; the payload comes back in upper case. A first payload byte
// 'H' or 'h' marks a request as heavy. A datagram shorter than the header is dropped.
//
// A session keeps nothing of its datagram: while it waits or computes, the datagram stays unconsumed with the model and
// comes again with `resumed`.
#include <algorithm>
#include <cstring>
#include <vector>

#include "workloads/payload.h"
#include "workloads/service.h"

namespace bench {
namespace {

constexpr std::size_t header_bytes = 12;

class UdpEchoSession final : public Session {
 public:
  explicit UdpEchoSession(const ServiceContext& context) : extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    const bool has_datagram = why == Why::data || why == Why::resumed;
    if (has_datagram && in.size() >= header_bytes) {
      if (in.size() > header_bytes && marks_heavy(in[header_bytes])) {
        const Step extra = extras_.next();
        if (extra.next != Next::read) return extra;
      }
      const std::span<std::byte> reply = out.extend(in.size());
      std::ranges::copy(in.first(header_bytes), reply.begin());
      copy_upper_case(in.subspan(header_bytes), reply.subspan(header_bytes));
    }
    extras_.reset();
    return {in.size(), Next::close, 0};
  }

 private:
  Extras extras_;
};

class UdpEchoExchange final : public Exchange {
 public:
  UdpEchoExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : connection_(connection), expected_(parameters.message_bytes), heavy_(heavy) {}

  ClassIndex request(Output& out) override {
    const auto number = static_cast<std::uint32_t>(sent_++);
    const std::span<std::byte> datagram = out.extend(header_bytes + expected_.size());
    write_big_endian(datagram, connection_);
    write_big_endian(datagram.subspan(8), number);
    fill_payload(datagram.subspan(header_bytes), connection_, number, heavy_);
    under_way_.push_back(number);
    return class_of(heavy_);
  }

  Reply reply(std::span<const std::byte> in) override {
    if (in.size() < header_bytes) return {in.size(), Verdict::wrong, "datagram shorter than its header"};
    if (read_big_endian<std::uint64_t>(in) != connection_) {
      return {in.size(), Verdict::wrong, "reply to another connection"};
    }
    const auto number = read_big_endian<std::uint32_t>(in.subspan(8));
    const auto due = std::ranges::find(under_way_, number);
    if (due == under_way_.end()) {
      if (was_sent(number)) return {in.size(), Verdict::stale, "reply to a request that is over"};
      return {in.size(), Verdict::wrong, "reply to a request that was not made"};
    }
    const auto payload = in.subspan(header_bytes);
    if (payload.size() != expected_.size()) return {in.size(), Verdict::wrong, "wrong length of the payload"};
    fill_answer(expected_, connection_, number, heavy_);
    if (!std::ranges::equal(payload, expected_)) return {in.size(), Verdict::wrong, "wrong payload"};
    const auto place = static_cast<std::size_t>(due - under_way_.begin());
    under_way_.erase(due);
    return {.consumed = in.size(), .verdict = Verdict::complete, .why = {}, .place = place};
  }

  void give_up() override {
    if (!under_way_.empty()) under_way_.erase(under_way_.begin());
  }

 private:
  // Of the last 2^31 requests: numbers wrap around.
  bool was_sent(std::uint32_t number) const noexcept {
    const auto age = static_cast<std::uint32_t>(sent_ - 1 - number);
    return age < std::min(sent_, std::uint64_t{1} << 31);
  }

  std::uint64_t connection_;
  std::vector<std::byte> expected_;  // room for a payload to compare with
  bool heavy_;
  std::uint64_t sent_ = 0;
  std::vector<std::uint32_t> under_way_;  // oldest first; as many as are sent at once
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<UdpEchoSession>(context); }

std::unique_ptr<Exchange> exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return std::make_unique<UdpEchoExchange>(parameters, connection, heavy);
}

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("64", max_udp_echo_bytes, "bytes of each datagram, without its 12-byte header"),
});

}  // namespace

extern constinit const Service udp_echo_service{
    .name = "udp-echo",
    .summary = "UDP: datagrams come back in upper case",
    .transport = Transport::udp,
    .scheme = {.name = "udp"},
    .parameters = parameters,
    .classes = light_and_heavy,
    .open = open,
    .exchange = exchange,
};

}  // namespace bench
