#include "workloads/reflect.h"

#include <algorithm>
#include <cstddef>

namespace bench {
namespace {

// Every byte of message number n is the lowest byte of n, so that one that is lost or doubled is noticed.
std::byte filling(std::uint64_t number) { return static_cast<std::byte>(number); }

bool is_all(std::span<const std::byte> bytes, std::byte value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == value; });
}

class StreamExchange : public Exchange {
 public:
  explicit StreamExchange(std::size_t size) : size_(size) {}

  ClassIndex request(Output& out) override {
    std::ranges::fill(out.extend(size_), filling(sent_++));
    return 0;
  }

  Reply reply(std::span<const std::byte> in) override {
    const std::span<const std::byte> part = in.first(std::min(in.size(), size_ - seen_));
    if (!is_all(part, filling(answered_))) return {part.size(), Verdict::wrong, "not what was sent"};
    seen_ += part.size();
    if (seen_ < size_) return {part.size(), Verdict::more, {}};
    seen_ = 0;
    ++answered_;
    return {part.size(), Verdict::complete, {}};
  }

 private:
  const std::size_t size_;
  std::size_t seen_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
};

class DatagramExchange : public Exchange {
 public:
  explicit DatagramExchange(std::size_t size) : size_(size) {}

  ClassIndex request(Output& out) override {
    std::ranges::fill(out.extend(size_), filling(sent_));
    under_way_.push_back(filling(sent_++));
    return 0;
  }

  Reply reply(std::span<const std::byte> in) override {
    if (in.size() != size_ || !is_all(in, in.front())) return {in.size(), Verdict::wrong, "not what was sent"};
    const auto due = std::ranges::find(under_way_, in.front());
    if (due == under_way_.end()) return {in.size(), Verdict::stale, "reply to a message that was given up"};
    const auto place = static_cast<std::size_t>(due - under_way_.begin());
    under_way_.erase(due);
    return {.consumed = in.size(), .verdict = Verdict::complete, .why = {}, .place = place};
  }

  void give_up() override {
    if (!under_way_.empty()) under_way_.erase(under_way_.begin());
  }

 private:
  const std::size_t size_;
  std::uint64_t sent_ = 0;
  std::vector<std::byte> under_way_;  // by their fillings, oldest first
};

std::size_t size_of(const ServiceParameters& parameters) { return std::max<std::size_t>(parameters.message_bytes, 1); }

std::unique_ptr<Exchange> exchange_stream(const ServiceParameters& parameters, std::uint64_t /*connection*/,
                                          bool /*heavy*/) {
  return std::make_unique<StreamExchange>(size_of(parameters));
}

std::unique_ptr<Exchange> exchange_datagrams(const ServiceParameters& parameters, std::uint64_t /*connection*/,
                                             bool /*heavy*/) {
  return std::make_unique<DatagramExchange>(size_of(parameters));
}

}  // namespace

extern constinit const Service reflected_stream{
    .name = "reflected", .summary = "TCP: what comes goes back as it is", .open = nullptr, .exchange = exchange_stream};
extern constinit const Service reflected_datagrams{.name = "reflected-datagrams",
                                                   .summary = "UDP: what comes goes back as it is",
                                                   .transport = Transport::udp,
                                                   .open = nullptr,
                                                   .exchange = exchange_datagrams};

}  // namespace bench
