// Replies of HTTP/1.x servers, read in place. What wrk and curl accept is accepted (no reason phrase, bare line feeds,
// padded chunk sizes, Content-Length beside chunks), for servers that answer so are measured, too: the parser is wrk's.
#pragma once

#include <http_parser.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workloads/service.h"

namespace bench {

/// What a reply's header says.
struct ReplyHead {
  int status = 0;
  std::optional<std::uint64_t> content_length;
  std::string_view id;  ///< The value of X-Request, up to 48 bytes.
};

/// The client's side of an HTTP connection as far as replies go: a derived class asks, and says what is wrong with what
/// has come. Interim replies (100, 103) are passed over. Nothing is allocated for a right reply.
class HttpExchange : public Exchange {
 public:
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  Reply reply(std::span<const std::byte> in) final;
  Reply end() final;

  /// A server may close an idle connection with a 408 (RFC 9110, 15.5.9).
  bool may_speak_unasked() const final { return true; }

 protected:
  /// Without bodies: as replies to HEAD are, whatever their headers say.
  explicit HttpExchange(bool has_bodies = true) : has_bodies_(has_bodies) {}

  /// What is wrong with what has come; empty where nothing is. Called once a reply, once for each piece of its body, in
  /// order, and once at its end.
  virtual std::string check_head(const ReplyHead& head) = 0;
  virtual std::string check_body(std::span<const std::byte> bytes) = 0;
  virtual std::string check_end() = 0;

  /// To be called for each request that is made.
  void count_request() noexcept { ++under_way_; }

 private:
  static const http_parser_settings& callbacks();
  static HttpExchange& of(http_parser* parser) { return *static_cast<HttpExchange*>(parser->data); }

  void begin_reply();
  std::size_t put_header(std::span<const std::byte> bytes);
  bool begins_as_http(std::span<const std::byte> bytes);
  void take_field_name(std::string_view text);
  void take_field_value(std::string_view text);
  int end_header();
  int end_reply();
  Reply outcome(std::size_t consumed);
  Reply wrong(std::size_t consumed);
  int refuse(std::string why);
  bool is_interim() const { return parser_.status_code / 100 == 1 && parser_.status_code != 101; }

  const bool has_bodies_;
  bool begun_ = false;  // a reply
  bool whole_ = false;  // the reply that has begun
  bool header_done_ = false;
  bool in_value_ = false;  // of a header field
  bool farewell_ = false;  // the reply is to no request, and ends the connection
  bool keep_alive_ = false;
  std::uint64_t under_way_ = 0;    // requests
  std::uint8_t prefix_bytes_ = 0;  // of "HTTP/" that have come
  std::uint8_t name_bytes_ = 0;    // of the field's name, as far as it is kept
  std::uint8_t id_bytes_ = 0;
  std::array<char, 16> name_;
  std::array<char, 48> id_;
  http_parser parser_;
  std::string why_;
};

}  // namespace bench
