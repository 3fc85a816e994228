#include "workloads/http_fetch.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace bench {
namespace {

std::string request_for(std::string_view path, const std::optional<ByteRange>& range) {
  const std::string asked = range ? fmt::format("Range: bytes={}-{}\r\n", range->first, range->last) : "";
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}Connection: close\r\n\r\n", path, asked);
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

// The value of a line "Name: value"; nothing where the line has another name.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  if (strncasecmp(line.data(), name.data(), name.size()) != 0) return std::nullopt;
  line.remove_prefix(name.size() + 1);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

}  // namespace

HttpFetch::HttpFetch(std::uint16_t port, std::string_view path, std::span<std::byte> room,
                     std::optional<ByteRange> range)
    : port_(port), request_(request_for(path, range)), room_(room) {}

bool HttpFetch::next(Transfer& transfer) {
  switch (step_) {
    case Step::connect: transfer = connect_to(port_); return true;
    case Step::send: transfer = send_to(socket_, std::as_bytes(std::span(request_)).subspan(moved_)); return true;
    case Step::receive_header: transfer = receive_from(socket_, room_.subspan(moved_)); return true;
    case Step::receive_body: transfer = receive_from(socket_, place_.subspan(moved_)); return true;
    case Step::close: transfer = close_socket(socket_); return true;
    case Step::decide:
    case Step::over: break;
  }
  return false;
}

void HttpFetch::done(std::int64_t result) {
  switch (step_) {
    case Step::connect:
      if (result < 0) fail_to("connect", result);
      socket_ = static_cast<int>(result);
      step_ = Step::send;
      break;
    case Step::send:
      if (result <= 0) fail_to("send", result);
      moved_ += static_cast<std::size_t>(result);
      if (moved_ != request_.size()) break;
      moved_ = 0;
      step_ = Step::receive_header;
      break;
    case Step::receive_header:
      if (result < 0) fail_to("receive", result);
      if (result == 0) fail(fmt::format("the end of the connection after {} bytes of a header", moved_));
      moved_ += static_cast<std::size_t>(result);
      look_for_header();
      break;
    case Step::receive_body:
      if (result < 0) fail_to("receive", result);
      if (result == 0) fail(fmt::format("the end of the connection after {} of {} bytes", moved_, body_bytes_));
      moved_ += static_cast<std::size_t>(result);
      if (moved_ == place_.size()) step_ = Step::close;
      break;
    case Step::close: step_ = Step::over; break;
    case Step::decide:
    case Step::over: break;
  }
}

void HttpFetch::look_for_header() {
  const std::string_view text(reinterpret_cast<const char*>(room_.data()), moved_);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (moved_ == room_.size()) fail(fmt::format("a header of more than {} bytes", moved_));
    return;
  }
  read_header(text.substr(0, end));
  header_bytes_ = end + 4;
  step_ = Step::decide;
}

void HttpFetch::read_header(std::string_view header) {
  constexpr std::string_view version = "HTTP/1.1 ";
  const std::string_view first = header.substr(0, header.find("\r\n"));
  const auto status = first.starts_with(version) ? number_of<int>(first.substr(version.size(), 3)) : std::nullopt;
  if (!status) fail(fmt::format("\"{}\", which is no reply of HTTP/1.1", first.substr(0, 40)));
  status_ = *status;
  std::optional<std::uint64_t> length;
  while (!header.empty()) {
    const std::string_view line = header.substr(0, header.find("\r\n"));
    header.remove_prefix(std::min(line.size() + 2, header.size()));
    if (const auto value = value_of(line, "Content-Length")) length = number_of<std::uint64_t>(*value);
    if (const auto value = value_of(line, "Content-Range")) part_ = parse_content_range(*value);
  }
  if (!length) fail(fmt::format("a reply of status {} without a Content-Length", status_));
  body_bytes_ = *length;
}

void HttpFetch::expect_part(const ByteRange& range, std::uint64_t page_bytes) const {
  const ContentRange due{.range = range, .page_bytes = page_bytes};
  if (status_ != 206) fail(fmt::format("status {} where 206 was due", status_));
  if (!part_) fail("a part of the page without a Content-Range");
  if (*part_ != due) {
    fail(fmt::format("bytes {}-{} of {} where {}-{} of {} were due", part_->range.first, part_->range.last,
                     part_->page_bytes, range.first, range.last, page_bytes));
  }
}

void HttpFetch::take_body(std::span<std::byte> place) {
  if (body_bytes_ != place.size()) fail(fmt::format("a body of {} bytes where {} were due", body_bytes_, place.size()));
  const std::span<std::byte> came = room_.subspan(header_bytes_, moved_ - header_bytes_);
  if (came.size() > place.size()) fail(fmt::format("{} bytes behind the body", came.size() - place.size()));
  if (came.data() != place.data()) std::ranges::copy(came, place.begin());
  place_ = place;
  moved_ = came.size();
  step_ = moved_ == place.size() ? Step::close : Step::receive_body;
}

void HttpFetch::fail(std::string_view came) const {
  const std::string_view asked = std::string_view(request_).substr(0, request_.find(" HTTP/"));
  const std::size_t range = request_.find("bytes=");
  const std::string_view part =
      range == std::string::npos ? "" : std::string_view(request_).substr(range, request_.find('\r', range) - range);
  throw std::runtime_error(
      fmt::format("{}{}{} from the helper server: {}", asked, part.empty() ? "" : ", ", part, came));
}

void HttpFetch::fail_to(const char* what, std::int64_t result) const {
  const int error = static_cast<int>(result < 0 ? -result : ECONNRESET);
  fail(fmt::format("{}: {}", what, std::generic_category().message(error)));
}

}  // namespace bench
