#include "tests/faulty_services.h"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "workloads/service_rows.h"

namespace bench {
namespace {

// Echoes with a fault in every tenth call that gives a reply.
class FaultySession final : public Session {
 public:
  enum class Fault : std::uint8_t { wrong_byte, closes, aborts, throws, silent };

  FaultySession(const ServiceContext& context, Fault fault) : right_(echo::open(context)), fault_(fault) {}

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
  void request(Output& out) override { right_->request(out); }
  Reply reply(std::span<const std::byte> in) override {
    service_compute(500'000);
    return right_->reply(in);
  }

 private:
  std::unique_ptr<Exchange> right_;
};

std::unique_ptr<Exchange> exchange_slowly(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return std::make_unique<SlowExchange>(echo::exchange(parameters, connection, heavy));
}

constexpr Service row(std::string_view name, std::unique_ptr<Session> (*open)(const ServiceContext&),
                      std::unique_ptr<Exchange> (*exchange)(const ServiceParameters&, std::uint64_t, bool)) {
  return {.name = name,
          .summary = "test row",
          .transport = Transport::tcp,
          .default_message_bytes = 64,
          .max_message_bytes = 1024,
          .message_meaning = "bytes of each message",
          .open = open,
          .exchange = exchange};
}

constexpr std::array services{
    row("wrong-reply", open_faulty<FaultySession::Fault::wrong_byte>, echo::exchange),
    row("closes", open_faulty<FaultySession::Fault::closes>, echo::exchange),
    row("aborts", open_faulty<FaultySession::Fault::aborts>, echo::exchange),
    row("session-throws", open_faulty<FaultySession::Fault::throws>, echo::exchange),
    row("silent", open_faulty<FaultySession::Fault::silent>, echo::exchange),
    row("slow-client", echo::open, exchange_slowly),
};

}  // namespace

std::span<const Service> faulty_services() { return services; }

}  // namespace bench
