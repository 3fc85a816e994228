// `http`: the server's side of HTTP/1.1 (RFC 9110, RFC 9112) over a small tree in memory, with keep-alive and
// pipelining.
//
//   GET  /             a page that names the model and links to the others
//   GET  /N, /Nk       N bytes or KiB, up to 1 MiB, sent from where they lie, or a range of them
//   POST /echo         the body of the request, which goes back as it comes
//   GET  /wait?ms=N    lets its model wait for N ms, up to 10 s, and then answers; POST as well
//   GET  /favicon.ico  nothing (204)
//
// HEAD is answered as GET without the body. Of ranges (RFC 9110, 14) one of bytes at a time is served, with 206 or 416;
// several, other units and malformed ones are ignored, and so is a range with an If-Range, since pages have no
// validators. ?whole makes /N a page without ranges. ?pace=N limits a connection to N bytes per second, up to 1 GiB:
// a piece of the body, a fiftieth of a second's or 16 KiB where that is less, goes out when the time has passed in
// which that many bytes come at N per second. So no body arrives sooner than its pace says, and later by what the
// model's timers are late. ?heavy marks a request as heavy. Queries are joined by &.
//
// A request's body has up to 64 KiB and a Content-Length: one in chunks is refused with 411. What is no use of it is
// skipped, for the connection to stay usable. An X-Request header comes back as it is, so that a client can tell a
// stale reply. Errors of the resource (a wrong query, 404, 405, 416) keep the connection; errors of the protocol end
// it, for nobody knows where the next request would begin.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "workloads/http_body.h"
#include "workloads/http_client.h"
#include "workloads/http_header.h"
#include "workloads/http_request.h"
#include "workloads/service.h"

namespace bench {
namespace {

// A body up to this size is copied behind its header: a second vector for sendmsg(2) costs more.
constexpr std::size_t copied_bytes = 256;

constexpr std::uint32_t max_piece_bytes = 16 * 1024;  // of a body at a pace
constexpr std::uint32_t pieces_per_second = 50;       // at the least

std::string index_page(std::string_view model) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>bench: {0}</title></head>\n<body>\n"
      "<h1>bench</h1>\n<p>This page is served by the model <b>{0}</b>.</p>\n"
      "<ul>\n<li><a href=\"/1k\">1 KiB</a></li>\n<li><a href=\"/64k\">64 KiB</a></li>\n"
      "<li><a href=\"/{1}\">{1} bytes</a>, and any other number up to it</li>\n"
      "<li><a href=\"/1k?heavy\">1 KiB</a> by a heavy request</li>\n"
      "<li><a href=\"/64k?pace=32768\">64 KiB</a> at 32 KiB per second</li>\n"
      "<li><a href=\"/wait?ms=1000\">a word</a> after a second</li>\n</ul>\n</body>\n</html>\n",
      model, max_http_body_bytes);
}

std::string_view methods_of(Page page) {
  switch (page) {
    case Page::echo: return "POST";
    case Page::wait: return "GET, HEAD, POST";
    default: return "GET, HEAD";
  }
}

