#include "tests/support/faulty_services.h"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/support/faulty_tables.h"

namespace bench {

extern const Service echo_service;

namespace {

// Echoes with a fault in every tenth call that gives a reply.
class FaultySession final : public Session {
 public:
  enum class Fault : std::uint8_t { wrong_byte, closes, aborts, throws, silent };

  FaultySession(const ServiceContext& context, Fault fault) : right_(echo_service.open(context)), fault_(fault) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    if (fault_ == Fault::silent) return {.consumed = in.size(), .next = why == Why::data ? Next::read : Next::close};
    Output replies;
    const Step step = right_->advance(why, in, replies);
    std::array<iovec, 1> vectors{};
    const auto filled = replies.gather(vectors);
    std::string bytes;
    if (!filled.empty()) bytes.assign(static_cast<const char*>(filled[0].iov_base), filled[0].iov_len);
    if (!bytes.empty() && ++replies_ % 10 == 0) {
      if (fault_ == Fault::aborts) std::abort();
      if (fault_ == Fault::throws) throw std::runtime_error("deliberate");
      if (fault_ == Fault::closes) return {.consumed = step.consumed, .next = Next::close};
      bytes.back() = '!';
    }
    out.append(bytes);
    return step;
  }

 private:
  std::unique_ptr<Session> right_;
  Fault fault_;
  int replies_ = 0;
};

template <FaultySession::Fault fault>
std::unique_ptr<Session> open_faulty(const ServiceContext& context) {
  return std::make_unique<FaultySession>(context, fault);
}

// A client that takes long over each reply.
class SlowExchange final : public Exchange {
 public:
  explicit SlowExchange(std::unique_ptr<Exchange> right) : right_(std::move(right)) {}
  ClassIndex request(Output& out) override { return right_->request(out); }
  Reply reply(std::span<const std::byte> in) override {
    service_compute(500'000);
    return right_->reply(in);
  }

 private:
  std::unique_ptr<Exchange> right_;
};

std::unique_ptr<Exchange> exchange_slowly(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return std::make_unique<SlowExchange>(echo_service.exchange(parameters, connection, heavy));
}

constexpr auto short_messages = std::to_array<Parameter>({message_size_parameter("64", 1024, "bytes of each message")});

constexpr Service row(std::string_view name, std::unique_ptr<Session> (*open)(const ServiceContext&),
                      std::unique_ptr<Exchange> (*exchange)(const ServiceParameters&, std::uint64_t, bool)) {
  return {.name = name,
          .summary = "test row",
          .scheme = {.name = "tcp"},
          .parameters = short_messages,
          .classes = light_and_heavy,
          .open = open,
          .exchange = exchange};
}

const std::array services{
    row("wrong-reply", open_faulty<FaultySession::Fault::wrong_byte>, echo_service.exchange),
    row("closes", open_faulty<FaultySession::Fault::closes>, echo_service.exchange),
    row("aborts", open_faulty<FaultySession::Fault::aborts>, echo_service.exchange),
    row("session-throws", open_faulty<FaultySession::Fault::throws>, echo_service.exchange),
    row("silent", open_faulty<FaultySession::Fault::silent>, echo_service.exchange),
    row("slow-client", echo_service.open, exchange_slowly),
};

}  // namespace

RowList<Service> faulty_services() {
  static const std::array rows = pointers_to(services);
  return rows;
}

}  // namespace bench
