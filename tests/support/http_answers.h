// What the `http` service says to requests, in memory.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/conversation.h"
#include "workloads/service.h"

namespace bench {

inline const Service& http_service() { return *std::ranges::find(all_services(), "http", &Service::name); }

inline ServedConnection serve_http(const ServiceContext& context = {.parameters = {}, .model = "epoll"}) {
  return {http_service(), context};
}

/// All that is said to `request`, and whether the connection ends then.
struct HttpAnswer {
  std::string text;
  bool closes;
};

/// The request comes in pieces of at most `piece` bytes.
inline HttpAnswer http_answer(std::string_view request, std::size_t piece = std::string::npos) {
  ServedConnection server = serve_http();
  server.receive_in_pieces(request, piece);
  return {server.take_sent(), server.is_closed()};
}

/// To a GET; `fields` are whole lines.
inline std::string http_get(std::string_view target, std::string_view fields = "") {
  return http_answer("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n").text;
}

inline std::string http_body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace bench
