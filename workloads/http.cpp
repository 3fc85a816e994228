// `http`: the server's side of HTTP/1.1 (RFC 9110, RFC 9112), GET and HEAD of a small tree in memory, with keep-alive
// and pipelining.
//
//   /             a page that names the model and links to the files
//   /N, /Nk       N bytes or KiB, up to 1 MiB, sent from where they lie
//   /favicon.ico  nothing (204)
//
// The query ?heavy marks a request as heavy. An X-Request header comes back as it is, so that a client can tell a stale
// reply. A body of a request is skipped, for the connection to stay usable. Errors of the resource (404, 405) keep the
// connection; errors of the protocol end it, for nobody knows where the next request would begin.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "workloads/http_body.h"
#include "workloads/http_client.h"
#include "workloads/service.h"

namespace bench {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr std::size_t max_line_bytes = 8 * 1024;
constexpr std::size_t max_header_bytes = max_unconsumed;  // with the request line
constexpr std::size_t max_skipped_bytes = 64 * 1024;      // of a request's body
constexpr std::size_t max_id_bytes = 48;                  // of an X-Request that comes back

// A body up to this size is copied behind its header: a second vector for sendmsg(2) costs more.
constexpr std::size_t copied_bytes = 256;

enum class Page : std::uint8_t { none, index, bytes };

// What is to be answered.
struct Request {
  int status = 200;
  Page page = Page::none;
  bool head = false;
  bool heavy = false;
  bool http_1_0 = false;
  bool keep_alive = false;
  std::uint8_t id_bytes = 0;
  std::uint32_t size = 0;  // of Page::bytes
  std::array<char, max_id_bytes> id;

  std::string_view id_text() const { return {id.data(), id_bytes}; }
};

// The size that "N" or "Nk" names.
std::optional<std::uint32_t> parse_size(string_view text) {
  std::uint32_t size = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, size);
  if (error != std::errc() || size > max_http_body_bytes) return std::nullopt;
  if (end == last) return size;
  if (last - end != 1 || *end != 'k' || size > max_http_body_bytes / 1024) return std::nullopt;
  return size * 1024;
}

// Strips scheme and authority of a target in absolute form, which a server has to accept (RFC 9112, 3.2.2).
string_view origin_form(string_view target) {
  constexpr std::string_view scheme = "http://";
  if (target.size() < scheme.size() ||
      !boost::beast::iequals(target.substr(0, scheme.size()), {scheme.data(), scheme.size()})) {
    return target;
  }
  target.remove_prefix(scheme.size());
  const auto path = target.find_first_of("/?");
  return path == string_view::npos ? string_view("/") : target.substr(path);
}

