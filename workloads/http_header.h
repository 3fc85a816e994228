// The header of a reply of the HTTP service, put together here since its length is not known beforehand.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "workloads/http_range.h"

namespace bench {

/// "HTTP/1.1 404 Not Found\r\n"
std::string_view http_status_line(int status);

/// "404 Not Found"
std::string_view http_reason(int status);

class HttpHeader {
 public:
  /// `date`: as ServiceContext::date has it; empty where the server has no clock.
  HttpHeader(int status, std::string_view date) {
    add(http_status_line(status));
    if (!date.empty()) add_field("Date: ", date);
  }

  /// `name` with its colon and blank.
  template <typename Value>
  void add_field(std::string_view name, Value value) {
    add(name);
    add(value);
    add("\r\n");
  }

  /// Which bytes of a page of so many follow (RFC 9110, 14.4).
  void add_content_range(const ByteRange& range, std::size_t page_bytes) {
    add("Content-Range: bytes ");
    add(range.first);
    add("-");
    add(range.last);
    add("/");
    add(page_bytes);
    add("\r\n");
  }

  void add(std::string_view text) {
    std::memcpy(text_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }

  std::string_view text() const { return {text_.data(), size_}; }

 private:
  void add(std::size_t number) {
    char* const at = text_.data() + size_;
    size_ += static_cast<std::size_t>(std::to_chars(at, text_.data() + text_.size(), number).ptr - at);
  }

  std::array<char, 384> text_;  // the longest, of a part of a page, has 290 bytes
  std::size_t size_ = 0;
};

}  // namespace bench
