#include "workloads/http_request.h"

#include <boost/beast/core/string.hpp>
#include <cstring>
#include <string>
#include <utility>

#include "workloads/service.h"

namespace bench {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;

constexpr std::size_t max_line_bytes = 8 * 1024;
constexpr std::size_t max_header_bytes = max_unconsumed;  // with the request line

std::string_view standard(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has_method(Page page, beast::verb method) {
  const bool reads = method == beast::verb::get || method == beast::verb::head;
  switch (page) {
    case Page::echo: return method == beast::verb::post;
    case Page::wait: return reads || method == beast::verb::post;
    default: return reads;
  }
}

// Whether a line ends in a well-formed HTTP version, which is then one that we do not speak.
bool names_a_version(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\r'));
  constexpr std::string_view example = " HTTP/1.1";
  if (line.size() < example.size()) return false;
  const std::string_view version = line.substr(line.size() - example.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.starts_with(" HTTP/") && is_digit(version[6]) && version[7] == '.' && is_digit(version[8]);
}

}  // namespace

HttpParser::HttpParser(HttpRequest& request) : request_(request) {
  request_ = HttpRequest();
  header_limit(max_header_bytes);
  skip(true);  // the body is the session's
}

void HttpParser::refuse(std::uint16_t status, error_code& error) {
  refused_ = status;
  error = beast::error::bad_value;  // any error stops the parser
}

void HttpParser::finish() {
  const std::uint64_t body = content_length().value_or(0);
  request_.http_1_0 = version_ == 10;
  if (refused_ != 0 || (!has_host_ && version_ >= 11)) {
    refused_ = 400;  // RFC 9112, 3.2
  } else if (chunked()) {
    refused_ = 411;  // RFC 9112, 6.3: a server may refuse a body that has no Content-Length
  } else if (has_coding_) {
    refused_ = 501;  // RFC 9112, 6.1: a transfer coding that the server does not understand
  } else if (body > max_http_request_body_bytes) {
    refused_ = 413;
  }
  if (refused_ != 0) return;
  request_.body_bytes = static_cast<std::uint32_t>(body);
  find_persistence(body);
  find_part();
}

// A client that expects to be told to go on is told so where its body is of use, and nobody knows elsewhere whether the
// body comes after our answer.
void HttpParser::find_persistence(std::uint64_t body_bytes) {
  const bool has_use = request_.target.page == Page::echo && request_.status == 200;
  const bool expects = expects_ && body_bytes != 0;
  request_.keep_alive = keep_alive() && (!expects || has_use);
  request_.wants_continue = expects && has_use && version_ >= 11;  // RFC 9110, 10.1.1
}

// A range counts in a GET alone (RFC 9110, 14.2), and not beside an If-Range: pages have no validators, so that none of
// them is the one that it names (13.1.5).
void HttpParser::find_part() {
  if (request_.target.page != Page::bytes || request_.status != 200) return;
  const bool counts = is_get_ && !has_if_range_ && !request_.target.whole;
  if (counts && asked_ == Asked::part) {
    request_.status = 206;
  } else if (counts && asked_ == Asked::nothing) {
    request_.status = 416;
  } else {
    request_.first = 0;
    request_.part = request_.target.size;
  }
}

// The request line has come before, and so the page's size is known.
void HttpParser::take_range(std::string_view value) {
  asked_ = Asked::whole;
  if (std::exchange(has_range_, true)) return;
  const auto asked = parse_range(value);
  if (!asked) return;
  const std::uint32_t size = request_.target.size;
  // An empty page has the end that is asked for; but no Content-Range can say so.
  if (asked->is_suffix && asked->is_any() && size == 0) return;
  const auto part = part_of(*asked, size);
  asked_ = part ? Asked::part : Asked::nothing;
  if (!part) return;
  request_.first = static_cast<std::uint32_t>(part->first);
  request_.part = static_cast<std::uint32_t>(part->size());
}

void HttpParser::on_request_impl(verb method, string_view name, string_view target, int version, error_code& error) {
  constexpr std::size_t rest = std::string_view("  HTTP/1.1").size();
  version_ = static_cast<std::uint8_t>(version);
  if (name.size() + target.size() + rest > max_line_bytes) return refuse(414, error);
  if (method == verb::unknown) return refuse(501, error);  // RFC 9110, 9.1
  is_get_ = method == verb::get;
  request_.head = method == verb::head;
  const auto named = parse_http_target(standard(target));
  if (!named && has_method(Page::none, method)) return refuse(400, error);
  request_.target = named.value_or(HttpTarget());
  request_.status = has_method(request_.target.page, method) ? request_.target.status : 405;
}

void HttpParser::on_field_impl(field kind, string_view name, string_view value, error_code& /*error*/) {
  switch (kind) {
    case field::host:
      if (std::exchange(has_host_, true) || !is_http_host(standard(value))) refused_ = 400;
      break;
    case field::transfer_encoding: has_coding_ = true; break;
    case field::expect: expects_ = true; break;
    case field::if_range: has_if_range_ = true; break;
    case field::range: take_range(standard(value)); break;
    case field::unknown:
      if (value.size() <= max_http_id_bytes && boost::beast::iequals(name, "X-Request")) {
        std::memcpy(request_.id.data(), value.data(), value.size());
        request_.id_bytes = static_cast<std::uint8_t>(value.size());
      }
      break;
    default: break;
  }
}

HttpRequestReader::Outcome HttpRequestReader::take(std::span<const std::byte> in, std::size_t& consumed) {
  if (!parser_) {
    std::size_t empty = 0;
    while (text_of(in.subspan(empty)).starts_with("\r\n")) empty += 2;
    consumed += empty;
    in = in.subspan(empty);
    if (in.empty() || text_of(in) == "\r") return Outcome::more;
    parser_.emplace(request_);
    header_bytes_ = 0;
  }
  std::size_t taken = 0;
  const std::uint16_t refused = parse(in, taken);
  consumed += taken;
  if (refused != 0) {
    refuse(refused);
    return Outcome::wrong;
  }
  if (!parser_->is_header_done()) return Outcome::more;
  parser_.reset();
  return Outcome::whole;
}

// Returns the status that refuses the request, or 0.
std::uint16_t HttpRequestReader::parse(std::span<const std::byte> in, std::size_t& taken) {
  error_code error;
  taken = parser_->put(boost::asio::const_buffer(in.data(), in.size()), error);
  if (error == beast::error::bad_version && taken == 0) taken = put_as_1_1(in, error);
  header_bytes_ += taken;
  const auto tail = in.subspan(taken);
  if (error) return error == beast::error::need_more ? check_limits(tail) : status_of(error, tail);
  parser_->finish();
  return header_bytes_ > max_header_bytes ? 431 : parser_->refused();
}

void HttpRequestReader::refuse(std::uint16_t status) {
  if (!parser_) request_ = HttpRequest();
  request_.status = status;
  request_.keep_alive = false;
}

// A minor version is no reason to refuse a request (RFC 9110, 2.5), but the parser knows 0 and 1 alone: it gets the
// header again as one of HTTP/1.1.
std::size_t HttpRequestReader::put_as_1_1(std::span<const std::byte> in, error_code& error) {
  const std::string_view text = text_of(in);
  const std::size_t end = text.find('\r');
  if (end == std::string_view::npos || !names_a_version(text) ||
      !text.substr(0, end).substr(0, end - 1).ends_with("HTTP/1."))
    return 0;
  std::string copy(text);
  copy[end - 1] = '1';
  parser_.emplace(request_);
  error = {};
  return parser_->put(boost::asio::const_buffer(copy.data(), copy.size()), error);
}

// For a header of which `tail` is there and not parsed.
std::uint16_t HttpRequestReader::check_limits(std::span<const std::byte> tail) const {
  if (is_line_too_long(tail)) return 414;
  return header_bytes_ + tail.size() >= max_header_bytes ? 431 : 0;
}

bool HttpRequestReader::is_line_too_long(std::span<const std::byte> tail) const {
  return !parser_->has_request_line() && tail.size() > max_line_bytes &&
         std::memchr(tail.data(), '\n', max_line_bytes) == nullptr;
}

std::uint16_t HttpRequestReader::status_of(const error_code& error, std::span<const std::byte> tail) const {
  if (parser_->refused() != 0) return parser_->refused();
  if (is_line_too_long(tail)) return 414;
  if (error == beast::error::header_limit) return 431;
  if (error == beast::error::bad_version && names_a_version(text_of(tail))) return 505;
  return 400;
}

}  // namespace bench