class HttpSession final : public Session {
 public:
  explicit HttpSession(const ServiceContext& context)
      : model_(context.model), date_(context.date), extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    ended_ = ended_ || why == Why::end;
    std::size_t consumed = 0;
    while (true) {
      if (stage_ == Stage::reading) {
        if (!skip_body(in, consumed)) break;
        const auto outcome = reader_.take(in.subspan(consumed), consumed);
        if (outcome == HttpRequestReader::Outcome::wrong) return refuse(in, out);
        if (outcome == HttpRequestReader::Outcome::more) break;
        begin_request(consumed == in.size(), out);
      }
      if (stage_ == Stage::due) {
        if (is_echo() && body_left_ != 0 && consumed == in.size())
          break;  // its first byte says that there will be more
        const Step pause = next_pause();
        if (pause.next != Next::read) return {consumed, pause.next, pause.amount};
        answer(out);
        stage_ = Stage::sending;
      }
      if (is_echo() && !send_back(in, consumed, out)) break;
      if (left_at_pace_ != 0) {
        const Step pause = send_piece(out);
        if (pause.next != Next::read) return {consumed, pause.next, pause.amount};
      }
      stage_ = Stage::reading;
      if (!request().keep_alive) return {consumed, Next::close, 0};
      if (out.pending() > high_water_bytes) return {consumed, Next::drain, 0};
    }
    if (why == Why::timed_out && is_unanswered(consumed != in.size())) {
      reader_.refuse(408);
      return refuse(in, out);
    }
    return {consumed, ended_ || why == Why::timed_out ? Next::close : Next::read, 0};
  }

 private:
  enum class Stage : std::uint8_t {
    reading,  // what is left of the last request's body, and then a request's header
    due,      // the header has come whole and is not answered
    sending,  // the answer has begun
  };

  const HttpRequest& request() const { return reader_.request(); }
  bool is_echo() const { return request().target.page == Page::echo && request().status == 200; }

  // Whether a request has begun that gets no answer any more.
  bool is_unanswered(bool some_unconsumed) const {
    if (stage_ == Stage::reading) return body_left_ == 0 && (reader_.has_begun() || some_unconsumed);
    return stage_ == Stage::due;
  }

  // Takes what has come of the body, and returns it.
  std::span<const std::byte> take_body(std::span<const std::byte> in, std::size_t& consumed) {
    const std::size_t size = std::min<std::size_t>(body_left_, in.size() - consumed);
    const auto taken = in.subspan(consumed, size);
    body_left_ -= static_cast<std::uint32_t>(size);
    consumed += size;
    return taken;
  }

  // These two say whether that is the end of the body.
  bool skip_body(std::span<const std::byte> in, std::size_t& consumed) {
    take_body(in, consumed);
    return body_left_ == 0;
  }
  bool send_back(std::span<const std::byte> in, std::size_t& consumed, Output& out) {
    out.append(take_body(in, consumed));
    return body_left_ == 0;
  }

  void begin_request(bool all_consumed, Output& out) {
    stage_ = Stage::due;
    body_left_ = request().body_bytes;
    extras_.reset();
    has_waited_ = false;
    if (request().wants_continue && all_consumed) out.append("HTTP/1.1 100 Continue\r\n\r\n");
  }

  // What goes before the answer; `read` when nothing does any more.
  Step next_pause() {
    const HttpTarget& target = request().target;
    if (target.heavy) {
      const Step extra = extras_.next();
      if (extra.next != Next::read) return extra;
    }
    if (target.page != Page::wait || request().status != 200 || has_waited_ || target.wait_ms == 0) return {};
    has_waited_ = true;
    return {0, Next::wait, std::uint64_t{target.wait_ms} * 1'000'000};
  }

  // The next step of a body at a pace; `read` when all of it has gone out. Called when the time of a piece has passed,
  // when output has drained, and at the body's beginning.
  Step send_piece(Output& out) {
    const std::uint32_t pace = request().target.pace;
    if (has_waited_) {
      const std::uint32_t size = piece_bytes();
      const std::uint32_t sent = request().part - left_at_pace_;
      append_page(request().first + sent, size, out);
      left_at_pace_ -= size;
      has_waited_ = false;
    }
    if (left_at_pace_ == 0) return {};
    if (out.pending() > high_water_bytes) return {0, Next::drain, 0};  // the peer is slower than the pace
    has_waited_ = true;
    return {0, Next::wait, (std::uint64_t{piece_bytes()} * 1'000'000'000 + pace - 1) / pace};
  }

  std::uint32_t piece_bytes() const {
    const std::uint32_t share = std::max<std::uint32_t>(request().target.pace / pieces_per_second, 1);
    return std::min({share, max_piece_bytes, left_at_pace_});
  }

  void append_page(std::size_t first, std::size_t size, Output& out) const {
    const auto bytes = http_body(request().target.size).subspan(first, size);
    size <= copied_bytes ? out.append(bytes) : out.borrow(bytes);
  }

  void answer(Output& out) {
    if (request().status != 200 && request().status != 206) return answer_with_status(out);
    switch (request().target.page) {
      case Page::bytes: return answer_with_bytes(out);
      case Page::echo: {
        HttpHeader header = begin_header();
        return add_end(header, "application/octet-stream", body_left_, out);
      }
      case Page::wait:
        return answer_with_text("text/plain", fmt::format("waited {} ms\n", request().target.wait_ms), out);
      default: return answer_with_text("text/html; charset=utf-8", index_page(model_), out);
    }
  }

  void answer_with_bytes(Output& out) {
    const HttpRequest& asked = request();
    HttpHeader header = begin_header();
    if (asked.status == 206) {
      header.add_content_range({.first = asked.first, .last = asked.first + asked.part - std::uint64_t{1}},
                               asked.target.size);
    }
    header.add(asked.target.whole ? "Accept-Ranges: none\r\n" : "Accept-Ranges: bytes\r\n");
    add_end(header, "text/plain", asked.part, out);
    if (asked.head) return;
    has_waited_ = false;
    left_at_pace_ = asked.target.pace == 0 ? 0 : asked.part;
    if (left_at_pace_ == 0) append_page(asked.first, asked.part, out);
  }

  void answer_with_status(Output& out) const {
    const int status = request().status;
    HttpHeader header = begin_header();
    if (status == 405) header.add_field("Allow: ", methods_of(request().target.page));
    if (status == 416) header.add_field("Content-Range: bytes */", std::size_t{request().target.size});
    if (status == 204) return add_end(header, out);
    add_end(header, "text/plain", http_reason(status).size(), out);
    if (!request().head) out.append(http_reason(status));
  }

  void answer_with_text(std::string_view type, const std::string& text, Output& out) const {
    HttpHeader header = begin_header();
    add_end(header, type, text.size(), out);
    if (!request().head) out.append(text);
  }

  HttpHeader begin_header() const { return {request().status, date_ ? date_() : std::string_view()}; }

  void add_end(HttpHeader& header, std::string_view type, std::size_t size, Output& out) const {
    header.add_field("Content-Type: ", type);
    header.add_field("Content-Length: ", size);
    add_end(header, out);
  }

  void add_end(HttpHeader& header, Output& out) const {
    if (request().id_bytes != 0) header.add_field("X-Request: ", request().id_text());
    if (!request().keep_alive) {
      header.add("Connection: close\r\n");
    } else if (request().http_1_0) {
      header.add("Connection: keep-alive\r\n");
    }
    header.add("\r\n");
    out.append(header.text());
  }

  // Answers a request that is refused, and is over.
  Step refuse(std::span<const std::byte> in, Output& out) {
    answer_with_status(out);
    return {in.size(), Next::close, 0};
  }

  std::string_view model_;
  std::string_view (*date_)() noexcept;
  Extras extras_;
  HttpRequestReader reader_;
  std::uint32_t body_left_ = 0;     // of the last request
  std::uint32_t left_at_pace_ = 0;  // of the answer, after what has gone out
  Stage stage_ = Stage::reading;
  bool has_waited_ = false;  // for /wait, or for the next piece
  bool ended_ = false;       // the peer sends nothing more
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
