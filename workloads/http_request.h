// The requests of one HTTP connection, read in place, however they are cut up: headers here, bodies are the session's.
#pragma once

#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "workloads/http_range.h"
#include "workloads/http_target.h"

namespace bench {

/// The longest X-Request that comes back.
inline constexpr std::size_t max_http_id_bytes = 48;

/// The largest body that a request may have: a session never has more unsent output than a model takes before it stops
/// reading, so that a client that sends all of it before it reads is not left waiting.
inline constexpr std::size_t max_http_request_body_bytes = 64 * 1024;

/// What is to be answered.
struct HttpRequest {
  HttpTarget target{};
  std::uint16_t status = 200;
  bool head = false;
  bool http_1_0 = false;
  bool keep_alive = false;
  bool wants_continue = false;  ///< The body comes when the client has been told to go on.
  std::uint8_t id_bytes = 0;
  std::uint32_t body_bytes = 0;  ///< Of the request.
  std::uint32_t first = 0;       ///< Of Page::bytes: what of it is asked for,
  std::uint32_t part = 0;        ///< and how many bytes that is.
  std::array<char, max_http_id_bytes> id;

  std::string_view id_text() const { return {id.data(), id_bytes}; }
};

/// Reads one request's header, and keeps of it what the answer takes.
class HttpParser final : public boost::beast::http::basic_parser<true> {
 public:
  explicit HttpParser(HttpRequest& request);

  bool has_request_line() const { return version_ != 0; }
  /// What stopped the parser, as a status; 0: a syntax error.
  std::uint16_t refused() const { return refused_; }
  /// Makes up its mind when the header is whole.
  void finish();

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;
  using verb = boost::beast::http::verb;
  using field = boost::beast::http::field;

  // What a Range field asks for; all of the page where it is none that counts.
  enum class Asked : std::uint8_t { whole, part, nothing };

  void refuse(std::uint16_t status, error_code& error);
  void take_range(std::string_view value);
  void find_part();
  void find_persistence(std::uint64_t body_bytes);

  void on_request_impl(verb method, string_view name, string_view target, int version, error_code& error) override;
  void on_field_impl(field kind, string_view name, string_view value, error_code& error) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  HttpRequest& request_;
  std::uint16_t refused_ = 0;
  std::uint8_t version_ = 0;
  Asked asked_ = Asked::whole;
  bool is_get_ = false;
  bool has_host_ = false;
  bool has_range_ = false;
  bool has_if_range_ = false;
  bool has_coding_ = false;
  bool expects_ = false;
};

/// Reads the headers of one connection.
class HttpRequestReader {
 public:
  HttpRequestReader() = default;
  HttpRequestReader(const HttpRequestReader&) = delete;
  HttpRequestReader& operator=(const HttpRequestReader&) = delete;

  enum class Outcome : std::uint8_t {
    more,   ///< The header is not whole.
    whole,  ///< request() is what it says.
    wrong,  ///< request().status says what with, and nobody knows where the next one would begin.
  };

  /// Takes what has come of a request, and of empty lines before it (RFC 9112, 2.2); adds to `consumed` what it needs
  /// no more.
  Outcome take(std::span<const std::byte> in, std::size_t& consumed);

  /// Whether a request has begun and is not whole.
  bool has_begun() const { return parser_.has_value(); }

  /// The last one that was whole, or what is known of one that is not.
  const HttpRequest& request() const { return request_; }

  /// Makes request() one that is refused with `status`; the connection is over after that.
  void refuse(std::uint16_t status);

 private:
  std::uint16_t parse(std::span<const std::byte> in, std::size_t& consumed);
  std::size_t put_as_1_1(std::span<const std::byte> in, boost::beast::error_code& error);
  std::uint16_t check_limits(std::span<const std::byte> tail) const;
  bool is_line_too_long(std::span<const std::byte> tail) const;
  std::uint16_t status_of(const boost::beast::error_code& error, std::span<const std::byte> tail) const;

  std::optional<HttpParser> parser_;  // of a request that has begun and is not whole
  std::size_t header_bytes_ = 0;      // that it has taken
  HttpRequest request_;
};

}  // namespace bench
