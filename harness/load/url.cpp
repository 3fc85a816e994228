#include "harness/load/url.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

[[noreturn]] void refuse(std::string_view why) { throw std::invalid_argument(std::string(why)); }

// "tcp, http", or with what follows each: "tcp://, http://".
std::string schemes_of(RowList<Service> services, std::string_view end = "") {
  std::vector<std::string> names;
  for (const Service& service : services) {
    if (!service.scheme.name.empty()) names.push_back(fmt::format("{}{}", service.scheme.name, end));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    refuse(fmt::format("'{}' is not a port (allowed: 1 to 65535)", text));
  }
  return std::to_string(port);
}

// "host:port", "host" or "[address]:port", after the scheme and before the path.
void parse_authority(std::string_view text, ServerUrl& url) {
  std::string_view rest;
  if (text.find('@') != std::string_view::npos) refuse("a user and a password are not sent");
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) refuse("the ']' of the IPv6 address is missing");
    url.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos) refuse("an IPv6 address needs brackets: [::1]:8080");
  }
  if (url.host.empty()) refuse("the host is missing");
  if (rest.empty()) {
    const UrlScheme& scheme = url.service->scheme;
    if (scheme.port.empty()) refuse(fmt::format("the port is missing ({}://host:port)", scheme.name));
    url.port = scheme.port;
  } else if (!rest.starts_with(':')) {
    refuse(fmt::format("'{}' is not a port (expected a ':' before it)", rest));
  } else {
    url.port = parse_port(rest.substr(1));
  }
}

void resolve(ServerUrl& url) {
  Target& target = url.target;
  target.transport = url.service->transport;
  addrinfo hints{};
  hints.ai_socktype = target.transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
  if (error != 0) refuse(fmt::format("cannot find the host '{}': {}", url.host, gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
  target.address_size = found->ai_addrlen;
  const bool bracketed = url.host.find(':') != std::string::npos;
  target.text = bracketed ? fmt::format("[{}]:{}", url.host, url.port) : fmt::format("{}:{}", url.host, url.port);
}

}  // namespace

ServerUrl parse_url(std::string_view url, RowList<Service> services) {
  constexpr std::string_view separator = "://";
  const std::size_t at = url.find(separator);
  if (at == std::string_view::npos) {
    refuse(fmt::format("the scheme is missing (allowed: {})", schemes_of(services, separator)));
  }
  const std::string_view scheme = url.substr(0, at);
  const auto row = std::ranges::find_if(services, [&](const Service& service) {  //
    return !scheme.empty() && service.scheme.name == scheme;
  });
  if (row == services.end()) refuse(fmt::format("unknown scheme '{}' (allowed: {})", scheme, schemes_of(services)));
  ServerUrl parsed;
  parsed.service = &*row;
  const std::string_view rest = url.substr(at + separator.size());
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) parsed.path = rest.substr(slash);
  if (row->scheme.exchanges) {
    if (parsed.path.empty()) parsed.path = "/";
  } else if (parsed.path.size() > 1) {
    refuse(fmt::format("{}:// takes no path", scheme));
  } else {
    parsed.path.clear();
  }
  parse_authority(rest.substr(0, slash), parsed);
  resolve(parsed);
  return parsed;
}

}  // namespace bench
