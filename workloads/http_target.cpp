#include "workloads/http_target.h"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "workloads/http_body.h"

namespace bench {
namespace {

// A number that is all of `text`, from `least` to `most`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t least, std::uint32_t most) {
  std::uint32_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || number < least || number > most) return std::nullopt;
  return number;
}

// The size that "N" or "Nk" names.
std::optional<std::uint32_t> parse_size(std::string_view text) {
  const bool in_kib = text.ends_with('k');
  const std::uint32_t unit = in_kib ? 1024 : 1;
  if (in_kib) text.remove_suffix(1);
  const auto number = parse_number(text, 0, static_cast<std::uint32_t>(max_http_body_bytes) / unit);
  return number ? std::optional(*number * unit) : std::nullopt;
}

// Strips scheme and authority of a target in absolute form, which a server has to accept (RFC 9112, 3.2.2). An empty
// path is the root.
std::string_view origin_form(std::string_view target) {
  constexpr std::string_view scheme = "http://";
  if (target.size() < scheme.size() || strncasecmp(target.data(), scheme.data(), scheme.size()) != 0) return target;
  target.remove_prefix(scheme.size());
  const auto path = target.find_first_of("/?");
  return path == std::string_view::npos ? "/" : target.substr(path);
}

// What a query may say, in any order; what it says beside that is nobody's.
struct Query {
  bool heavy = false;
  bool whole = false;
  std::optional<std::string_view> pace = std::nullopt;
  std::optional<std::string_view> ms = std::nullopt;
};

std::optional<std::string_view> value_of(std::string_view item, std::string_view name) {
  if (!item.starts_with(name)) return std::nullopt;
  return item.substr(name.size());
}

Query parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    query.heavy = query.heavy || item == "heavy";
    query.whole = query.whole || item == "whole";
    if (const auto value = value_of(item, "pace=")) query.pace = value;
    if (const auto value = value_of(item, "ms=")) query.ms = value;
  }
  return query;
}

void name_bytes(HttpTarget& target, std::uint32_t size, const Query& query) {
  target.page = Page::bytes;
  target.size = size;
  if (!query.pace) return;
  const auto pace = parse_number(*query.pace, 1, max_http_pace);
  target.pace = pace.value_or(0);
  if (!pace) target.status = 400;
}

void name_wait(HttpTarget& target, const Query& query) {
  target.page = Page::wait;
  const auto wait = parse_number(query.ms.value_or(""), 0, max_http_wait_ms);
  target.wait_ms = static_cast<std::uint16_t>(wait.value_or(0));
  if (!wait) target.status = 400;
}

// RFC 3986, 2.1: a '%' is followed by two hexadecimal digits.
bool is_well_encoded(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (at + 2 >= text.size() || std::isxdigit(static_cast<unsigned char>(text[at + 1])) == 0 ||
        std::isxdigit(static_cast<unsigned char>(text[at + 2])) == 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<HttpTarget> parse_http_target(std::string_view text) {
  text = origin_form(text);
  const auto mark = text.find('?');
  const std::string_view path = text.substr(0, mark);
  if (mark != 0 && !path.starts_with('/')) return std::nullopt;  // "http://host?query" has an empty path
  const Query query = mark == std::string_view::npos ? Query() : parse_query(text.substr(mark + 1));
  HttpTarget target;
  target.heavy = query.heavy;
  target.whole = query.whole;
  if (path.size() <= 1) {
    target.page = Page::index;
  } else if (const auto size = parse_size(path.substr(1))) {
    name_bytes(target, *size, query);
  } else if (path == "/wait") {
    name_wait(target, query);
  } else if (path == "/echo") {
    target.page = Page::echo;
  } else {
    target.status = path == "/favicon.ico" ? 204 : 404;
  }
  return target;
}

bool is_http_host(std::string_view text) {
  const auto all_of = [](std::string_view part, std::string_view others) {
    return std::ranges::all_of(part, [&](unsigned char c) {
      return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != std::string_view::npos;
    });
  };
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view inside = text.substr(1, close - 1);
    const std::string address(inside.substr(0, inside.find('%')));  // with a zone, RFC 6874
    in6_addr ignored{};
    const bool is_later_version = address.starts_with('v') && all_of(address, ".:-_~");
    const bool is_address = is_later_version || inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
    if (!is_address || !all_of(inside, ":.%-_~")) return false;
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (!all_of(text.substr(0, colon), "-._~!$&'()*+,;=%") || !is_well_encoded(text.substr(0, colon))) return false;
    port = text.substr(colon);
  }
  return port.empty() ||
         (port.front() == ':' && std::ranges::all_of(port.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace bench
