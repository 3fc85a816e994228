#include "harness/run/foreign_usage.h"

#include <fmt/format.h>

#include "harness/run/socket_owner.h"
#include "measure/clock.h"

namespace bench {

UsageReading ForeignUsage::at(Edge edge) {
  if (server_.pid <= 0) return {.usage = {}, .at_ns = now_ns()};
  if (edge == Edge::begin) {
    owns_socket_ = owns_socket(server_.pid, server_.target) != Owns::no;
    before_ = read_tree(server_.pid);
    return {.usage = {}, .at_ns = now_ns()};
  }
  const std::int64_t at_ns = now_ns();
  window_ = usage_between(server_.pid, before_, read_tree(server_.pid, before_));
  if (!owns_socket_ && !before_.empty()) {
    window_ = {.unknown =
                   fmt::format("neither process {} nor a child of it listens on {}", server_.pid, server_.target.text)};
  }
  return {.usage = window_.usage, .at_ns = at_ns};
}

void ForeignUsage::explain(ServiceMeasurement& measured) const {
  window_.unknown.copy(measured.server_cpu_unknown, sizeof measured.server_cpu_unknown - 1);
  measured.server_switches_unknown = !window_.are_switches_known;
}

}  // namespace bench
