#include "harness/run/foreign_usage.h"

#include <fmt/format.h>

#include "harness/run/socket_owner.h"
#include "measure/clock.h"

namespace bench {
namespace {

// Why it is others that serve the load; empty where that is not seen.
std::string why_another(const ForeignServer& server) {
  const std::string& where = server.target.text;
  if (owns_socket(server.pid, server.target, ServerSockets::open) == Owns::no) {
    return fmt::format("neither process {} nor a child of it listens on {}", server.pid, where);
  }
  if (server.target.transport == Transport::tcp &&
      owns_socket(server.pid, server.target, ServerSockets::connected) == Owns::no) {
    return fmt::format("neither process {} nor a child of it has a connection to {}", server.pid, where);
  }
  return {};
}

}  // namespace

UsageReading ForeignUsage::at(Edge edge) {
  if (server_.pid <= 0) return {.usage = {}, .at_ns = now_ns()};
  if (edge == Edge::begin) {
    why_another_ = why_another(server_);
    before_ = read_tree(server_.pid);
    return {.usage = {}, .at_ns = now_ns()};
  }
  const std::int64_t at_ns = now_ns();
  window_ = usage_between(server_.pid, before_, read_tree(server_.pid, before_));
  if (!why_another_.empty() && !before_.empty()) window_ = {.unknown = why_another_};
  return {.usage = window_.usage, .at_ns = at_ns};
}

void ForeignUsage::explain(ServiceMeasurement& measured) const {
  window_.unknown.copy(measured.server_cpu_unknown, sizeof measured.server_cpu_unknown - 1);
  measured.server_switches_unknown = !window_.are_switches_known;
}

}  // namespace bench
