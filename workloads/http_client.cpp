// The client's side of HTTP: an exchange for our own server, which knows every byte; and one for foreign servers, which
// holds each reply against the first.
#include "workloads/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/beast/core/string.hpp>
#include <charconv>
#include <cstring>
#include <utility>

#include "workloads/digest.h"
#include "workloads/http_body.h"
#include "workloads/http_reply.h"

namespace bench {
namespace {

using boost::beast::string_view;

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
    count_request();
    out.append(request_);
    std::array<char, 24> number;
    char* end = std::to_chars(number.data(), number.data() + number.size() - 4, sent_++).ptr;
    end = std::copy_n("\r\n\r\n", 4, end);
    out.append(std::string_view(number.data(), end));
    return class_;
  }

 private:
  std::string check_head(const ReplyHead& head) override {
    if (head.status != 200) return fmt::format("status {} where 200 was due", head.status);
    if (head.content_length != size_) {
      return head.content_length ? fmt::format("Content-Length {} where {} was due", *head.content_length, size_)
                                 : fmt::format("no Content-Length where {} was due", size_);
    }
    if (!is_due(head.id)) return "reply to another request";
    seen_ = 0;
    return {};
  }

  std::string check_body(std::span<const std::byte> bytes) override {
    const auto expected = http_body(size_).subspan(seen_, bytes.size());  // the parser stops at Content-Length
    if (std::memcmp(expected.data(), bytes.data(), bytes.size()) != 0) return "wrong body";
    seen_ += bytes.size();
    return {};
  }

  std::string check_end() override {
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

// What the first complete reply has fixed for all that follow it. Two values, each fixed by whoever comes first;
// replies that differ in length never get as far as the hash.
class HttpReference {
 public:
  bool has_length(std::uint64_t length) noexcept { return is_or_becomes(length_, length); }
  std::uint64_t length() const noexcept { return length_.load(std::memory_order_relaxed); }
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
    count_request();
    out.append(request_);
    return 0;
  }

 private:
  std::string check_head(const ReplyHead& head) override {
    if (head.status != expected_status_) {
      return fmt::format("status {} where {} was due", head.status, expected_status_);
    }
    length_ = 0;
    hash_.reset();
    return {};
  }

  std::string check_body(std::span<const std::byte> bytes) override {
    length_ += bytes.size();
    if (check_ == ReplyCheck::body) hash_.add(bytes);
    return {};
  }

  std::string check_end() override {
    if (check_ >= ReplyCheck::length && !reference_->has_length(length_)) {
      return fmt::format("a body of {} bytes where the first reply had {}", length_, reference_->length());
    }
    if (check_ >= ReplyCheck::body && !reference_->has_hash(hash_.value())) {
      return fmt::format("a body of other bytes than the first reply's, of the same length ({})", length_);
    }
    return {};
  }

  std::string request_;
  ReplyCheck check_;
  int expected_status_;
  std::shared_ptr<HttpReference> reference_;
  std::uint64_t length_ = 0;
  Digest hash_;
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
