// Where a server is to be found, as people write it.
#pragma once

#include <string>
#include <string_view>

#include "harness/load/load_plan.h"

namespace bench {

/// A parsed URL.
struct ServerUrl {
  std::string scheme;  ///< "http", "tcp" or "udp"
  std::string host;    ///< As written, without the brackets of an IPv6 address.
  std::string port;    ///< Digits.
  std::string path;    ///< http: from the first '/', or "/" without one; otherwise empty.
  Target target;       ///< The first address that the host resolves to.
};

/// Parses `http://host[:port][/path]`, `tcp://host:port` or `udp://host:port` and looks the host up (getaddrinfo(3),
/// which may take seconds). Throws std::invalid_argument with a text that names what is wrong, to be put after the URL.
ServerUrl parse_url(std::string_view url);

}  // namespace bench
