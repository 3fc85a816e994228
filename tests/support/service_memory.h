// What the sessions of one service share, where no server has made it for them.
#pragma once

#include <new>

#include "measure/shared_mapping.h"
#include "workloads/hub.h"
#include "workloads/service.h"

namespace bench {

/// The hub and the memory that a row asks for. Outlives the sessions; forked processes share it. Nobody is woken.
class ServiceMemory {
 public:
  explicit ServiceMemory(const Service& service)
      : log_(service.hub_bytes + 1), shared_(service.shared_bytes + 1), hub_place_(sizeof(Hub)) {
    hub_ = new (hub_place_.data()) Hub({log_.data(), service.hub_bytes}, [](Hub&) {});
  }

  Hub& hub() const { return *hub_; }

  /// Of a session that is told `parameters`.
  ServiceContext context(const ServiceParameters& parameters) const {
    return {.parameters = parameters, .model = "epoll", .hub = hub_, .shared = shared_.data()};
  }

 private:
  SharedMapping log_;
  SharedMapping shared_;
  SharedMapping hub_place_;
  Hub* hub_;
};

}  // namespace bench
