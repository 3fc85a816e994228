#include "workloads/http_reply.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace bench {
namespace {

// With the status line. The parser keeps it for the whole process.
constexpr std::uint32_t max_header_bytes = 64 * 1024;

constexpr int request_timeout = 408;

constexpr std::string_view not_http = "not a reply of HTTP/1.0 or 1.1";
constexpr std::string_view unasked = "bytes that no request asked for";

const char* chars(std::span<const std::byte> bytes) { return reinterpret_cast<const char*>(bytes.data()); }

template <std::size_t Room>
void append(std::array<char, Room>& kept, std::uint8_t& size, std::string_view text) {
  const std::size_t taken = std::min(text.size(), Room - size);
  std::memcpy(kept.data() + size, text.data(), taken);
  size = static_cast<std::uint8_t>(size + taken);
}

}  // namespace

const http_parser_settings& HttpExchange::callbacks() {
  static const http_parser_settings settings = [] {
    http_parser_set_max_header_size(max_header_bytes);
    http_parser_settings made;
    http_parser_settings_init(&made);
    made.on_header_field = [](http_parser* parser, const char* text, std::size_t size) {
      of(parser).take_field_name({text, size});
      return 0;
    };
    made.on_header_value = [](http_parser* parser, const char* text, std::size_t size) {
      of(parser).take_field_value({text, size});
      return 0;
    };
    made.on_headers_complete = [](http_parser* parser) { return of(parser).end_header(); };
    made.on_body = [](http_parser* parser, const char* text, std::size_t size) {
      HttpExchange& exchange = of(parser);
      return exchange.farewell_ ? 0 : exchange.refuse(exchange.check_body(std::as_bytes(std::span(text, size))));
    };
    made.on_message_complete = [](http_parser* parser) { return of(parser).end_reply(); };
    return made;
  }();
  return settings;
}

void HttpExchange::begin_reply() {
  http_parser_init(&parser_, HTTP_RESPONSE);
  parser_.data = this;
  parser_.allow_chunked_length = 1;  // RFC 9112, 6.3: then the chunks count
  begun_ = true;
  whole_ = header_done_ = in_value_ = farewell_ = false;
  prefix_bytes_ = 0;
  name_bytes_ = id_bytes_ = 0;
}

Reply HttpExchange::reply(std::span<const std::byte> in) {
  std::size_t consumed = 0;
  const http_parser_settings& settings = callbacks();
  while (consumed < in.size()) {
    if (!begun_) begin_reply();
    const auto rest = in.subspan(consumed);
    if (!begins_as_http(rest)) return wrong(consumed);
    consumed += header_done_ ? http_parser_execute(&parser_, &settings, chars(rest), rest.size()) : put_header(rest);
    if (whole_ && is_interim()) {
      begun_ = false;
      continue;
    }
    if (whole_) return outcome(consumed);
    if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) return wrong(consumed);
  }
  return {.consumed = consumed, .verdict = Verdict::more, .why = {}};
}

// Gives the parser a part of the header, or what follows its end in that part, and returns how much that was. A tab is
// handed over as the blank that it stands for: behind a Content-Length the parser takes no other (RFC 9110, 5.6.3).
std::size_t HttpExchange::put_header(std::span<const std::byte> bytes) {
  constexpr std::size_t enough = 1024;  // a header is mostly shorter, and what follows it is not to be searched
  const std::span part = bytes.first(std::min(bytes.size(), enough));
  const auto tab = static_cast<std::size_t>(std::ranges::find(part, std::byte{'\t'}) - part.begin());
  if (tab == 0) return http_parser_execute(&parser_, &callbacks(), " ", 1);
  return http_parser_execute(&parser_, &callbacks(), chars(part), tab);
}

// As Debian builds it, the parser takes any letters for these, as far as they have come.
bool HttpExchange::begins_as_http(std::span<const std::byte> bytes) {
  constexpr std::string_view expected = "HTTP/";
  for (const std::byte byte : bytes) {
    if (prefix_bytes_ == expected.size()) return true;
    const char letter = static_cast<char>(byte);
    if (prefix_bytes_ == 0 && (letter == '\r' || letter == '\n')) continue;
    if (letter != expected[prefix_bytes_]) {
      if (under_way_ != 0) why_ = not_http;
      return false;
    }
    ++prefix_bytes_;
  }
  return true;
}

// Lets a reply that lasts until the end of the connection be whole; any other has been cut short.
Reply HttpExchange::end() {
  if (!begun_) return {};
  http_parser_execute(&parser_, &callbacks(), nullptr, 0);
  if (whole_) return outcome(0);
  return why_.empty() ? Reply{} : wrong(0);
}

Reply HttpExchange::outcome(std::size_t consumed) {
  begun_ = false;
  if (farewell_) return {.consumed = consumed, .verdict = Verdict::farewell, .why = {}};
  --under_way_;
  return {.consumed = consumed, .verdict = Verdict::complete, .why = {}, .peer_closes = !keep_alive_};
}

Reply HttpExchange::wrong(std::size_t consumed) {
  const http_errno error = HTTP_PARSER_ERRNO(&parser_);
  if (!why_.empty()) {
    // a callback has said why
  } else if (under_way_ == 0) {
    why_ = unasked;
  } else {
    why_ = fmt::format("malformed reply: {}", http_errno_description(error));
  }
  return {.consumed = consumed, .verdict = Verdict::wrong, .why = why_};
}

// For a callback to return: what is not 0 stops the parser.
int HttpExchange::refuse(std::string why) {
  why_ = std::move(why);
  return why_.empty() ? 0 : -1;
}

// Names and values may come in pieces.
void HttpExchange::take_field_name(std::string_view text) {
  if (in_value_) name_bytes_ = 0;
  in_value_ = false;
  append(name_, name_bytes_, text);
}

void HttpExchange::take_field_value(std::string_view text) {
  constexpr std::string_view wanted = "X-Request";
  const bool is_id = name_bytes_ == wanted.size() && strncasecmp(name_.data(), wanted.data(), wanted.size()) == 0;
  if (!in_value_ && is_id) id_bytes_ = 0;
  in_value_ = true;
  if (is_id) append(id_, id_bytes_, text);
}

int HttpExchange::end_header() {
  constexpr int no_body = 1;
  header_done_ = true;
  if (is_interim()) return no_body;
  if (under_way_ == 0) {
    farewell_ = parser_.status_code == request_timeout;
    return farewell_ ? 0 : refuse(std::string(unasked));
  }
  if (parser_.http_major != 1) return refuse(std::string(not_http));
  ReplyHead head{
      .status = static_cast<int>(parser_.status_code), .content_length = std::nullopt, .id = {id_.data(), id_bytes_}};
  if ((parser_.flags & F_CONTENTLENGTH) != 0) head.content_length = parser_.content_length;
  const int refused = refuse(check_head(head));
  if (refused != 0) return refused;
  // RFC 9112, 6.3: whatever the header says.
  const bool has_body = has_bodies_ && head.status != 204 && head.status != 304 && head.status / 100 != 1;
  return has_body ? 0 : no_body;
}

int HttpExchange::end_reply() {
  whole_ = true;
  keep_alive_ = http_should_keep_alive(&parser_) != 0;
  if (!is_interim() && !farewell_) {
    const int refused = refuse(check_end());
    if (refused != 0) {
      whole_ = false;
      return refused;
    }
  }
  http_parser_pause(&parser_, 1);
  return 0;
}

}  // namespace bench
