// Where a server is to be found, as people write it.
#pragma once

#include <string>
#include <string_view>

#include "harness/load/load_plan.h"
#include "workloads/service.h"

namespace bench {

/// A parsed URL.
struct ServerUrl {
  const Service* service = nullptr;  ///< Whose scheme it has.
  bool secure = false;               ///< Whether it is the scheme's secure form.
  std::string host;                  ///< As written, without the brackets of an IPv6 address.
  std::string port;                  ///< Digits.
  std::string path;                  ///< With its query, without a fragment; "/" where there is none; empty where the
                                     ///< scheme has no paths.

  /// "host:port", as the server is told; an IPv6 address in brackets.
  std::string authority() const;

  Target target;  ///< At the first of the host's addresses that accepts a connection, else at the first; in the clear.
};

/// Parses `scheme://host[:port][/path][?query][#fragment]` (RFC 3986), as the row of `services` with that scheme takes
/// it, and looks the host up (getaddrinfo(3), which may take seconds). Where it has several addresses, it tries them.
/// Where the path of a Unix socket is given, that is the target, and the host is only what the server is told.
/// Throws std::invalid_argument with a text that names what is wrong, to be put after the URL.
ServerUrl parse_url(std::string_view url, RowList<Service> services, std::string_view unix_path = {});

}  // namespace bench
