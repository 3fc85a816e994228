// The client's side of HTTP: what both exchanges share, reading replies in place; the one for our own server, which
// knows every byte; and the one for foreign servers, which holds each reply against the first.
#include "workloads/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "workloads/http_body.h"
#include "workloads/payload.h"

namespace bench {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr std::uint32_t max_header_bytes = 64 * 1024;

struct ReplyHead {
  int status = 0;
  std::optional<std::uint64_t> content_length;
  std::string_view id;  // X-Request's value; valid while the header is looked at
};

// The bytes of a request to a server that is not ours.
std::string request_text(const ForeignRequest& asked) {
  const auto is_host = [](const std::string& header) {
    return boost::beast::iequals(string_view(header).substr(0, header.find(':')), "Host");
  };
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", asked.method, asked.path);
  if (std::ranges::none_of(asked.headers, is_host)) text += fmt::format("Host: {}\r\n", asked.host);
  for (const std::string& header : asked.headers) text += header + "\r\n";
  if (!asked.body.empty()) text += fmt::format("Content-Length: {}\r\n", asked.body.size());
  return text + "\r\n" + asked.body;
}

// Reads replies, and asks a derived class what is wrong with what it has read: static text, or nothing.
class HttpExchange : public Exchange {
 public:
  Reply reply(std::span<const std::byte> in) final {
    Reply reply;
    while (reply.consumed < in.size()) {
      const auto rest = in.subspan(reply.consumed);
      if (!parser_) {
        parser_.emplace(*this);
        parser_->skip(!has_bodies_);
      }
      error_code error;
      reply.consumed += parser_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
      if (error == beast::error::need_more) return reply;
      if (error) return {reply.consumed, Verdict::wrong, parser_->why()};
      if (!parser_->is_done()) continue;
      const bool is_interim = parser_->is_interim();  // 100 Continue and the like, before the reply itself
      reply.peer_closes = !parser_->keep_alive();
      parser_.reset();
      if (is_interim) continue;
      reply.verdict = Verdict::complete;
      return reply;
    }
    return reply;
  }

  Reply end() final {
    if (!parser_ || !parser_->is_header_done() || !parser_->need_eof()) return {};
    error_code error;
    parser_->put_eof(error);
    const Reply reply = error ? Reply{0, Verdict::wrong, parser_->why()} : Reply{0, Verdict::complete, {}, true};
    parser_.reset();
    return reply;
  }

 protected:
  /// Without bodies: as replies to HEAD are, whatever their headers say.
  explicit HttpExchange(bool has_bodies = true) : has_bodies_(has_bodies) {}

  virtual std::string_view check_head(const ReplyHead& head) = 0;
  virtual std::string_view check_body(std::span<const std::byte> bytes) = 0;
  virtual std::string_view check_end() = 0;

 private:
  class Parser final : public beast::basic_parser<false> {
   public:
    explicit Parser(HttpExchange& exchange) : exchange_(exchange) {
      header_limit(max_header_bytes);
      body_limit(std::numeric_limits<std::uint64_t>::max());  // Boost 1.74 takes none for 0 where there is a length
      eager(true);
    }

    bool is_interim() const { return head_.status / 100 == 1; }
    std::string_view why() const { return why_; }

   private:
    void note(std::string_view why, error_code& error) {
      if (why.empty()) return;
      why_ = why;
      error = beast::error::bad_value;  // any error stops the parser
    }

    void on_response_impl(int status, string_view, int, error_code&) override { head_.status = status; }

    void on_field_impl(beast::field field, string_view name, string_view value, error_code&) override {
      if (field != beast::field::unknown || !boost::beast::iequals(name, "X-Request")) return;
      // The value's place may be gone when the header is whole.
      const std::size_t size = std::min(value.size(), id_.size());
      std::memcpy(id_.data(), value.data(), size);
      head_.id = {id_.data(), size};
    }

    void on_header_impl(error_code& error) override {
      if (is_interim()) return;
      if (const auto length = content_length()) head_.content_length = *length;
      note(exchange_.check_head(head_), error);
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

    std::size_t on_body_impl(string_view body, error_code& error) override {
      note(exchange_.check_body(std::as_bytes(std::span(body.data(), body.size()))), error);
      return body.size();
    }

    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& error) override {
      return on_body_impl(body, error);
    }

    void on_finish_impl(error_code& error) override {
      if (!is_interim()) note(exchange_.check_end(), error);
    }

    void on_request_impl(beast::verb, string_view, string_view, int, error_code&) override {}

    HttpExchange& exchange_;
    ReplyHead head_;
    std::string_view why_ = "malformed reply";
    std::array<char, 48> id_;
  };

  bool has_bodies_;
  std::optional<Parser> parser_;  // of the reply that has begun
};

// For our own server: asks for /N, and knows every byte of the answer.
class OwnHttpExchange final : public HttpExchange {
 public:
  OwnHttpExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : size_(parameters.message_bytes),
        request_(fmt::format("GET /{}{} HTTP/1.1\r\nHost: bench\r\nX-Request: {}-", size_, heavy ? "?heavy" : "",
                             connection)),
        id_start_(request_.rfind(' ') + 1),
        class_(class_of(heavy)) {}

  ClassIndex request(Output& out) override {
    out.append(request_);
    std::array<char, 24> number;
    char* end = std::to_chars(number.data(), number.data() + number.size() - 4, sent_++).ptr;
    end = std::copy_n("\r\n\r\n", 4, end);
    out.append(std::string_view(number.data(), end));
    return class_;
  }