// uri-host [ ":" port ] (RFC 9110, 7.2; RFC 3986, 3.2.2), as far as its characters go; empty where there is none.
bool is_host(std::string_view text) {
  const auto all_of = [](std::string_view part, std::string_view others) {
    return std::ranges::all_of(part, [&](unsigned char c) {
      return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != std::string_view::npos;
    });
  };
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !all_of(text.substr(1, close - 1), ":.%-_~")) return false;
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (!all_of(text.substr(0, colon), "-._~!$&'()*+,;=%")) return false;
    port = text.substr(colon);
  }
  return port.empty() ||
         (port.front() == ':' && std::ranges::all_of(port.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
}

void find_page(string_view target, Request& request) {
  target = origin_form(target);
  const auto mark = target.find('?');
  request.heavy = mark != string_view::npos && target.substr(mark) == "?heavy";
  const string_view path = target.substr(0, mark);
  if (path.empty() || path.front() != '/') {
    request.status = mark == 0 ? 200 : 400;  // "http://host?query" has an empty path, which is the root
    request.page = Page::index;
  } else if (path.size() == 1) {
    request.page = Page::index;
  } else if (const auto size = parse_size(path.substr(1))) {
    request.page = Page::bytes;
    request.size = *size;
  } else {
    request.status = path == "/favicon.ico" ? 204 : 404;
  }
}

// Reads one request's header, in place, and keeps of it what the answer takes.
class Parser final : public beast::basic_parser<true> {
 public:
  explicit Parser(Request& request) : request_(request) {
    request_ = Request();
    header_limit(max_header_bytes);
    skip(true);  // the body is the session's
  }

  bool has_request_line() const { return version_ != 0; }
  // What stopped the parser, as a status; 0: a syntax error.
  int refused() const { return refused_; }

  // Makes up its mind when the header is whole, and returns the bytes of the body to come.
  std::uint64_t finish() {
    const std::uint64_t body = content_length().value_or(0);
    request_.http_1_0 = version_ == 10;
    request_.keep_alive =
        keep_alive() && !(expects_ && body != 0);  // will the body come, after our answer? Nobody knows
    if (refused_ != 0 || hosts_ > 1 || (hosts_ == 0 && version_ >= 11)) {
      refused_ = 400;  // RFC 9112, 3.2
    } else if (chunked()) {
      refused_ = 411;  // RFC 9112, 6.3: a server may refuse a body that has no Content-Length
    } else if (has_coding_) {
      refused_ = 501;  // RFC 9112, 6.1: a transfer coding that the server does not understand
    } else if (body > max_skipped_bytes) {
      refused_ = 413;
    }
    return body;
  }

 private:
  void refuse(int status, error_code& error) {
    refused_ = status;
    error = beast::error::bad_value;  // any error stops the parser
  }

  void on_request_impl(beast::verb verb, string_view method, string_view target, int version,
                       error_code& error) override {
    constexpr std::size_t rest = std::string_view("  HTTP/1.1").size();
    version_ = version;
    if (method.size() + target.size() + rest > max_line_bytes) return refuse(414, error);
    request_.head = verb == beast::verb::head;
    if (verb == beast::verb::get || verb == beast::verb::head) {
      find_page(target, request_);
      if (request_.status == 400) refuse(400, error);
    } else if (verb == beast::verb::unknown) {
      refuse(501, error);  // RFC 9110, 9.1
    } else {
      request_.status = 405;
    }
  }

  void on_field_impl(beast::field field, string_view name, string_view value, error_code&) override {
    switch (field) {
      case beast::field::host:
        ++hosts_;
        if (!is_host({value.data(), value.size()})) refused_ = 400;
        break;
      case beast::field::transfer_encoding: has_coding_ = true; break;
      case beast::field::expect: expects_ = true; break;
      case beast::field::unknown:
        if (value.size() <= max_id_bytes && boost::beast::iequals(name, "X-Request")) {
          std::memcpy(request_.id.data(), value.data(), value.size());
          request_.id_bytes = static_cast<std::uint8_t>(value.size());
        }
        break;
      default: break;
    }
  }

  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  Request& request_;
  int version_ = 0;
  int refused_ = 0;
  int hosts_ = 0;
  bool has_coding_ = false;
  bool expects_ = false;
};

std::string_view status_line(int status) {
  switch (status) {
    case 200: return "HTTP/1.1 200 OK\r\n";
    case 204: return "HTTP/1.1 204 No Content\r\n";
    case 400: return "HTTP/1.1 400 Bad Request\r\n";
    case 404: return "HTTP/1.1 404 Not Found\r\n";
    case 405: return "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n";
    case 408: return "HTTP/1.1 408 Request Timeout\r\n";
    case 411: return "HTTP/1.1 411 Length Required\r\n";
    case 413: return "HTTP/1.1 413 Content Too Large\r\n";
    case 414: return "HTTP/1.1 414 URI Too Long\r\n";
    case 431: return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 501: return "HTTP/1.1 501 Not Implemented\r\n";
    default: return "HTTP/1.1 505 HTTP Version Not Supported\r\n";
  }
}

// "404 Not Found" of its status line.
std::string_view reason(int status) {
  std::string_view line = status_line(status);
  line.remove_prefix(std::string_view("HTTP/1.1 ").size());
  return line.substr(0, line.find('\r'));
}

// A reply's header, which is put together here since its length is not known beforehand.
class Header {
 public:
  void add(std::string_view text) {
    std::memcpy(text_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void add(std::size_t number) {
    size_ = static_cast<std::size_t>(std::to_chars(text_.data() + size_, text_.data() + text_.size(), number).ptr -
                                     text_.data());
  }
  void add_content(std::string_view type, std::size_t size) {
    add("Content-Type: ");
    add(type);
    add("\r\nContent-Length: ");
    add(size);
    add("\r\n");
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 320> text_;  // the longest has 200 bytes
  std::size_t size_ = 0;
};

std::string index_page(std::string_view model) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>bench: {0}</title></head>\n<body>\n"
      "<h1>bench</h1>\n<p>This page is served by the model <b>{0}</b>.</p>\n"
      "<ul>\n<li><a href=\"/1k\">1 KiB</a></li>\n<li><a href=\"/64k\">64 KiB</a></li>\n"
      "<li><a href=\"/{1}\">{1} bytes</a>, and any other number up to it</li>\n"
      "<li><a href=\"/1k?heavy\">1 KiB</a> by a heavy request</li>\n</ul>\n</body>\n</html>\n",
      model, max_http_body_bytes);
}

class HttpSession final : public Session {
 public:
  explicit HttpSession(const ServiceContext& context) : model_(context.model), extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    ended_ = ended_ || why == Why::end;
    std::size_t consumed = 0;
    while (true) {
      if (!is_due_) {
        consumed += skip(in.subspan(consumed));
        if (body_left_ != 0) break;
        const int refused = parse(in, consumed);
        if (refused != 0) return refuse(refused, in, out);
        if (!is_due_) break;
      }
      if (request_.heavy) {
        const Step extra = extras_.next();
        if (extra.next != Next::read) return {consumed, extra.next, extra.amount};
      }
      is_due_ = false;
      answer(out);
      if (!request_.keep_alive) return {consumed, Next::close, 0};
      if (out.pending() > high_water_bytes) return {consumed, Next::drain, 0};
    }
    const bool has_begun = body_left_ == 0 && (header_bytes_ != 0 || consumed != in.size());
    if (why == Why::timed_out && has_begun) return refuse(408, in, out);
    return {consumed, ended_ || why == Why::timed_out ? Next::close : Next::read, 0};
  }

 private:
  // Skips what has come of the last request's body, or of empty lines before a request (RFC 9112, 2.2).
  std::size_t skip(std::span<const std::byte> in) {
    if (body_left_ != 0) {
      const std::size_t size = std::min<std::size_t>(body_left_, in.size());
      body_left_ -= static_cast<std::uint32_t>(size);
      if (body_left_ != 0) return size;
      return size + skip(in.subspan(size));
    }
    if (parser_) return 0;
    std::size_t size = 0;
    while (in.size() - size >= 2 && in[size] == std::byte{'\r'} && in[size + 1] == std::byte{'\n'}) size += 2;
    return size;
  }

  // Takes what has come of a request's header. Returns the status that refuses it, or 0; sets is_due_ when it is whole.
  int parse(std::span<const std::byte> in, std::size_t& consumed) {
    const auto rest = in.subspan(consumed);
    if (rest.empty() || (!parser_ && rest.size() == 1 && rest.front() == std::byte{'\r'})) return 0;
    if (!parser_) parser_.emplace(request_);
    error_code error;
    std::size_t taken = parser_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    if (error == beast::error::bad_version && taken == 0) taken = put_as_1_1(rest, error);
    consumed += taken;
    header_bytes_ += taken;
    if (error)
      return error == beast::error::need_more ? check_limits(rest.subspan(taken))
                                              : status_of(error, rest.subspan(taken));
    const std::uint64_t body = parser_->finish();
    const int refused = header_bytes_ > max_header_bytes ? 431 : parser_->refused();
    if (refused != 0) return refused;
    body_left_ = static_cast<std::uint32_t>(body);
    header_bytes_ = 0;
    parser_.reset();
    extras_.reset();
    is_due_ = true;
    return 0;
  }

  // For a header of which `tail` is there and not parsed.
  int check_limits(std::span<const std::byte> tail) const {
    if (is_line_too_long(tail)) return 414;
    return header_bytes_ + tail.size() >= max_header_bytes ? 431 : 0;
  }

  bool is_line_too_long(std::span<const std::byte> tail) const {
    return !parser_->has_request_line() && tail.size() > max_line_bytes &&
           std::memchr(tail.data(), '\n', max_line_bytes) == nullptr;
  }

  // A minor version is no reason to refuse a request (RFC 9110, 2.5), but the parser knows 0 and 1 alone: it gets the
  // header again as one of HTTP/1.1.
  std::size_t put_as_1_1(std::span<const std::byte> in, error_code& error) {
    const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    const std::size_t end = text.find('\r');
    if (!names_a_version(in) || !text.substr(0, end).substr(0, end - 1).ends_with("HTTP/1.")) return 0;
    std::string copy(text);
    copy[end - 1] = '1';
    parser_.emplace(request_);
    error = {};
    return parser_->put(boost::asio::const_buffer(copy.data(), copy.size()), error);
  }

  int status_of(const error_code& error, std::span<const std::byte> tail) const {
    if (parser_->refused() != 0) return parser_->refused();
    if (is_line_too_long(tail)) return 414;
    if (error == beast::error::header_limit) return 431;
    if (error == beast::error::bad_version && names_a_version(tail)) return 505;
    return 400;
  }

  // Whether a line ends in a well-formed HTTP version, which is then one that we do not speak.
  static bool names_a_version(std::span<const std::byte> tail) {
    const std::string_view text(reinterpret_cast<const char*>(tail.data()), tail.size());
    const std::string_view line = text.substr(0, text.find('\r'));
    constexpr std::string_view example = " HTTP/1.1";
    if (line.size() < example.size()) return false;
    const std::string_view version = line.substr(line.size() - example.size());
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return version.starts_with(" HTTP/") && is_digit(version[6]) && version[7] == '.' && is_digit(version[8]);
  }

  void answer(Output& out) const {
    if (request_.status != 200) return answer_with_status(out);
    if (request_.page == Page::index) {
      const std::string page = index_page(model_);
      return answer("text/html; charset=utf-8", std::as_bytes(std::span(page)), out);
    }
    Header header;
    header.add("HTTP/1.1 200 OK\r\n");
    header.add_content("text/plain", request_.size);
    add_end(header);
    out.append(header.text());
    if (request_.head) return;
    if (request_.size <= copied_bytes) {
      out.append(http_body(request_.size));
    } else {
      out.borrow(http_body(request_.size));
    }
  }

  void answer_with_status(Output& out) const {
    if (request_.status != 204) return answer("text/plain", std::as_bytes(std::span(reason(request_.status))), out);
    Header header;
    header.add(status_line(204));
    add_end(header);
    out.append(header.text());
  }

  void answer(std::string_view type, std::span<const std::byte> body, Output& out) const {
    Header header;
    header.add(status_line(request_.status));
    header.add_content(type, body.size());
    add_end(header);
    out.append(header.text());
    if (!request_.head) out.append(body);
  }

  void add_end(Header& header) const {
    if (request_.id_bytes != 0) {
      header.add("X-Request: ");
      header.add(request_.id_text());
      header.add("\r\n");
    }
    if (!request_.keep_alive) {
      header.add("Connection: close\r\n");
    } else if (request_.http_1_0) {
      header.add("Connection: keep-alive\r\n");
    }
    header.add("\r\n");
  }

  Step refuse(int status, std::span<const std::byte> in, Output& out) {
    if (!parser_) request_ = Request();
    request_.status = status;
    request_.keep_alive = false;
    answer(out);
    return {in.size(), Next::close, 0};
  }

  std::string_view model_;
  Extras extras_;
  std::optional<Parser> parser_;  // of a request that has begun and is not whole
  std::size_t header_bytes_ = 0;  // that it has taken
  std::uint32_t body_left_ = 0;   // of the last request, to be skipped
  bool is_due_ = false;           // request_ is whole and not answered
  bool ended_ = false;            // the peer sends nothing more
  Request request_;
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<HttpSession>(context); }

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("1024", max_http_body_bytes, "bytes of each reply's body"),
});

}  // namespace

extern constinit const Service http_service{
    .name = "http",
    .summary = "TCP: HTTP/1.1 with keep-alive, GET of files in memory",
    .scheme = {.name = "http", .port = "80", .secure_name = "https", .secure_port = "443", .exchanges = http_exchanges},
    .parameters = parameters,
    .classes = light_and_heavy,
    .open = open,
    .exchange = make_own_http_exchange,
};

}  // namespace bench
