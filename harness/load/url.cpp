#include "harness/load/url.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "workloads/unique_fd.h"

namespace bench {
namespace {

[[noreturn]] void refuse(std::string_view why) { throw std::invalid_argument(std::string(why)); }

// "tcp, http, https", or with what follows each: "tcp://, http://, https://".
std::string schemes_of(RowList<Service> services, std::string_view end = "") {
  std::vector<std::string> names;
  for (const Service& service : services) {
    for (const std::string_view name : {service.scheme.name, service.scheme.secure_name}) {
      if (!name.empty()) names.push_back(fmt::format("{}{}", name, end));
    }
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
    if (url.host.find(':') == std::string::npos) refuse(fmt::format("'{}' is no IPv6 address", url.host));
    // A zone is written behind an encoded '%' (RFC 6874), or, as everywhere but in URLs, behind a bare one.
    if (const std::size_t zone = url.host.find("%25"); zone != std::string::npos) url.host.erase(zone + 1, 2);
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
    if (text.find(',') != std::string_view::npos) refuse("one server at a time; a comma is in no host name");
    if (rest.find(':', 1) != std::string_view::npos) refuse("an IPv6 address needs brackets: [::1]:8080");
  }
  if (url.host.empty()) refuse("the host is missing");
  if (rest.empty() || rest == ":") {
    const UrlScheme& scheme = url.service->scheme;
    if (scheme.port.empty()) refuse(fmt::format("the port is missing ({}://host:port)", scheme.name));
    url.port = url.secure ? scheme.secure_port : scheme.port;
  } else if (!rest.starts_with(':')) {
    refuse(fmt::format("'{}' is not a port (expected a ':' before it)", rest));
  } else {
    url.port = parse_port(rest.substr(1));
  }
}

// Whether a connection to that address is established within half a second.
bool accepts(const addrinfo& address) {
  const UniqueFd fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return false;
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  constexpr int patience_ms = 500;
  pollfd waiting{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  int error = 0;
  socklen_t size = sizeof error;
  return poll(&waiting, 1, patience_ms) == 1 && getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
         error == 0;
}

// Of several the first one at which somebody listens, since names such as localhost have addresses of both families and
// servers often one of them. Nobody may listen as yet: the others are kept to be tried.
void aim(Target& target, const addrinfo& addresses) {
  std::vector<const addrinfo*> all;
  for (const addrinfo* address = &addresses; address != nullptr; address = address->ai_next) all.push_back(address);
  if (target.transport == Transport::tcp && all.size() > 1) {
    const auto accepting = std::ranges::find_if(all, [](const addrinfo* address) { return accepts(*address); });
    if (accepting != all.end()) std::rotate(all.begin(), accepting, accepting + 1);
  }
  std::memcpy(&target.address, all.front()->ai_addr, all.front()->ai_addrlen);
  target.address_size = all.front()->ai_addrlen;
  if (target.transport != Transport::tcp) return;
  for (const addrinfo* address : std::span(all).subspan(1)) {
    SocketAddress& other = target.others.emplace_back();
    std::memcpy(&other.address, address->ai_addr, address->ai_addrlen);
    other.size = address->ai_addrlen;
  }
}

void aim_at_unix_socket(ServerUrl& url, std::string_view path) {
  if (url.service->transport != Transport::tcp) refuse("datagrams go to no Unix socket");
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) {
    refuse(fmt::format("the path of a Unix socket has at most {} bytes", sizeof address.sun_path - 1));
  }
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  std::memcpy(&url.target.address, &address, sizeof address);
  url.target.address_size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  url.target.text = path;
}

void resolve(ServerUrl& url) {
  Target& target = url.target;
  target.transport = url.service->transport;
  addrinfo hints{};
  hints.ai_socktype = target.transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
  if (error != 0) refuse(fmt::format("cannot find the host '{}': {}", url.host, gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  aim(target, *found);
  target.text = url.authority();
}

// The scheme of a URL in lower case, as all are to be read (RFC 3986, 3.1).
std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return copy;
}

// What a request line must not hold is refused, so that nothing is sent that nobody asked for; what is no ASCII, and
// what RFC 3986 allows nowhere, is encoded.
void refuse_unprintable(std::string_view url) {
  const auto bad = std::ranges::find_if(url, [](unsigned char c) { return c <= ' ' || c == 0x7F; });
  if (bad == url.end()) return;
  const auto code = static_cast<unsigned char>(*bad);
  refuse(fmt::format("a {} is not allowed in a URL; write %{:02X}", code == ' ' ? "blank" : "control character", code));
}

std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    const bool is_allowed = code < 0x80 && std::string_view(R"("<>\^`{|})").find(c) == std::string_view::npos;
    result += is_allowed ? std::string(1, c) : fmt::format("%{:02X}", code);
  }
  return result;
}

// Path and query of what follows the authority, without the fragment, which is the client's own business.
std::string path_of(std::string_view rest) {
  std::string path = encoded(rest.substr(0, rest.find('#')));
  return path.starts_with('/') ? path : "/" + path;
}

}  // namespace

std::string ServerUrl::authority() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return bracketed ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

ServerUrl parse_url(std::string_view url, RowList<Service> services, std::string_view unix_path) {
  refuse_unprintable(url);
  constexpr std::string_view separator = "://";
  const std::size_t at = url.find(separator);
  if (at == std::string_view::npos) {
    refuse(fmt::format("the scheme is missing (allowed: {})", schemes_of(services, separator)));
  }
  const std::string scheme = lower(url.substr(0, at));
  const auto row = std::ranges::find_if(services, [&](const Service& service) {  //
    return !scheme.empty() && (service.scheme.name == scheme || service.scheme.secure_name == scheme);
  });
  if (row == services.end()) refuse(fmt::format("unknown scheme '{}' (allowed: {})", scheme, schemes_of(services)));
  ServerUrl parsed;
  parsed.service = &*row;
  parsed.secure = row->scheme.secure_name == scheme;
  const std::string_view rest = url.substr(at + separator.size());
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  parsed.path = path_of(rest.substr(end));
  if (!row->scheme.exchanges) {
    if (parsed.path != "/") refuse(fmt::format("{}:// takes no path", scheme));
    parsed.path.clear();
  }
  parse_authority(rest.substr(0, end), parsed);
  unix_path.empty() ? resolve(parsed) : aim_at_unix_socket(parsed, unix_path);
  return parsed;
}

}  // namespace bench