 private:
  std::string_view check_head(const ReplyHead& head) override {
    if (head.status != 200) return "status is not 200";
    if (head.content_length != size_) return "wrong Content-Length";
    if (!is_due(head.id)) return "reply to another request";
    seen_ = 0;
    return {};
  }

  std::string_view check_body(std::span<const std::byte> bytes) override {
    const auto expected = http_body(size_).subspan(seen_, bytes.size());  // the parser stops at Content-Length
    if (std::memcmp(expected.data(), bytes.data(), bytes.size()) != 0) return "wrong body";
    seen_ += bytes.size();
    return {};
  }

  std::string_view check_end() override {
    ++answered_;
    return {};
  }

  // Whether this is the X-Request of the oldest request under way.
  bool is_due(std::string_view id) const {
    const std::string_view prefix = std::string_view(request_).substr(id_start_);
    if (!id.starts_with(prefix)) return false;
    std::array<char, 20> number;
    const char* const end = std::to_chars(number.data(), number.data() + number.size(), answered_).ptr;
    return id.substr(prefix.size()) == std::string_view(number.data(), end);
  }

  std::uint64_t size_;
  std::string request_;   // up to its number
  std::size_t id_start_;  // where X-Request's value begins in it
  ClassIndex class_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::size_t seen_ = 0;  // of the current reply's body
};

// A 64-bit hash of a body that does not depend on how the body was cut up. Four lanes, since one chain of
// multiplications would take longer than the rest of a reply. Tells replies apart; it is no defence against malice.
class BodyHash {
 public:
  void reset() noexcept { *this = BodyHash(); }

  void add(std::span<const std::byte> bytes) noexcept {
    const std::size_t held = size_ % block_.size();
    size_ += bytes.size();
    if (held != 0) {
      const std::size_t taken = std::min(bytes.size(), block_.size() - held);
      std::memcpy(block_.data() + held, bytes.data(), taken);
      bytes = bytes.subspan(taken);
      if (held + taken < block_.size()) return;
      mix(block_.data());
    }
    for (; bytes.size() >= block_.size(); bytes = bytes.subspan(block_.size())) mix(bytes.data());
    if (!bytes.empty()) std::memcpy(block_.data(), bytes.data(), bytes.size());
  }

  std::uint64_t finish() noexcept {
    const std::size_t held = size_ % block_.size();
    std::memset(block_.data() + held, 0, block_.size() - held);
    mix(block_.data());
    std::uint64_t hash = size_;
    for (const std::uint64_t lane : lanes_) hash = SplitMix(hash ^ lane).next();
    return hash;
  }

 private:
  void mix(const std::byte* block) noexcept {
    for (std::uint64_t& lane : lanes_) {
      std::uint64_t word;
      std::memcpy(&word, block, sizeof word);
      block += sizeof word;
      lane = std::rotl((lane ^ word) * 0x9E3779B97F4A7C15U, 29);
    }
  }

  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::uint64_t size_ = 0;
  std::array<std::byte, 32> block_;  // the last size_ % 32 bytes
};

// What the first complete reply has fixed for all that follow it. Two values, each fixed by whoever comes first;
// replies that differ in length never get as far as the hash.
class HttpReference {
 public:
  bool has_length(std::uint64_t length) noexcept { return is_or_becomes(length_, length); }
  bool has_hash(std::uint64_t hash) noexcept { return is_or_becomes(hash_, hash == none ? 0 : hash); }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  static bool is_or_becomes(std::atomic<std::uint64_t>& fixed, std::uint64_t value) noexcept {
    std::uint64_t found = fixed.load(std::memory_order_relaxed);
    if (found == none && fixed.compare_exchange_strong(found, value, std::memory_order_relaxed)) return true;
    return found == value;
  }

  std::atomic<std::uint64_t> length_{none};
  std::atomic<std::uint64_t> hash_{none};
};

// For a server that is not ours.
class ForeignHttpExchange final : public HttpExchange {
 public:
  ForeignHttpExchange(const ForeignRequest& asked, std::shared_ptr<HttpReference> reference)
      : HttpExchange(asked.method != "HEAD"),
        request_(request_text(asked)),
        check_(asked.check),
        expected_status_(asked.expected_status),
        reference_(std::move(reference)) {}

  ClassIndex request(Output& out) override {
    out.append(request_);
    return 0;
  }

 private:
  std::string_view check_head(const ReplyHead& head) override {
    if (head.status != expected_status_) return "unexpected status";
    length_ = 0;
    hash_.reset();
    return {};
  }

  std::string_view check_body(std::span<const std::byte> bytes) override {
    length_ += bytes.size();
    if (check_ == ReplyCheck::body) hash_.add(bytes);
    return {};
  }

  std::string_view check_end() override {
    if (check_ >= ReplyCheck::length && !reference_->has_length(length_))
      return "length differs from the first reply's";
    if (check_ >= ReplyCheck::body && !reference_->has_hash(hash_.finish()))
      return "body differs from the first reply's";
    return {};
  }

  std::string request_;
  ReplyCheck check_;
  int expected_status_;
  std::shared_ptr<HttpReference> reference_;
  std::uint64_t length_ = 0;
  BodyHash hash_;
};

}  // namespace

MakeForeignExchange http_exchanges(const ForeignRequest& asked) {
  return [asked, reference = std::make_shared<HttpReference>()] {
    return std::make_unique<ForeignHttpExchange>(asked, reference);
  };
}

std::unique_ptr<Exchange> make_own_http_exchange(const ServiceParameters& parameters, std::uint64_t connection,
                                                 bool heavy) {
  return std::make_unique<OwnHttpExchange>(parameters, connection, heavy);
}

}  // namespace bench
