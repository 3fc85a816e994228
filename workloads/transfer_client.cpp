#include "workloads/transfer_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "workloads/transfer_format.h"

namespace bench {
namespace {

// Index of transfer_classes.
constexpr ClassIndex get_class = 0;
constexpr ClassIndex put_class = 1;
constexpr ClassIndex kind_of(std::uint64_t request) { return request % 2 == 0 ? get_class : put_class; }

// What is wrong with a reply that does not begin as it should.
std::string describe(std::span<const std::byte> in) {
  const std::size_t size = std::min<std::size_t>(read_big_endian<std::uint32_t>(in), in.size() - head_length_bytes);
  const auto* const text = reinterpret_cast<const char*>(in.data() + head_length_bytes);
  const Head head = Head::parse(text, text + size, nullptr, false);
  const Head& reason = field(head, "reason");
  return reason.is_string() ? "the server says: " + reason.get<std::string>() : "wrong head";
}

class TransferExchange final : public Exchange {
 public:
  TransferExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : size_(parameters.message_bytes), connection_(connection), heavy_(heavy) {}

  ClassIndex request(Output& out) override {
    const std::string name = name_of(sent_);
    const ClassIndex kind = kind_of(sent_++);
    Head head{{"op", kind == put_class ? "put" : "get"}, {"name", name}, {"size", size_}};
    if (kind == put_class) head["checksum"] = checksum_of_file(name, size_);
    if (heavy_) head["heavy"] = true;
    out.append(framed(head));
    if (kind == put_class) GeneratedFile(name).read(out.extend(size_));
    return kind;
  }

  Reply reply(std::span<const std::byte> in) override {
    Reply reply;
    if (due_.empty()) expect_reply();
    if (seen_ < due_.size()) {
      if (in.size() < head_length_bytes && seen_ == 0) return reply;
      const std::size_t size = std::min(due_.size() - seen_, in.size());
      if (std::memcmp(due_.data() + seen_, in.data(), size) != 0) {
        why_ = seen_ == 0 ? describe(in) : "wrong head";
        return {0, Verdict::wrong, why_};
      }
      reply.consumed = size;
      seen_ += size;
      if (seen_ < due_.size()) return reply;
    }
    const auto bytes = in.subspan(reply.consumed, std::min<std::uint64_t>(left_, in.size() - reply.consumed));
    if (!is_next_of_file(bytes)) return {reply.consumed, Verdict::wrong, "wrong bytes of the file"};
    reply.consumed += bytes.size();
    left_ -= bytes.size();
    if (left_ == 0) {
      due_.clear();
      ++answered_;
      reply.verdict = Verdict::complete;
    }
    return reply;
  }

 private:
  std::string name_of(std::uint64_t request) const { return fmt::format("{}-{}", connection_, request); }

  // Puts down what the oldest request under way is to be answered with.
  void expect_reply() {
    const std::string name = name_of(answered_);
    const std::string checksum = checksum_of_file(name, size_);
    const bool get = kind_of(answered_) == get_class;
    due_ = framed(get ? get_reply(name, size_, checksum) : put_reply(name, checksum));
    file_ = GeneratedFile(name);
    left_ = get ? size_ : 0;
    seen_ = 0;
  }

  bool is_next_of_file(std::span<const std::byte> bytes) {
    std::array<std::byte, 4096> piece;
    while (!bytes.empty()) {
      const auto expected = std::span(piece).first(std::min(bytes.size(), piece.size()));
      file_.read(expected);
      if (std::memcmp(expected.data(), bytes.data(), expected.size()) != 0) return false;
      bytes = bytes.subspan(expected.size());
    }
    return true;
  }

  std::uint64_t size_;
  std::uint64_t connection_;
  bool heavy_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::string due_;         // the head of the current reply; empty: it is not known yet
  std::size_t seen_ = 0;    // bytes of it that have come
  std::uint64_t left_ = 0;  // of the current reply's file
  GeneratedFile file_{""};  // the current reply's
  std::string why_;
};

}  // namespace

std::unique_ptr<Exchange> make_transfer_exchange(const ServiceParameters& parameters, std::uint64_t connection,
                                                 bool heavy) {
  return std::make_unique<TransferExchange>(parameters, connection, heavy);
}

}  // namespace bench
