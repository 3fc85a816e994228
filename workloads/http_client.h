// The client's side of HTTP, for servers that are not ours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "workloads/service.h"

namespace bench {

/// How closely the replies of a foreign server are looked at; each includes those before it.
enum class HttpCheck : std::uint8_t {
  status,
  length,  ///< Of the body: that of the first reply.
  body,    ///< A 64-bit hash of it: that of the first reply.
};

/// What the first complete reply has fixed for all that follow it.
class HttpReference;
std::shared_ptr<HttpReference> make_http_reference();

/// What to ask a server for. Copies share what their first reply was, over all threads of a process.
struct HttpTarget {
  std::string host;        ///< For the Host header: "127.0.0.1:8080".
  std::string path = "/";  ///< With its query; sent as it is.
  HttpCheck check = HttpCheck::body;
  int expected_status = 200;
  std::shared_ptr<HttpReference> reference = make_http_reference();
};

/// The client's side of one connection: GET requests, and replies with a Content-Length, in chunks or until the end of
/// the connection. Nothing is allocated for a reply.
std::unique_ptr<Exchange> make_http_exchange(const HttpTarget& target);

/// The client's side of one connection to the `http` service, as Service::exchange says.
std::unique_ptr<Exchange> make_own_http_exchange(const ServiceParameters& parameters, std::uint64_t connection,
                                                 bool heavy);

}  // namespace bench
